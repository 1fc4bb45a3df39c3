"""The SageMaker Python SDK v3, imported so that it stays on this machine.

Importing it needs a region, constructing a trainer asks IAM about the role, and it reports usage to AWS. A definition
needs none of the three. Nothing outside this module may know of these quirks.
"""

import logging
import os
import warnings
from typing import Any


def session(region: str, bucket: str) -> Any:
    """A PipelineSession that records the steps' requests and calls nobody."""
    os.environ.setdefault("AWS_DEFAULT_REGION", region)
    os.environ["SAGEMAKER_VALIDATE_ROLE"] = "false"
    logging.disable(logging.WARNING)
    warnings.filterwarnings("ignore", message="Running within a PipelineSession")
    from boto3.session import Session
    from sagemaker.core.telemetry import telemetry_logging
    from sagemaker.core.workflow.pipeline_context import PipelineSession

    telemetry_logging._send_telemetry_request = _stay_here  # noqa: SLF001 - its opt-out costs 3 s a definition

    class Offline(PipelineSession):  # type: ignore[misc] # the SDK has no types
        """A session whose bucket is taken at its word: the SDK would create it."""

        def default_bucket(self) -> str:
            return bucket

    boto = Session(region_name=region, aws_access_key_id="none", aws_secret_access_key="none")  # noqa: S106 - unused
    return Offline(boto_session=boto, sagemaker_config={})


def _stay_here(*_: Any, **__: Any) -> None:
    """In the place of the function that sends usage reports."""
