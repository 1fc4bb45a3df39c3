"""An inference experiment: its record, its schedule, what is due when, and what may be changed when. Pure.

Sources: the API reference of the seven operations; the developer guide, "Create" and "Edit a shadow test". It must
never wait for a date: `experiments` does.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from local.context import Request, Response
from local.errors import AwsError, validation

SHORTEST, LONGEST, DEFAULT = timedelta(hours=1), timedelta(days=30), timedelta(days=7)
"""How long an experiment may run, and does when its schedule does not say."""

ENDED = ("Completed", "Cancelled")
"""The statuses that nothing follows."""

SUMMARY = (
    *("Name", "Type", "Schedule", "Status", "StatusReason", "Description"),
    *("CreationTime", "CompletionTime", "LastModifiedTime", "RoleArn"),
)
"""The members of what ListInferenceExperiments says of one."""

Step = Literal["start", "revise", "stop", "complete"]

_LONGEST_REASON = 1024
_CHANGEABLE = ("Description", "ModelVariants", "DataStorageConfig", "ShadowModeConfig")


@dataclass(frozen=True)
class Schedule:
    """When an experiment starts, and ends if nobody stops it."""

    start: datetime
    end: datetime


@dataclass(frozen=True)
class Before:
    """An endpoint as it was: its config, what that captured, its variants, and the weight and size of each."""

    config: str
    capture: Mapping[str, Any] | None
    variants: Sequence[Mapping[str, Any]]
    desired: Mapping[str, tuple[float, int]]


@dataclass
class Experiment:
    """An experiment. `members` are those of CreateInferenceExperiment as they are now, with every model variant.

    `before` is the endpoint as it was when the experiment was started on it; `order` is the StopInferenceExperiment
    under way; `shown` is the status of each model variant.
    """

    arn: str
    members: dict[str, Any]
    schedule: Schedule
    created: datetime
    modified: datetime
    status: str = "Creating"
    reason: str | None = None
    completed: datetime | None = None
    before: Before | None = None
    order: Request | None = None
    shown: dict[str, str] = field(default_factory=dict)

    @property
    def endpoint(self) -> str:
        """The name of the endpoint that it is about."""
        return str(self.members["EndpointName"])

    @property
    def is_on_endpoint(self) -> bool:
        """Whether its endpoint is being changed for it, or has been and is not yet changed back."""
        return self.status == "Starting" or (self.before is not None and self.status not in ENDED)

    def become(self, status: str, now: datetime) -> None:
        """Change the status."""
        self.status, self.modified = status, now

    def show(self, serving: Collection[str], others: str) -> None:
        """The model variants that serve are InService, the others have another status."""
        names = [variant["VariantName"] for variant in self.members["ModelVariants"]]
        self.shown = {name: "InService" if name in serving else others for name in names}

    def end(self, status: str, reason: str | None, now: datetime) -> None:
        """It is over: Completed or Cancelled."""
        self.become(status, now)
        self.reason = reason[:_LONGEST_REASON] if reason else None
        self.completed = now
        self.schedule = Schedule(self.schedule.start, min(self.schedule.end, now))


def schedule(given: Mapping[str, datetime], now: datetime, kept: Schedule | None = None) -> Schedule:
    """The schedule that a request asks for, the rest as it was or by default: from now, for seven days.

    Raises AwsError ValidationException.
    """
    start = given.get("StartTime", kept.start if kept else now)
    end = given.get("EndTime", kept.end if kept else start + DEFAULT)
    if end <= now:
        raise validation(f"Schedule.EndTime is {end:%Y-%m-%dT%H:%M:%SZ}, which is not after now.")
    if not SHORTEST <= end - start <= LONGEST:
        raise validation(f"The schedule lasts {end - start}; it must last between 1 hour and 30 days.")
    return Schedule(start, end)


def due(experiment: Experiment, now: datetime) -> Step | None:
    """What is to be done now; None: nothing until the schedule, or somebody, says so."""
    match experiment.status:
        case "Starting":
            return "start"
        case "Created" if now >= experiment.schedule.start:
            return "start"
        case "Updating":
            return "revise"
        case "Stopping":
            return "stop"
        case "Running" if now >= experiment.schedule.end:
            return "complete"
    return None


def due_at(experiment: Experiment) -> datetime:
    """When something is due, if nothing is now."""
    return experiment.schedule.end if experiment.status == "Running" else experiment.schedule.start


def revised(experiment: Experiment, request: Request, now: datetime) -> tuple[Request, Schedule]:
    """Members and schedule after an UpdateInferenceExperiment.

    Raises AwsError ValidationException for what cannot be changed any more.
    """
    old, given = experiment.members, request.get("Schedule", {})
    members = {**old, **{name: request[name] for name in _CHANGEABLE if name in request}}
    if experiment.before is not None:
        if given.get("StartTime", experiment.schedule.start) != experiment.schedule.start:
            raise validation("The experiment is running: of its schedule only EndTime can be changed.")
        fixed = ("ModelVariants", "DataStorageConfig")
        if any(members.get(name) != old.get(name) for name in fixed) or _names(members) != _names(old):
            raise validation(
                "The experiment is running: only its description, its end and SamplingPercentage can be changed."
            )
    return members, schedule(given, now, experiment.schedule)


def _names(members: Request) -> tuple[str, str]:
    mode = members["ShadowModeConfig"]
    return mode["SourceModelVariantName"], mode["ShadowModelVariants"][0]["ShadowModelVariantName"]


def summary(experiment: Experiment) -> Response:
    """What ListInferenceExperiments says, and DescribeInferenceExperiment as well."""
    return {
        "Name": experiment.members["Name"],
        "Type": experiment.members["Type"],
        "Schedule": {"StartTime": experiment.schedule.start, "EndTime": experiment.schedule.end},
        "Status": experiment.status,
        "StatusReason": experiment.reason,
        "Description": experiment.members.get("Description"),
        "CreationTime": experiment.created,
        "CompletionTime": experiment.completed,
        "LastModifiedTime": experiment.modified,
        "RoleArn": experiment.members["RoleArn"],
    }


def describe(experiment: Experiment, endpoint: Response) -> Response:
    """DescribeInferenceExperiment's response. `endpoint` is DescribeEndpoint's, with nothing but the name if gone."""
    shown = ("EndpointName", "EndpointConfigName", "EndpointStatus", "FailureReason")
    return {
        **summary(experiment),
        "Arn": experiment.arn,
        "EndpointMetadata": {name: endpoint.get(name) for name in shown},
        "ModelVariants": [
            {**variant, "Status": experiment.shown[variant["VariantName"]]}
            for variant in experiment.members["ModelVariants"]
        ],
        "DataStorageConfig": experiment.members.get("DataStorageConfig"),
        "ShadowModeConfig": experiment.members["ShadowModeConfig"],
        "KmsKey": experiment.members.get("KmsKey"),
    }


def conflict(experiment: Experiment, wanted: str, *allowed: str) -> AwsError:
    """The error of an operation that the status does not allow."""
    return AwsError(
        "ConflictException",
        f'Inference experiment "{experiment.arn}" cannot be {wanted}: its status is {experiment.status}, and must be '
        f"{' or '.join(allowed)}.",
    )
