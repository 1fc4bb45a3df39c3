"""CloudWatch's operations on this machine, the endpoints' fast way in, and the loop that evaluates alarms.

Differences from AWS, on purpose: the finest resolution is a minute; alarm actions are kept and shown but not performed.
Sources: the CloudWatch API reference and user guide. It must never answer from a part of a metric's dimensions.
"""

import math
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from local.cloudwatch.alarms import Alarms, OnChange
from local.cloudwatch.queries import Queries, check_period, metric_key
from local.cloudwatch.statistics import StatisticSet, check_statistic, is_percentile, statistic
from local.cloudwatch.store import MINUTE, Dimensions, MetricStore, canonical
from local.context import Context, Request, Response
from local.errors import AwsError

EVALUATION_LAG_SECONDS = 5.0
"""How long after the end of a minute it is evaluated, so that its last samples are in."""


class CloudWatch:
    """Metrics and alarms. `after_minute` is called with the end of each minute that was evaluated (epoch seconds).

    `on_change` is told of every alarm that changes its state, as the event CloudWatch sends.
    """

    def __init__(self, context: Context, on_change: OnChange = lambda *event: None) -> None:
        self._clock = context.clock
        self._store = MetricStore()
        self._alarms = Alarms(context, self._store, on_change)
        self.after_minute: list[Callable[[int], None]] = []

    def record(self, namespace: str, metric: str, dimensions: Dimensions, value: float, unit: str = "None") -> None:
        """Publish one sample now, unchecked: the way in of the services beside this one."""
        key = (namespace, metric, canonical(dimensions))
        self._store.samples(key, self._clock.time(), unit).add(value)

    def alarm_state(self, name: str) -> tuple[str, str] | None:
        """The state of an alarm (OK, ALARM, INSUFFICIENT_DATA) and its reason; None when there is no such alarm."""
        return self._alarms.state(name)

    def alarm_set_by_hand(self, name: str) -> bool:
        """Whether the alarm's state is one that SetAlarmState gave it and no evaluation has confirmed or changed."""
        return self._alarms.set_by_hand(name)

    def alarm_fired_since(self, name: str, moment: datetime, *, by_hand: bool = True) -> str | None:
        """The reason why an alarm is in ALARM, or was at any time since `moment`; None when it was not.

        Unless `by_hand`, an ALARM that SetAlarmState gave it does not count.
        """
        return self._alarms.fired_since(name, moment, by_hand=by_hand)

    async def run(self) -> None:
        """Evaluate every alarm once per AWS minute, each minute in turn, until cancelled."""
        end = int(self._clock.time()) // MINUTE * MINUTE
        while True:
            end += MINUTE
            await self._clock.sleep(end + EVALUATION_LAG_SECONDS - self._clock.time())
            self.evaluate(end)

    def evaluate(self, end: int) -> None:
        """Evaluate every alarm on the minutes before `end` (epoch seconds, a whole minute); tell who waits for it."""
        self._alarms.evaluate(end)
        for act in self.after_minute:
            act(end)

    def put_metric_data(self, request: Request) -> Response:
        """Publish samples. A namespace that begins with AWS/ is AWS's own and is refused, as the reference warns."""
        if request["Namespace"].startswith("AWS/"):
            raise _invalid("The value AWS/ for parameter Namespace is invalid: namespaces of AWS begin so.")
        for datum in request.get("MetricData") or ():
            _check_datum(datum)
        for datum in request.get("MetricData") or ():
            key = metric_key({**datum, "Namespace": request["Namespace"]})
            moment = datum.get("Timestamp")
            at = moment.timestamp() if moment else self._clock.time()
            samples = self._store.samples(key, at, datum.get("Unit", "None"))
            if "StatisticValues" in datum:
                given = datum["StatisticValues"]
                samples.sets.append(
                    StatisticSet(given["SampleCount"], given["Sum"], given["Minimum"], given["Maximum"])
                )
            for value, count in _values(datum):
                samples.add(value, count)
        return {}

    def get_metric_data(self, request: Request) -> Response:
        """Series of statistics and expressions, newest first unless ScanBy says otherwise."""
        queries = Queries(request["MetricDataQueries"])
        start, end = _range(request)
        ascending = request.get("ScanBy") == "TimestampAscending"
        results = []
        for query in queries.returned():
            series = queries.series(self._store, query["Id"], start, end)
            moments = sorted(series, reverse=not ascending)
            results.append(
                {
                    "Id": query["Id"],
                    "Label": query.get("Label") or _label(query),
                    "Timestamps": [datetime.fromtimestamp(moment, UTC) for moment in moments],
                    "Values": [series[moment] for moment in moments],
                    "StatusCode": "Complete",
                }
            )
        return {"MetricDataResults": results, "Messages": []}

    def get_metric_statistics(self, request: Request) -> Response:
        """Statistics of one metric, matched by its exact dimensions, per period that has samples."""
        plain, extended = request.get("Statistics") or [], request.get("ExtendedStatistics") or []
        if bool(plain) == bool(extended):
            raise AwsError(
                "InvalidParameterCombination", "Exactly one of Statistics and ExtendedStatistics must be given."
            )
        for name in [*plain, *extended]:
            if is_percentile(check_statistic(name)) != bool(extended):
                raise _invalid(f"{name} does not belong in {'ExtendedStatistics' if extended else 'Statistics'}.")
        start, end = _range(request)
        key = metric_key(request)
        found = self._store.periods(key, start, end, check_period(request["Period"]), unit=request.get("Unit"))
        points = []
        for begin, samples in sorted(found.items()):
            values = {name: statistic(samples, name) for name in [*plain, *extended]}
            shown = {"ExtendedStatistics": values} if extended else values
            points.append({"Timestamp": datetime.fromtimestamp(begin, UTC), "Unit": self._store.unit(key), **shown})
        return {"Label": request["MetricName"], "Datapoints": points}

    def list_metrics(self, request: Request) -> Response:
        """Metrics by namespace, name and dimensions; a dimension filter matches metrics that have at least these."""
        wanted = {item["Name"]: item.get("Value") for item in request.get("Dimensions") or ()}
        metrics = []
        for namespace, name, dimensions in sorted(self._store.keys()):
            has = dict(dimensions)
            if (
                request.get("Namespace") in (None, namespace)
                and request.get("MetricName") in (None, name)
                and all(key in has and value in (None, has[key]) for key, value in wanted.items())
            ):
                shown = [{"Name": key, "Value": value} for key, value in dimensions]
                metrics.append({"Namespace": namespace, "MetricName": name, "Dimensions": shown})
        return {"Metrics": metrics}

    def put_metric_alarm(self, request: Request) -> Response:
        """Create an alarm, or change its definition and keep its state."""
        self._alarms.put(request)
        return {}

    def describe_alarms(self, request: Request) -> Response:
        """Metric alarms by names, name prefix and state."""
        metric = "MetricAlarm" in request.get("AlarmTypes", ["MetricAlarm"])
        return {"MetricAlarms": self._alarms.find(request) if metric else [], "CompositeAlarms": []}

    def delete_alarms(self, request: Request) -> Response:
        """Delete alarms: all of those named, or none."""
        self._alarms.delete(request["AlarmNames"])
        return {}

    def set_alarm_state(self, request: Request) -> Response:
        """Put an alarm in a state until its next evaluation."""
        self._alarms.set_state(request)
        return {}

    def describe_alarm_history(self, request: Request) -> Response:
        """What happened to alarms: StateUpdate and ConfigurationUpdate items."""
        return {"AlarmHistoryItems": self._alarms.history(request)[: request.get("MaxRecords", 100)]}


