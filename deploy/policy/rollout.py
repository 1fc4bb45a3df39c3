"""The section `rollout` of a stage's file: how a new version reaches all traffic, and a section for each strategy."""

from typing import TYPE_CHECKING, Any, Self

from pydantic import create_model, field_validator, model_validator
from pydantic_core import PydanticCustomError

from deploy.settings import Settings, seconds, setting
from deploy.strategies import DEFAULT_SHIFT, SHIFTS, STRATEGIES, TRIALS, Shift, Trial


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

    keep_versions: int = setting(
        "endpoint configs that are kept to roll back to; older ones, and alarms of ended rollouts, are deleted",
        example=5,
        limit="2 or more: the version that serves and the one before it",
        ge=2,
        le=100,
        default=5,
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
