"""A job as the control plane knows it: its record, and the answers of DescribeProcessingJob and DescribeTrainingJob.

Sources: botocore's shapes of those operations. It must never touch a file, a process or S3.
"""

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from local.context import Request, Response

Kind = Literal["ProcessingJob", "TrainingJob"]
OVER = ("Completed", "Failed", "Stopped")
_DAY = 86_400
_REASON_LIMIT = 1024
_MESSAGES = {
    "Starting": "Preparing the instances for training",
    "Downloading": "Downloading input data",
    "Training": "Training image download completed. Training in progress.",
    "Uploading": "Uploading generated training model",
    "Stopping": "Stopping the training job",
    "Completed": "Training job completed",
}


class JobError(Exception):
    """The job cannot go on, for a reason its owner can act on; it becomes the job's FailureReason."""


@dataclass
class Job:
    """One job. `request` is the Create request as checked; times are AWS time; `folder` stands for /opt/ml."""

    kind: Kind
    name: str
    arn: str
    request: Request
    folder: Path
    created: datetime
    status: str = "InProgress"
    started: datetime | None = None
    ended: datetime | None = None
    failure_reason: str | None = None
    exit_message: str | None = None
    metrics: list[dict[str, Any]] = field(default_factory=list)
    transitions: list[dict[str, Any]] = field(default_factory=list)

    def enter(self, secondary_status: str, now: datetime, message: str | None = None) -> None:
        """Go on to a secondary status, which ends the one before."""
        if self.transitions:
            self.transitions[-1]["EndTime"] = now
        said = message or _MESSAGES.get(secondary_status)
        self.transitions.append({"Status": secondary_status, "StartTime": now, "StatusMessage": said})

    def finish(self, status: str, now: datetime, reason: str | None = None, secondary: str | None = None) -> None:
        """End the job as Completed, Failed or Stopped."""
        self.status, self.ended = status, now
        self.failure_reason = reason[:_REASON_LIMIT] if reason else None
        self.enter(secondary or status, now, self.failure_reason)
        self.transitions[-1]["EndTime"] = now


def maximum_runtime(request: Request) -> int:
    """Seconds the job may run: StoppingCondition.MaxRuntimeInSeconds, one day when it says nothing."""
    return int(request.get("StoppingCondition", {}).get("MaxRuntimeInSeconds", _DAY))


def model_artifacts(request: Request) -> str:
    """Where a training job's model.tar.gz goes."""
    return f"{request['OutputDataConfig']['S3OutputPath'].rstrip('/')}/{request['TrainingJobName']}/output/model.tar.gz"


def describe(job: Job) -> Response:
    """The answer of DescribeProcessingJob or DescribeTrainingJob, without the members that are not known yet."""
    common = {
        **{member: value for member, value in job.request.items() if member != "Tags"},
        f"{job.kind}Arn": job.arn,
        f"{job.kind}Status": job.status,
        "CreationTime": job.created,
        "LastModifiedTime": job.transitions[-1]["StartTime"] if job.transitions else job.created,
        "FailureReason": job.failure_reason,
    }
    prefix = job.kind.removesuffix("Job")
    common |= {f"{prefix}StartTime": job.started, f"{prefix}EndTime": job.ended}
    special = {"ExitMessage": job.exit_message} if job.kind == "ProcessingJob" else _training(job)
    return {member: value for member, value in {**common, **special}.items() if value is not None}


def _training(job: Job) -> dict[str, Any]:
    seconds = int((job.ended - job.started).total_seconds()) if job.started and job.ended else None
    return {
        "ModelArtifacts": {"S3ModelArtifacts": model_artifacts(job.request)},
        "SecondaryStatus": job.transitions[-1]["Status"] if job.transitions else "Starting",
        "SecondaryStatusTransitions": job.transitions,
        "StoppingCondition": job.request.get("StoppingCondition", {"MaxRuntimeInSeconds": _DAY}),
        "FinalMetricDataList": job.metrics or None,
        "TrainingTimeInSeconds": seconds,
        "BillableTimeInSeconds": seconds,
    }