def _range(request: Request) -> tuple[int, int]:
    """The time asked for, its start rounded down to the minute."""
    start, end = request["StartTime"].timestamp(), request["EndTime"].timestamp()
    if start >= end:
        raise AwsError("ValidationError", "The parameter StartTime must be less than the parameter EndTime.")
    return int(start) // MINUTE * MINUTE, math.ceil(end)


def _label(query: Mapping[str, Any]) -> str:
    return str(query["MetricStat"]["Metric"]["MetricName"] if "MetricStat" in query else query["Id"])


def _values(datum: Mapping[str, Any]) -> list[tuple[float, float]]:
    if "Value" in datum:
        return [(datum["Value"], 1.0)]
    values = datum.get("Values") or []
    return list(zip(values, datum.get("Counts") or [1.0] * len(values), strict=True))


def _check_datum(datum: Mapping[str, Any]) -> None:
    name = datum["MetricName"]
    given = [member for member in ("Value", "Values", "StatisticValues") if member in datum]
    if len(given) != 1:
        raise AwsError(
            "InvalidParameterCombination",
            f"The metric {name} must have exactly one of Value, Values and StatisticValues.",
        )
    if "Counts" in datum and len(datum["Counts"]) != len(datum.get("Values", [])):
        raise _invalid(f"The metric {name} must have as many Counts as Values.")
    if any(not math.isfinite(value) for value, _ in _values(datum)):
        raise _invalid(f"The metric {name} has a value that is not a number CloudWatch stores (NaN or infinite).")


def _invalid(message: str) -> AwsError:
    return AwsError("InvalidParameterValue", message)
