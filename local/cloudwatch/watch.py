"""What a metric alarm watches: its metric or expression, read from the store and handed to the evaluation.

It must never keep a state: that is `alarms`' part.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from local.cloudwatch import definition
from local.cloudwatch.evaluation import Datapoint, Verdict, evaluate
from local.cloudwatch.queries import metric_key
from local.cloudwatch.statistics import statistic
from local.cloudwatch.store import MINUTE, MetricStore
from local.cloudwatch.wording import stamp

HIGH_RESOLUTION_STEP = 10
"""How often an alarm with a period below a minute is evaluated, in seconds; the others are each minute."""


class Watch:
    """The evaluation of one alarm, from its checked definition."""

    def __init__(self, alarm: Mapping[str, Any]) -> None:
        self._alarm = alarm
        self._rule = definition.rule(alarm)
        self._queries = definition.queries(alarm) if "Metrics" in alarm else None
        self.period = definition.period(alarm)

    def is_due(self, end: int) -> bool:
        """Whether the alarm is evaluated at this AWS second."""
        return end % (MINUTE if self.period >= MINUTE else HIGH_RESOLUTION_STEP) == 0

    def verdict(self, store: MetricStore, end: int, state: str) -> Verdict:
        """What the periods that are complete at `end` (epoch seconds) say, the state being this one so far."""
        start = end - self._rule.evaluation_range * self.period
        return evaluate(self._rule, self._datapoints(store, start, end), state)

    def reason_data(self, verdict: Verdict, now: datetime) -> dict[str, Any]:
        """StateReasonData: the datapoints that decided."""
        points = [point for point in verdict.evaluated if point.value is not None]
        data: dict[str, Any] = {"version": "1.0", "queryDate": stamp(now)}
        if points:
            data["startDate"] = stamp(points[0].timestamp)
        if "Metrics" not in self._alarm:
            data["statistic"] = definition.statistic(self._alarm)
        evaluated = [
            {"timestamp": stamp(point.timestamp), "sampleCount": point.sample_count, "value": point.value}
            for point in reversed(verdict.evaluated)
        ]
        return data | {
            "period": self.period,
            "recentDatapoints": [point.value for point in points],
            "threshold": self._alarm["Threshold"],
            "evaluatedDatapoints": [{k: v for k, v in point.items() if v is not None} for point in evaluated],
        }

    def _datapoints(self, store: MetricStore, start: int, end: int) -> list[Datapoint]:
        moments = range(start, end, self.period)
        if self._queries is not None:
            (series,) = self._queries.series(store, self._queries.returned()[0]["Id"], start, end)
            return [Datapoint(_moment(at), series.get(at)) for at in moments]
        samples = store.periods(metric_key(self._alarm), start, end, self.period, self._alarm.get("Unit"))
        name = definition.statistic(self._alarm)
        return [
            Datapoint(_moment(at), statistic(samples[at], name), samples[at].count)
            if at in samples
            else Datapoint(_moment(at))
            for at in moments
        ]


def _moment(epoch: int) -> datetime:
    return datetime.fromtimestamp(epoch, UTC)
