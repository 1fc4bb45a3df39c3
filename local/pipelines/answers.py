"""How pipelines, executions and steps look in AWS's answers, and how a list is paged. Pure.

Source: botocore's shapes of the Describe and List operations.
"""

from collections.abc import Sequence
from typing import Any

from local.context import Request, Response
from local.errors import validation
from local.pipelines.execution import Execution
from local.pipelines.expressions import text
from local.pipelines.steps import StepRun


def execution(of: Execution) -> Response:
    """DescribePipelineExecution."""
    return _known(
        {
            "PipelineArn": of.pipeline_arn,
            "PipelineExecutionArn": of.arn,
            "PipelineExecutionDisplayName": of.request.get("PipelineExecutionDisplayName"),
            "PipelineExecutionDescription": of.request.get("PipelineExecutionDescription"),
            "PipelineExecutionStatus": of.status,
            "FailureReason": of.failure_reason,
            "CreationTime": of.created,
            "LastModifiedTime": of.modified,
            "CreatedBy": {},
            "LastModifiedBy": {},
            "ParallelismConfiguration": of.request.get("ParallelismConfiguration"),
        }
    )


def execution_summary(of: Execution) -> Response:
    """An entry of ListPipelineExecutions."""
    return _known(
        {
            "PipelineExecutionArn": of.arn,
            "StartTime": of.created,
            "PipelineExecutionStatus": of.status,
            "PipelineExecutionDescription": of.request.get("PipelineExecutionDescription"),
            "PipelineExecutionDisplayName": of.request.get("PipelineExecutionDisplayName"),
            "PipelineExecutionFailureReason": of.failure_reason,
        }
    )


def step(run: StepRun) -> Response:
    """An entry of ListPipelineExecutionSteps."""
    return _known(
        {
            "StepName": run.step.name,
            "StepDisplayName": run.step.display_name,
            "StepDescription": run.step.description,
            "StartTime": run.started,
            "EndTime": run.ended,
            "StepStatus": run.status,
            "CacheHitResult": {"SourcePipelineExecutionArn": run.cache_source} if run.cache_source else None,
            "FailureReason": run.failure_reason,
            "Metadata": run.metadata or None,
            "AttemptCount": 1,
        }
    )


def parameters(of: Execution) -> list[Response]:
    """The entries of ListPipelineParametersForExecution."""
    return [{"Name": name, "Value": text(value)} for name, value in of.parameters.items()]


def page(member: str, items: Sequence[Any], request: Request) -> Response:
    """One page of a list: MaxResults (100 when absent) items from NextToken on."""
    token = request.get("NextToken", "0")
    if not token.isdecimal():
        raise validation(f"NextToken {token} is not one that was given out.")
    start, size = int(token), int(request.get("MaxResults", 100))
    following = {"NextToken": str(start + size)} if start + size < len(items) else {}
    return {member: list(items[start : start + size]), **following}


def _known(answer: Response) -> Response:
    return {member: value for member, value in answer.items() if value is not None}
