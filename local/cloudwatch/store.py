"""The metric data itself: samples by namespace, name, exact dimensions and aligned AWS minute.

One minute is the finest resolution kept. It must never match a metric by a part of its dimensions: CloudWatch does not.
"""

import functools
from collections import defaultdict
from collections.abc import Iterator

from local.cloudwatch.statistics import Samples, merged

MINUTE = 60

Dimensions = tuple[tuple[str, str], ...]


@functools.lru_cache(maxsize=4096)
def canonical(dimensions: Dimensions) -> Dimensions:
    """The dimensions in the one order they are stored in: their order never matters to CloudWatch."""
    return tuple(sorted(dimensions))


Key = tuple[str, str, Dimensions]
"""Namespace, metric name, canonical dimensions."""


class MetricStore:
    """Samples by metric and minute (epoch seconds of its start)."""

    def __init__(self) -> None:
        self._minutes: defaultdict[Key, defaultdict[int, Samples]] = defaultdict(lambda: defaultdict(Samples))
        self._units: dict[Key, str] = {}

    def samples(self, key: Key, at: float, unit: str = "None") -> Samples:
        """The minute's samples, to add to. The first unit a metric is published with stays its unit."""
        minutes = self._minutes[key]
        if not minutes:
            self._units[key] = unit
        return minutes[int(at) // MINUTE * MINUTE]

    def keys(self) -> Iterator[Key]:
        """Every metric that was ever published."""
        return iter(self._minutes)

    def unit(self, key: Key) -> str:
        """The unit of a metric, "None" when it has none."""
        return self._units.get(key, "None")

    def periods(self, key: Key, start: int, end: int, period: int, unit: str | None = None) -> dict[int, Samples]:
        """Samples per period in [start, end), by the period's start; periods without samples are absent.

        `start` and `period` are whole minutes in seconds; periods are counted from `start`. A `unit` other than the
        metric's selects nothing.
        """
        if key not in self._minutes or unit not in (None, self.unit(key)):
            return {}
        minutes = self._minutes[key]
        groups: defaultdict[int, list[Samples]] = defaultdict(list)
        candidates = range(start, end, MINUTE) if (end - start) // MINUTE < len(minutes) else sorted(minutes)
        for minute in candidates:
            if start <= minute < end and minute in minutes:
                groups[minute - (minute - start) % period].append(minutes[minute])
        return {begin: parts[0] if len(parts) == 1 else merged(parts) for begin, parts in groups.items()}
