"""The events of executions and of their steps. Pure.

Members begin with a small letter, times are ISO 8601 to the second, and what is not known is left out. Source: the
developer guide, "Events that Amazon SageMaker AI sends to Amazon EventBridge".
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from local.context import Response
from local.pipelines.steps import StepRun

EXECUTION = "SageMaker Model Building Pipeline Execution Status Change"
STEP = "SageMaker Model Building Pipeline Execution Step Status Change"


def execution(
    request: Mapping[str, Any], status: str, previous: str | None, started: datetime, ended: datetime | None
) -> Response:
    """The detail of an execution's event; `request` is what started it, `ended` None while it runs."""
    return _known(
        {
            "pipelineExecutionDisplayName": request.get("PipelineExecutionDisplayName"),
            "pipelineExecutionDescription": request.get("PipelineExecutionDescription"),
            "currentPipelineExecutionStatus": status,
            "previousPipelineExecutionStatus": previous,
            "executionStartTime": _time(started),
            "executionEndTime": _time(ended),
        }
    )


def step(run: StepRun, previous: str | None) -> Response:
    """The detail of a step's event."""
    return _known(
        {
            "stepName": run.step.name,
            "stepType": run.step.type,
            "currentStepStatus": run.status,
            "previousStepStatus": previous,
            "stepStartTime": _time(run.started),
            "stepEndTime": _time(run.ended),
            "failureReason": run.failure_reason,
            "cacheHitResult": {"sourcePipelineExecutionArn": run.cache_source} if run.cache_source else None,
            "metadata": _lower_first(run.metadata),
        }
    )


def _known(detail: Response) -> Response:
    return {member: value for member, value in detail.items() if value is not None}


def _time(moment: datetime | None) -> str | None:
    return f"{moment:%Y-%m-%dT%H:%M:%S}Z" if moment else None


def _lower_first(value: Any) -> Any:
    """The metadata as events spell it: processingJob.arn for ProcessingJob.Arn."""
    if not isinstance(value, dict):
        return value
    return {key[:1].lower() + key[1:]: _lower_first(item) for key, item in value.items()}
