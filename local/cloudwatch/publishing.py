"""The way in for services that publish the same metrics again and again, such as an endpoint at each request.

What is published under several sets of dimensions is stored once and belongs to each of them. It must never know what
its metrics mean.
"""

from collections.abc import Mapping, Sequence

from local.clock import Clock
from local.cloudwatch.store import MINUTE, Dimensions, MetricStore, Series, canonical


class Publisher:
    """Publishes one value of each of its metrics at a time, at the clock's now."""

    def __init__(
        self,
        store: MetricStore,
        clock: Clock,
        namespace: str,
        dimension_sets: Sequence[Dimensions],
        units: Mapping[str, str],
        resolution: int = MINUTE,
    ) -> None:
        self._store = store
        self._clock = clock
        self._keys = [[(namespace, metric, canonical(dimensions)) for dimensions in dimension_sets] for metric in units]
        self._units = tuple(units.values())
        self._resolution = resolution
        self._series: list[Series] = []
        self._moment = -1
        self._counts: list[dict[float, float]] = []

    def publish(self, *values: float) -> None:
        """Publish a value of each metric, in the order in which the publisher was given them."""
        moment = int(self._clock.time()) // self._resolution * self._resolution
        if moment != self._moment:
            self._turn(moment)
        for counts, value in zip(self._counts, values, strict=True):
            counts[value] = counts.get(value, 0.0) + 1.0

    def _turn(self, moment: int) -> None:
        if not self._series:
            self._series = [Series() for _ in self._units]
            for series, keys, unit in zip(self._series, self._keys, self._units, strict=True):
                for key in keys:
                    self._store.attach(key, unit, series)
        self._moment = moment
        self._counts = [series.at(moment).values for series in self._series]
