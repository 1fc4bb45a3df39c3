"""What a stage's file may say: `deploy/stages/<stage>.yaml` as frozen models, each key with its meaning and limit.

It holds no default that ships a model unwatched, and reads no file: `stage_files.py` does, and words the errors.
"""

import hashlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal, Self, get_args

from pydantic import BaseModel, create_model, field_validator, model_validator
from pydantic.fields import FieldInfo
from pydantic_core import PydanticCustomError

from deploy.settings import Settings, seconds, setting
from deploy.strategies import DEFAULT_SHIFT, SHIFTS, STRATEGIES, TRIALS, Shift, Trial

NAME = r"^[a-zA-Z0-9](-*[a-zA-Z0-9])*$"
NAME_LIMIT = "SageMaker allows up to 63 letters, digits and inner hyphens"
ROLE = r"^arn:aws[a-z\-]*:iam::\d{12}:role/?[a-zA-Z_0-9+=,.@\-_/]+$"
ROLE_VARIABLE = "SAGEMAKER_EXECUTION_ROLE_ARN"


class Endpoint(Settings):
    """Where the model is served, and on what."""

    name: str = setting(
        "name of the SageMaker endpoint that callers invoke",
        example="flight-delay-staging",
        limit=NAME_LIMIT,
        pattern=NAME,
        max_length=63,
    )
    variant: str = setting(
        "name of the production variant; SageMaker's guardrails need the same name in every version",
        example="AllTraffic",
        limit=NAME_LIMIT,
        pattern=NAME,
        max_length=63,
        default="AllTraffic",
    )
    instance_type: str = setting(
        "SageMaker instance type of each instance",
        example="ml.m5.large",
        limit="SageMaker's instance types begin with ml. (ProductionVariant, AWS API reference)",
        pattern=r"^ml\.[a-z0-9\-]+\.[a-z0-9\-]+$",
    )
    instance_count: int = setting(
        "instances of the fleet; a canary's share is made of whole instances",
        example=2,
        limit="a fleet has at least 1 instance",
        ge=1,
        le=10_000,
    )
    execution_role_arn: str = setting(
        f"role that SageMaker assumes to serve; left out, the environment variable {ROLE_VARIABLE} says it",
        example="arn:aws:iam::111122223333:role/serving",
        limit="it must be the ARN of an IAM role",
        pattern=ROLE,
    )
    metric_namespace: str = setting(
        "CloudWatch namespace that the served model publishes its own metrics in",
        example="GuardedRollout",
        limit="CloudWatch allows 1 to 255 letters, digits and . - _ / # :, and keeps names that begin with AWS/",
        pattern=r"^[a-zA-Z0-9.\-_/#:]+$",
        max_length=255,
        default="GuardedRollout",
    )


class _Rollout(Settings):
    """How traffic moves from the old fleet to the new one. Each strategy has a section of its own beside these keys."""

    strategy: str = setting(
        f"the shift, after the trials that come before it, in order; trials alone are followed by {DEFAULT_SHIFT}",
        example="shadow, canary",
        limit=f"trials are {', '.join(TRIALS)}, each at most once; one shift ends it: {', '.join(SHIFTS)}",
    )
    final_bake_minutes: float = setting(
        "how long the whole new fleet is watched before the old one is removed (a rolling update has no such bake)",
        example=5,
        limit="SageMaker allows 0 to 60 (TerminationWaitInSeconds, AWS API reference BlueGreenUpdatePolicy)",
        ge=0,
        le=60,
    )
    timeout_minutes: float = setting(
        "after this long SageMaker gives up and rolls back",
        example=60,
        limit="SageMaker allows 10 to 480 (MaximumExecutionTimeoutInSeconds, AWS API reference BlueGreenUpdatePolicy)",
        ge=10,
        le=480,
    )
    allow_unguarded: bool = setting(
        "whether all_at_once may go without alarms or final bake; meant for development",
        example=False,
        limit="true or false",
        default=False,
    )

    @field_validator("strategy", mode="before")
    @classmethod
    def _in_order(cls, given: object) -> object:
        """A YAML list is the same as its names with commas."""
        if isinstance(given, list):
            given = ", ".join(map(str, given))
        names = _names(given) if isinstance(given, str) else []
        *trials, last = names or [""]
        wrong = [name for name in trials if name not in TRIALS or names.count(name) > 1]
        if wrong or last not in STRATEGIES:
            raise PydanticCustomError("strategy", "no such strategy")
        return ", ".join(names)

    @property
    def phases(self) -> tuple[str, ...]:
        """The strategies by name, in order: trials, then one shift."""
        names = _names(self.strategy)
        return (*names, DEFAULT_SHIFT) if names[-1] in TRIALS else tuple(names)

    @property
    def shift(self) -> Shift:
        """The section of the guarded shift that ends the strategy."""
        section: Shift = getattr(self, self.phases[-1])
        return section

    @property
    def trials(self) -> tuple[tuple[str, Trial], ...]:
        """The trials that come before it, by name."""
        return tuple((name, getattr(self, name)) for name in self.phases[:-1])

    @property
    def final_bake(self) -> int:
        """The final bake in seconds."""
        return seconds(self.final_bake_minutes)

    @property
    def unguarded(self) -> bool:
        """Whether the stage may do without guardrails, and does not shift in steps that need one."""
        return self.allow_unguarded and self.phases[-1] == "all_at_once"

    @model_validator(mode="after")
    def _has_its_section(self) -> Self:
        for name in self.phases:
            if getattr(self, name) is None:
                raise PydanticCustomError("section", "{name}", {"name": name})
        return self


