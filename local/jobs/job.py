"""A job as the control plane knows it: its record, and the answers of DescribeProcessingJob and DescribeTrainingJob.

Sources: botocore's shapes of those operations. It must never touch a file, a process or S3.
"""

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from local.context import Request, Response

Kind = Literal["ProcessingJob", "TrainingJob"]
_DAY = 86_400
_REASON_LIMIT = 1024


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
    secondary_status: str = "Starting"
    started: datetime | None = None
    ended: datetime | None = None
    failure_reason: str | None = None
    exit_message: str | None = None
    metrics: list[dict[str, Any]] = field(default_factory=list)

    def finish(self, status: str, now: datetime, reason: str | None = None, secondary: str | None = None) -> None:
        """End the job as Completed, Failed or Stopped."""
        self.status, self.secondary_status, self.ended = status, secondary or status, now
        self.failure_reason = reason[:_REASON_LIMIT] if reason else None


def maximum_runtime(request: Request) -> int:
    """Seconds the job may run: StoppingCondition.MaxRuntimeInSeconds, one day when it says nothing."""
    return int(request.get("StoppingCondition", {}).get("MaxRuntimeInSeconds", _DAY))


def model_artifacts(request: Request) -> str:
    """Where a training job's model.tar.gz goes."""
    return f"{request['OutputDataConfig']['S3OutputPath'].rstrip('/')}/{request['TrainingJobName']}/output/model.tar.gz"


def describe(job: Job) -> Response:
    """The answer of DescribeProcessingJob or DescribeTrainingJob, without the members that are not known yet."""
    common = {
        **job.request,
        f"{job.kind}Arn": job.arn,
        f"{job.kind}Status": job.status,
        "CreationTime": job.created,
        "LastModifiedTime": job.ended or job.started or job.created,
        "FailureReason": job.failure_reason,
    }
    prefix = job.kind.removesuffix("Job")
    common |= {f"{prefix}StartTime": job.started, f"{prefix}EndTime": job.ended}
    special = {"ExitMessage": job.exit_message} if job.kind == "ProcessingJob" else _training(job)
    return {member: value for member, value in {**common, **special}.items() if value is not None}


def summarise(job: Job) -> Response:
    """The job's entry in ListProcessingJobs or ListTrainingJobs."""
    prefix = job.kind.removesuffix("Job")
    members = ["Name", "Arn", "Status"]
    described = describe(job)
    names = [f"{job.kind}{member}" for member in members] + ["CreationTime", f"{prefix}EndTime", "LastModifiedTime"]
    names += ["FailureReason", "ExitMessage"] if job.kind == "ProcessingJob" else ["SecondaryStatus"]
    return {name: described[name] for name in names if name in described}


def _training(job: Job) -> dict[str, Any]:
    seconds = int((job.ended - job.started).total_seconds()) if job.started and job.ended else None
    return {
        "ModelArtifacts": {"S3ModelArtifacts": model_artifacts(job.request)},
        "SecondaryStatus": job.secondary_status,
        "StoppingCondition": job.request.get("StoppingCondition", {"MaxRuntimeInSeconds": _DAY}),
        "FinalMetricDataList": job.metrics or None,
        "TrainingTimeInSeconds": seconds,
        "BillableTimeInSeconds": seconds,
    }
