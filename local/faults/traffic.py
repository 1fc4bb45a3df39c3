"""Faults of the traffic: how many requests come, and from which part of the data. The endpoint cannot know of them.

The generator of a rehearsal asks them before each request. The target is the endpoint that the requests go to.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, TypeVar

from local.faults.fault import Fault, FaultError, within

DAY = 86_400
_NIGHT = 4 * 3600  # the quietest hour, in seconds of the day (UTC)


class Row(Protocol):
    """A request that can be sent, and the values it was made from, those that are not sent (the label) too."""

    @property
    def values(self) -> Mapping[str, str]:
        """By column."""
        ...


R = TypeVar("R", bound=Row)


@dataclass
class TrafficFault(Fault):
    """Something about the requests that is not as usual."""

    scope: ClassVar[str] = "traffic"

    def fit(self, rows: Sequence[Row]) -> None:
        """Raise FaultError when it cannot be with these rows."""

    def pace(self) -> float:
        """How many times as many requests as usual come now."""
        return 1.0

    def pick(self, usual: R, rows: Sequence[R]) -> R:
        """The row that is sent instead of the usual one."""
        return usual


@dataclass
class NoTraffic(TrafficFault, name="no-traffic"):
    """Nobody sends a request: at all, or from so many AWS seconds on."""

    expect = "inconclusive"

    after: float = within(0, default=0.0)

    def pace(self) -> float:
        return float(self.age() < self.after)


@dataclass
class Diurnal(TrafficFault, name="diurnal"):
    """The traffic follows the hour of AWS's clock: as usual at 16:00 UTC, that share of it (0.1) at 4:00."""

    expect = "promoted"

    lowest: float = within(0, 1, default=0.1)

    def pace(self) -> float:
        phase = (self._now() - _NIGHT) % DAY / DAY
        return self.lowest + (1 - self.lowest) * (1 - math.cos(2 * math.pi * phase)) / 2


@dataclass
class Bursts(TrafficFault, name="bursts"):
    """That many times the traffic, for the first so many AWS seconds (30) of every so many (300)."""

    expect = "promoted"

    times: float = within(0)
    seconds: float = within(0, default=30.0)
    every: float = within(1, default=300.0)

    def pace(self) -> float:
        return self.times if self.age() % self.every < self.seconds else 1.0


@dataclass
class Shift(TrafficFault, name="shift"):
    """That share of the requests (0 to 1, all) are rows with COLUMN=VALUE, the others are rows without.

    On the label, which is not sent, it is label shift; on a feature, covariate shift.
    """

    where: str
    share: float = within(0, 1, default=1.0)
    seed: int = 0

    def check(self) -> None:
        self._column, is_value, self._value = self.where.partition("=")
        if not (self._column and is_value):
            raise ValueError(f"it says {self.where}, not COLUMN=VALUE")
        self._parts: tuple[list[Any], list[Any]] = ([], [])

    def fit(self, rows: Sequence[Row]) -> None:
        known = {row.values[self._column] for row in rows if self._column in row.values}
        without, having = self._split(rows)
        if not having or (self.share < 1 and not without):
            some = ", ".join(sorted(known)[:10]) or "in none of the rows"
            raise FaultError(f"The fault {self} needs rows with {self._value} and without; {self._column} is {some}.")

    def pick(self, usual: R, rows: Sequence[R]) -> R:
        if not self._parts[True]:
            self._parts = self._split(rows)
        wanted = self._random.random() < self.share
        chosen: R = usual if self._has(usual) == wanted else self._random.choice(self._parts[wanted])
        return chosen

    def _split(self, rows: Sequence[R]) -> tuple[list[R], list[R]]:
        """Those without the value, and those that have it."""
        return [row for row in rows if not self._has(row)], [row for row in rows if self._has(row)]

    def _has(self, row: Row) -> bool:
        return row.values.get(self._column) == self._value
