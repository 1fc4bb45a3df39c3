"""How executions and steps look in AWS's answers. Pure.

Source: botocore's shapes of the Describe and List operations.
"""

from local.context import Request, Response
from local.pipelines.execution import Execution
from local.pipelines.expressions import text
from local.pipelines.steps import StepRun

PIPELINE_SUMMARY = (
    "PipelineArn",
    "PipelineName",
    "PipelineDisplayName",
    "PipelineDescription",
    "RoleArn",
    "CreationTime",
    "LastModifiedTime",
    "LastExecutionTime",
)
EXECUTION_SUMMARY = (
    "PipelineExecutionArn",
    "StartTime",
    "PipelineExecutionStatus",
    "PipelineExecutionDescription",
    "PipelineExecutionDisplayName",
    "PipelineExecutionFailureReason",
)


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
            "SelectiveExecutionConfig": of.request.get("SelectiveExecutionConfig"),
            "PipelineVersionId": of.version,
        }
    )


def execution_summary(of: Execution) -> Response:
    """An entry of ListPipelineExecutions."""
    described = {**execution(of), "StartTime": of.created, "PipelineExecutionFailureReason": of.failure_reason}
    return {member: described[member] for member in EXECUTION_SUMMARY if member in described}


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
            "CacheHitResult": _source(run.cache_source),
            "FailureReason": run.failure_reason,
            "Metadata": run.metadata or None,
            "AttemptCount": run.attempts,
            "SelectiveExecutionResult": _source(run.selected_from),
        }
    )


def parameters(of: Execution) -> list[Response]:
    """The entries of ListPipelineParametersForExecution."""
    return [{"Name": name, "Value": text(value)} for name, value in of.parameters.items()]


def times(request: Request) -> Request:
    """A list request with its CreatedAfter and CreatedBefore as other services name them."""
    names = {"CreatedAfter": "CreationTimeAfter", "CreatedBefore": "CreationTimeBefore"}
    return {names.get(member, member): value for member, value in request.items()}


def _source(execution_arn: str | None) -> Response | None:
    return {"SourcePipelineExecutionArn": execution_arn} if execution_arn else None


def _known(answer: Response) -> Response:
    return {member: value for member, value in answer.items() if value is not None}
