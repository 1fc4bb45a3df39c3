"""The pipeline in an account: create or update it, start it, follow it. Clients, waiting and output are handed in.

It must never compile the pipeline, nor decide whether a model is good enough: the pipeline's own condition does.
"""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipelines.source import Source

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sagemaker import SageMakerClient

INLINE_LIMIT = 100 * 1024
UNFINISHED = ("Executing", "Stopping")


@dataclass(frozen=True)
class Target:
    """The pipeline in an account: its name, its package group, its jobs' role, and the bucket of its artefacts."""

    pipeline: str
    model_package_group: str
    role: str
    bucket: str


def upsert(sagemaker: "SageMakerClient", s3: "S3Client", target: Target, definition: str, source: Source) -> str:
    """Upload the code, make the package group if it is not there, create or update the pipeline; its ARN."""
    for key, content in source.objects().items():
        s3.put_object(Bucket=target.bucket, Key=key, Body=content)
    _ensure_group(sagemaker, target.model_package_group)
    body = _definition_argument(s3, target, definition)
    try:
        arn = sagemaker.update_pipeline(PipelineName=target.pipeline, RoleArn=target.role, **body)["PipelineArn"]
    except sagemaker.exceptions.ResourceNotFound:
        arn = sagemaker.create_pipeline(PipelineName=target.pipeline, RoleArn=target.role, **body)["PipelineArn"]
    return arn


def _ensure_group(sagemaker: "SageMakerClient", group: str) -> None:
    listed = sagemaker.get_paginator("list_model_package_groups").paginate(NameContains=group)
    names = {found["ModelPackageGroupName"] for page in listed for found in page["ModelPackageGroupSummaryList"]}
    if group not in names:
        sagemaker.create_model_package_group(ModelPackageGroupName=group)


def _definition_argument(s3: "S3Client", target: Target, definition: str) -> Any:
    """Inline, or through S3 when it is over the size that UpdatePipeline takes comfortably."""
    if len(definition.encode()) < INLINE_LIMIT:
        return {"PipelineDefinition": definition}
    key = f"pipelines/{target.pipeline}/definition.json"
    s3.put_object(Bucket=target.bucket, Key=key, Body=definition.encode())
    return {"PipelineDefinitionS3Location": {"Bucket": target.bucket, "ObjectKey": key}}


def start(sagemaker: "SageMakerClient", pipeline: str, parameters: Mapping[str, str]) -> str:
    """Start an execution; its ARN."""
    listed: Any = [{"Name": name, "Value": value} for name, value in parameters.items()]
    started = sagemaker.start_pipeline_execution(
        PipelineName=pipeline, PipelineParameters=listed, ClientRequestToken=uuid.uuid4().hex
    )
    return started["PipelineExecutionArn"]


@dataclass(frozen=True)
class Ended:
    """How an execution ended: its status, and why when it failed."""

    status: str
    reason: str

    @property
    def succeeded(self) -> bool:
        """Every step that had to run did."""
        return self.status == "Succeeded"


def follow(
    sagemaker: "SageMakerClient", execution: str, wait: Callable[[float], None], say: Callable[[str], None]
) -> Ended:
    """Say each step's status as it changes, until the execution ends. `wait` takes AWS seconds."""
    seen: dict[str, str] = {}
    while True:
        described = sagemaker.describe_pipeline_execution(PipelineExecutionArn=execution)
        steps = list(reversed(_steps(sagemaker, execution)))
        for step in steps:
            if seen.get(step["StepName"]) != step["StepStatus"]:
                seen[step["StepName"]] = step["StepStatus"]
                say(_line(step))
        if described["PipelineExecutionStatus"] not in UNFINISHED:
            return Ended(described["PipelineExecutionStatus"], _reason(described, steps))
        wait(15)


def _reason(described: Mapping[str, Any], steps: list[Any]) -> str:
    """What the failed steps say; the execution itself may only say that one of them failed."""
    said = [step["FailureReason"] for step in steps if step["StepStatus"] == "Failed" and step.get("FailureReason")]
    return "; ".join(said) or str(described.get("FailureReason", ""))


def _steps(sagemaker: "SageMakerClient", execution: str) -> list[Any]:
    pages = sagemaker.get_paginator("list_pipeline_execution_steps").paginate(PipelineExecutionArn=execution)
    return [step for page in pages for step in page["PipelineExecutionSteps"]]


def _line(step: Mapping[str, Any]) -> str:
    cached = " (cached)" if step.get("CacheHitResult") else ""
    reason = f": {step['FailureReason']}" if step.get("FailureReason") else ""
    return f"  {step['StepName']}: {step['StepStatus']}{cached}{reason}"
