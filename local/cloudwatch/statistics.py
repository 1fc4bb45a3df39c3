"""What CloudWatch calls a statistic, computed from the samples of one period. Pure; it must never read a clock.

Source: the CloudWatch user guide, "CloudWatch statistics definitions" and "Percentiles".
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from local.errors import AwsError

STATISTICS = ("SampleCount", "Average", "Sum", "Minimum", "Maximum")
_PERCENTILE = re.compile(r"p(\d{1,2}(\.\d{1,10})?|100)")


@dataclass(frozen=True)
class StatisticSet:
    """Samples that were aggregated before they were published; their percentiles are unknown."""

    count: float
    total: float
    minimum: float
    maximum: float


@dataclass(slots=True)
class Samples:
    """What was published in a period: how often each value, and the sets that came aggregated."""

    values: dict[float, float] = field(default_factory=dict)
    sets: list[StatisticSet] = field(default_factory=list)

    def add(self, value: float, count: float = 1.0) -> None:
        """Count one value `count` times."""
        self.values[value] = self.values.get(value, 0.0) + count

    @property
    def count(self) -> float:
        """How many samples there are."""
        return sum(self.values.values()) + sum(item.count for item in self.sets)

    @property
    def total(self) -> float:
        """The sum of all samples."""
        return sum(value * count for value, count in self.values.items()) + sum(item.total for item in self.sets)


def merged(parts: Iterable[Samples]) -> Samples:
    """The samples of several periods as those of one."""
    whole = Samples()
    for part in parts:
        for value, count in part.values.items():
            whole.add(value, count)
        whole.sets.extend(part.sets)
    return whole


def check_statistic(name: str) -> str:
    """The name, when it is a statistic this stand-in computes. Raises AwsError ValidationError."""
    if name in STATISTICS or _PERCENTILE.fullmatch(name):
        return name
    raise AwsError(
        "ValidationError",
        f"The statistic {name} is not offered here. Use one of {', '.join(STATISTICS)} or a percentile such as p99.",
    )


def is_percentile(name: str) -> bool:
    """Whether the statistic is an extended one (pNN)."""
    return name not in STATISTICS


def statistic(samples: Samples, name: str) -> float | None:
    """One statistic of the samples; None when there are none, or for a percentile of aggregated sets.

    A percentile is the smallest published value that at least so many percent of the samples do not exceed.
    """
    count = samples.count
    if count == 0:
        return None
    if is_percentile(name):
        return _percentile(samples, float(name[1:]))
    if name == "SampleCount":
        return count
    if name == "Sum":
        return samples.total
    if name == "Average":
        return samples.total / count
    lowest = name == "Minimum"
    extremes = [*samples.values, *(item.minimum if lowest else item.maximum for item in samples.sets)]
    return min(extremes) if lowest else max(extremes)


def _percentile(samples: Samples, percent: float) -> float | None:
    if samples.sets:
        return None
    needed = percent * samples.count / 100
    seen = 0.0
    for value in sorted(samples.values):
        seen += samples.values[value]
        if seen >= needed:
            return value
    return max(samples.values)
