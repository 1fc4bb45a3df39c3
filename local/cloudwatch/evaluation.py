"""How CloudWatch decides an alarm's state: M of N datapoints, and what missing ones mean. Pure.

Source: the CloudWatch user guide, "Configuring how CloudWatch alarms treat missing data" (both of its tables are tests)
and "Percentile-based alarms and low data samples". It must never read metrics, a clock, or keep a state.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

OK, ALARM, INSUFFICIENT_DATA = "OK", "ALARM", "INSUFFICIENT_DATA"

EXTRA_PERIODS = 2
"""How many periods beyond EvaluationPeriods are looked at: the guide's example looks at 5 for 3; no rule is given."""

COMPARISONS: dict[str, tuple[Callable[[float, float], bool], str]] = {
    "GreaterThanThreshold": (lambda value, limit: value > limit, "greater than"),
    "GreaterThanOrEqualToThreshold": (lambda value, limit: value >= limit, "greater than or equal to"),
    "LessThanThreshold": (lambda value, limit: value < limit, "less than"),
    "LessThanOrEqualToThreshold": (lambda value, limit: value <= limit, "less than or equal to"),
}
MISSING_DATA = ("missing", "ignore", "breaching", "notBreaching")


@dataclass(frozen=True)
class Rule:
    """When an alarm is in ALARM: at least M of the last N datapoints compare so with the threshold.

    `datapoints_to_alarm` is None when the alarm does not name it: then it is N. `enough_samples`: datapoints of fewer
    samples keep the state as it is (EvaluateLowSampleCountPercentile "ignore").
    """

    comparison: str
    threshold: float
    evaluation_periods: int
    datapoints_to_alarm: int | None = None
    treat_missing_data: str = "missing"
    enough_samples: float = 0.0

    @property
    def needed(self) -> int:
        """M: how many datapoints must breach."""
        return self.datapoints_to_alarm or self.evaluation_periods

    @property
    def evaluation_range(self) -> int:
        """How many periods are looked at."""
        return self.evaluation_periods + EXTRA_PERIODS

    def breaches(self, value: float) -> bool:
        """Whether a value is on the wrong side of the threshold."""
        return COMPARISONS[self.comparison][0](value, self.threshold)


@dataclass(frozen=True)
class Datapoint:
    """One period: its start, and its value and number of samples if it has any."""

    timestamp: datetime
    value: float | None = None
    sample_count: float | None = None


@dataclass(frozen=True)
class Verdict:
    """The state an alarm is in now, why, and the datapoints that decided it, oldest first."""

    state: str
    reason: str
    evaluated: tuple[Datapoint, ...]


def evaluate(rule: Rule, datapoints: Sequence[Datapoint], previous: str) -> Verdict:
    """Decide from the datapoints of the evaluation range, oldest first, and the state before."""
    real = [point for point in datapoints if point.value is not None][-rule.evaluation_periods :]
    missing = rule.evaluation_periods - len(real)
    evaluated = tuple(real) or tuple(datapoints[-rule.evaluation_periods :])
    if any((point.sample_count or 0.0) < rule.enough_samples for point in real):
        return Verdict(previous, "Unchanged: too few samples for this percentile.", evaluated)
    state = _state(rule, datapoints, real, missing) or previous
    if state == INSUFFICIENT_DATA:
        reason = f"Insufficient Data: {missing} {_plural('datapoint', missing)} {_were(missing)} unknown."
    else:
        deciding = [point for point in real if rule.breaches(point.value or 0.0) == (state == ALARM)]
        reason = _crossed(rule, deciding, state) if deciding else _nothing_received(rule, missing)
    return Verdict(state, reason, evaluated)


def _state(rule: Rule, datapoints: Sequence[Datapoint], real: Sequence[Datapoint], missing: int) -> str | None:
    breaching = sum(rule.breaches(point.value) for point in real if point.value is not None)
    if missing and rule.treat_missing_data == "breaching":
        breaching += missing
    if breaching >= rule.needed:
        return ALARM
    undecided = missing and breaching == len(real) and rule.treat_missing_data in ("missing", "ignore")
    if not undecided:
        return OK
    if rule.treat_missing_data == "ignore":
        return None
    return ALARM if _sustained(rule, datapoints) else INSUFFICIENT_DATA


def _sustained(rule: Rule, datapoints: Sequence[Datapoint]) -> bool:
    """Whether the oldest datapoint, all being breaching, is old enough that later ones could have contradicted it."""
    ages = [len(datapoints) - index for index, point in enumerate(datapoints) if point.value is not None]
    return bool(ages) and ages[0] >= rule.needed


def _crossed(rule: Rule, deciding: Sequence[Datapoint], state: str) -> str:
    in_alarm = state == ALARM
    values = ", ".join(f"{point.value} ({point.timestamp:%d/%m/%y %H:%M:%S})" for point in reversed(deciding))
    count = len(deciding)
    whole = f"{count} {_plural('datapoint', count)} [{values}]"
    if rule.datapoints_to_alarm is not None:
        whole = f"{count} out of the last {rule.evaluation_periods} datapoints [{values}]"
    wording = COMPARISONS[rule.comparison][1]
    compared = f"{_were(count)} {'' if in_alarm else 'not '}{wording} the threshold ({rule.threshold})"
    return f"Threshold Crossed: {whole} {compared}{_transition(rule, in_alarm=in_alarm)}."


def _transition(rule: Rule, *, in_alarm: bool) -> str:
    if rule.datapoints_to_alarm is None:
        return ""
    needed = rule.needed if in_alarm else rule.evaluation_periods - rule.needed + 1
    change = "OK -> ALARM" if in_alarm else "ALARM -> OK"
    return f" (minimum {needed} {_plural('datapoint', needed)} for {change} transition)"


def _nothing_received(rule: Rule, missing: int) -> str:
    treated = rule.treat_missing_data[0].upper() + rule.treat_missing_data[1:]
    return (
        f"Threshold Crossed: no datapoints were received for {missing} {_plural('period', missing)} and {missing} "
        f"missing {_plural('datapoint', missing)} {_were(missing)} treated as [{treated}]."
    )


def _plural(noun: str, count: int) -> str:
    return noun if count == 1 else f"{noun}s"


def _were(count: int) -> str:
    return "was" if count == 1 else "were"
