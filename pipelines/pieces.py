"""The SDK's small shapes, each in one line of `definition.py`: inputs, outputs, metrics, caching, retries.

It must never know which steps there are.
"""

from typing import Any

from pipelines.parameters import CACHE_FOR, METRICS


def under(prefix: Any, file: str) -> Any:
    """The S3 URI of a file under a prefix that is known only at run time."""
    from sagemaker.core.workflow.functions import Join

    return Join(on="/", values=[prefix, file])


def processing_input(name: str, uri: Any) -> Any:
    """An S3 prefix as the folder /opt/ml/processing/input/NAME."""
    from sagemaker.core.shapes import ProcessingInput, ProcessingS3Input

    place = ProcessingS3Input(
        s3_uri=uri, local_path=f"/opt/ml/processing/input/{name}", s3_data_type="S3Prefix", s3_input_mode="File"
    )
    return ProcessingInput(input_name=name, s3_input=place)


def processing_output(name: str, uri: Any) -> Any:
    """The folder /opt/ml/processing/NAME, uploaded to an S3 prefix when the job has succeeded."""
    from sagemaker.core.shapes import ProcessingOutput, ProcessingS3Output

    place = ProcessingS3Output(s3_uri=uri, local_path=f"/opt/ml/processing/{name}", s3_upload_mode="EndOfJob")
    return ProcessingOutput(output_name=name, s3_output=place)


def metric_definitions() -> list[Any]:
    """What SageMaker reads out of the training log."""
    from sagemaker.core.shapes import MetricDefinition

    return [MetricDefinition(name=name, regex=regex) for name, regex in METRICS.items()]


def cache() -> Any:
    """A step that ran before with the same inputs is not run again."""
    from sagemaker.mlops.workflow.steps import CacheConfig

    return CacheConfig(enable_caching=True, expire_after=CACHE_FOR)


def retries(*, job: bool) -> list[Any]:
    """Throttling and service faults for every step; missing capacity and limits for those that start a job."""
    from sagemaker.mlops.workflow.retry import (
        SageMakerJobExceptionTypeEnum,
        SageMakerJobStepRetryPolicy,
        StepExceptionTypeEnum,
        StepRetryPolicy,
    )

    faults = StepRetryPolicy(
        exception_types=[StepExceptionTypeEnum.SERVICE_FAULT, StepExceptionTypeEnum.THROTTLING],
        interval_seconds=10,
        max_attempts=5,
    )
    capacity = SageMakerJobStepRetryPolicy(
        exception_types=[SageMakerJobExceptionTypeEnum.RESOURCE_LIMIT, SageMakerJobExceptionTypeEnum.CAPACITY_ERROR],
        interval_seconds=60,
        max_attempts=5,
    )
    return [faults, capacity] if job else [faults]