def _names(strategy: str) -> list[str]:
    return [name.strip() for name in strategy.split(",")]


def _section(name: str, kind: type[Settings]) -> tuple[Any, Any]:
    """The key of one strategy; a section without keys of its own need not be written."""
    keys = ", ".join(f"{key}: {(field.examples or [''])[0]}" for key, field in kind.model_fields.items())
    bare = kind() if not any(field.is_required() for field in kind.model_fields.values()) else None
    text = (kind.__doc__ or "").strip().rstrip(".")
    return kind | None, setting(f"{name}: {text[:1].lower()}{text[1:]}", example=f"{{{keys}}}", default=bare)


if TYPE_CHECKING:
    Rollout = _Rollout
else:  # a section for each strategy in the list, which mypy cannot follow
    sections = {name: _section(name, kind) for name, kind in STRATEGIES.items()}
    Rollout = create_model("Rollout", __base__=_Rollout, **sections)


class Datapoints(Settings):
    """An alarm fires when `datapoints` of the last `of` periods are above its limit."""

    datapoints: int = setting("periods above the limit that fire the alarm", example=2, limit="at least 1", ge=1, le=60)
    of: int = setting("periods that are looked at", example=3, limit="1 to 60", ge=1, le=60)


class ErrorRate(Datapoints):
    """Share of requests that the container answered with 5xx."""

    above: float = setting(
        "share of a period's requests that may fail, as a fraction",
        example=0.05,
        limit="Invocation5XXErrors is 0 or 1 a request, so its average is never above 1 and a limit of 1 cannot fire",
        ge=0,
        lt=1,
    )


class Latency(Datapoints):
    """99th percentile of the time the model takes to answer."""

    above_ms: float = setting(
        "milliseconds that the slowest 1 % of a period's requests may take",
        example=500,
        limit="SageMaker gives up on a request after 60000 ms",
        gt=0,
        lt=60_000,
    )


class PredictionDistance(Datapoints):
    """How far the predictions are from those of the training data, as the served model itself measures it."""

    above: float = setting("distance that a period's predictions may have", example=0.5, limit="above 0", gt=0)
    statistic: Literal["Average", "Maximum"] = setting(
        "of the distances published in a period, the one that counts",
        example="Maximum",
        limit="Average or Maximum",
        default="Maximum",
    )


class Guardrails(Settings):
    """What must hold on the new fleet while it bakes; a key left out, or null, makes no alarm."""

    minimum_requests: int = setting(
        "requests the new fleet must have answered; with fewer the verdict is inconclusive (0: no evidence is needed)",
        example=50,
        limit="0 or more",
        ge=0,
    )
    period_seconds: int = setting(
        "length of one period of every alarm",
        example=60,
        limit="SageMaker publishes these metrics once a minute, so a period is a whole number of minutes up to 3600",
        ge=60,
        le=3600,
        multiple_of=60,
        default=60,
    )
    error_rate: ErrorRate | None = setting(
        "alarm on the share of failed requests", example="{above: 0.05, datapoints: 2, of: 3}", default=None
    )
    latency_p99: Latency | None = setting(
        "alarm on the 99th percentile of latency", example="{above_ms: 500, datapoints: 3, of: 3}", default=None
    )
    prediction_distance: PredictionDistance | None = setting(
        "alarm on the model's own quality metric", example="{above: 0.5, datapoints: 2, of: 3}", default=None
    )


class Policy(Settings):
    """One stage, checked: what its file says, with the stage's name."""

    stage: str
    endpoint: Endpoint = setting("where the model is served, and on what", example="{name: flight-delay-staging, ...}")
    rollout: Rollout = setting("how traffic moves to a new version", example="{strategy: canary, ...}")
    guardrails: Guardrails = setting("what must hold while it does", example="{minimum_requests: 50, ...}")
    requires_stage: str | None = setting(
        "stage in which a package must have been promoted before it may come here",
        example="staging",
        limit="the name of another stage",
        pattern=r"^[a-z0-9](-*[a-z0-9])*$",
        default=None,
    )

    @property
    def title(self) -> str:
        """The stage's name as the registry's ModelLifeCycle spells it: Staging, Production."""
        return self.stage[:1].upper() + self.stage[1:]

    @property
    def digest(self) -> str:
        """16 hex digits that change when anything in the policy does; a strategy that is not named does not count."""
        unused = set(STRATEGIES) - set(self.rollout.phases)
        return hashlib.sha256(self.model_dump_json(exclude={"rollout": unused}).encode()).hexdigest()[:16]


def fields(model: type[BaseModel] = Policy, prefix: str = "") -> Iterator[tuple[str, FieldInfo]]:
    """Every key that a stage file may hold, as a dotted path, sections before what is in them."""
    for name, field in model.model_fields.items():
        if field.description is None:
            continue
        yield prefix + name, field
        for kind in (field.annotation, *get_args(field.annotation)):
            if isinstance(kind, type) and issubclass(kind, BaseModel):
                yield from fields(kind, f"{prefix}{name}.")
