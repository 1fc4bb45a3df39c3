"""The SageMaker Python SDK v3, used so that it stays on this machine.

Importing it needs a region, its sessions look for credentials and create their bucket, a trainer asks IAM about the
role, logging is turned up, and usage is reported to AWS. A definition needs none of these. No other module may know of
these quirks.
"""

import contextlib
import logging
import os
import warnings
from collections.abc import Iterator
from typing import Any


@contextlib.contextmanager
def offline(region: str, bucket: str) -> Iterator[Any]:
    """A PipelineSession that records the steps' requests and calls nobody; the environment is put back afterwards."""
    before, root = dict(os.environ), logging.getLogger()
    level, handlers = root.level, root.handlers[:]
    os.environ.pop("AWS_PROFILE", None)
    os.environ.update(
        AWS_DEFAULT_REGION=region,
        AWS_ACCESS_KEY_ID="none",
        AWS_SECRET_ACCESS_KEY="none",  # noqa: S106 - so that nobody looks for real ones
        AWS_CONFIG_FILE=os.devnull,
        AWS_SHARED_CREDENTIALS_FILE=os.devnull,
        SAGEMAKER_VALIDATE_ROLE="false",
    )
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield _session(region, bucket)
    finally:
        logging.disable(logging.NOTSET)
        root.level, root.handlers = level, handlers
        os.environ.clear()
        os.environ.update(before)


def _session(region: str, bucket: str) -> Any:
    from boto3.session import Session
    from sagemaker.core.telemetry import telemetry_logging
    from sagemaker.core.workflow.pipeline_context import PipelineSession

    telemetry_logging._send_telemetry_request = _stay_here  # noqa: SLF001 - its opt-out costs 3 s a definition

    class Offline(PipelineSession):  # type: ignore[misc] # the SDK has no types
        """A session whose bucket is taken at its word: the SDK would create it."""

        def default_bucket(self) -> str:
            return bucket

    return Offline(boto_session=Session(region_name=region), sagemaker_config={})


def _stay_here(*_: Any, **__: Any) -> None:
    """In the place of the function that sends usage reports."""
