"""The metric data itself: samples by namespace, name, exact dimensions, unit and aligned AWS second or minute.

It must never match a metric by a part of its dimensions: CloudWatch does not. Unlike CloudWatch it keeps seconds for as
long as minutes, fifteen days. Source: the CloudWatch user guide, "Metrics concepts".
"""

import bisect
import functools
from collections import defaultdict
from collections.abc import Iterable, Iterator

from local.cloudwatch.statistics import Samples, merged

MINUTE = 60
KEPT_SECONDS = 15 * 86_400
NO_UNIT = "None"

Dimensions = tuple[tuple[str, str], ...]


@functools.lru_cache(maxsize=4096)
def canonical(dimensions: Dimensions) -> Dimensions:
    """The dimensions in the one order they are stored in: their order never matters to CloudWatch."""
    return tuple(sorted(dimensions))


Key = tuple[str, str, Dimensions]
"""Namespace, metric name, canonical dimensions."""


class Series:
    """Samples by the moment (epoch seconds) at which their second or minute begins."""

    def __init__(self) -> None:
        self._samples: dict[int, Samples] = {}
        self._moments: list[int] = []

    def at(self, moment: int) -> Samples:
        """The samples of a moment, to add to. What is older than CloudWatch keeps goes as later data come."""
        found = self._samples.get(moment)
        if found is None:
            found = self._samples[moment] = Samples()
            bisect.insort(self._moments, moment)
            gone = bisect.bisect_left(self._moments, moment - KEPT_SECONDS)
            for old in self._moments[:gone]:
                del self._samples[old]
            del self._moments[:gone]
        return found

    def between(self, start: float, end: float) -> Iterator[tuple[int, Samples]]:
        """Moments in [start, end) and their samples, oldest first."""
        first, last = bisect.bisect_left(self._moments, start), bisect.bisect_left(self._moments, end)
        for moment in self._moments[first:last]:
            yield moment, self._samples[moment]


class MetricStore:
    """Series by metric and unit. A series may belong to several metrics: see `publishing`."""

    def __init__(self) -> None:
        self._metrics: dict[Key, dict[str, list[Series]]] = {}
        self._own: dict[tuple[Key, str], Series] = {}

    def samples(self, key: Key, at: float, *, unit: str = NO_UNIT, resolution: int = MINUTE) -> Samples:
        """The samples of a metric in the second or minute (`resolution` in seconds) of `at`, to add to."""
        series = self._own.get((key, unit))
        if series is None:
            series = self._own[key, unit] = Series()
            self.attach(key, unit, series)
        return series.at(int(at) // resolution * resolution)

    def attach(self, key: Key, unit: str, series: Series) -> None:
        """Let a series be part of a metric's data."""
        self._metrics.setdefault(key, {}).setdefault(unit, []).append(series)

    def keys(self, since: float = 0.0) -> Iterator[Key]:
        """Every metric that has data at or after `since` (epoch seconds)."""
        for key, units in self._metrics.items():
            if any(True for series in _all(units.values()) for _ in series.between(since, float("inf"))):
                yield key

    def units(self, key: Key) -> tuple[str, ...]:
        """The units a metric was published with."""
        return tuple(self._metrics.get(key, ()))

    def periods(self, key: Key, start: int, end: int, period: int, unit: str | None = None) -> dict[int, Samples]:
        """Samples per period in [start, end), by the period's start; periods without samples are absent.

        All in epoch seconds; periods are counted from `start`. Without a `unit` the data of all units count.
        """
        units = self._metrics.get(key, {})
        groups: defaultdict[int, list[Samples]] = defaultdict(list)
        for series in _all(units.values()) if unit is None else units.get(unit, ()):
            for moment, samples in series.between(start, end):
                groups[moment - (moment - start) % period].append(samples)
        return {begin: parts[0] if len(parts) == 1 else merged(parts) for begin, parts in sorted(groups.items())}


def _all(lists: Iterable[list[Series]]) -> Iterator[Series]:
    for series in lists:
        yield from series
