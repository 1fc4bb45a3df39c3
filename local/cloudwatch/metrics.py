"""The operations on metrics: PutMetricData, GetMetricData, GetMetricStatistics, ListMetrics.

Unlike CloudWatch, which takes minutes, it shows and lists data at once. It must never answer from a part of a metric's
dimensions. Sources: the API reference of these operations; the user guide, "Publishing custom metrics".
"""

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from local.cloudwatch.paging import offset, page
from local.cloudwatch.publishing import Publisher
from local.cloudwatch.queries import Queries, aligned, check_period, metric_key
from local.cloudwatch.statistics import StatisticSet, check_statistic, is_percentile, statistic
from local.cloudwatch.store import MINUTE, NO_UNIT, Dimensions, MetricStore, canonical
from local.context import Context, Request, Response
from local.errors import AwsError

MOST_DATAPOINTS = 100_800
MOST_STATISTICS = 1_440
_LISTED = 500
_MOST_DATA, _MOST_VALUES, _MOST_QUERIES = 1000, 150, 500
_LARGEST = 2.0**360
_THREE_HOURS = 3 * 3600
_RESOLUTIONS = (1, MINUTE)
_OLDEST, _NEWEST = 14 * 86_400, 2 * 3600


class MetricOperations:
    """Metrics by exact dimensions."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._store = MetricStore()

    def publisher(
        self,
        namespace: str,
        dimension_sets: Sequence[Dimensions],
        units: Mapping[str, str],
        *,
        resolution: int = MINUTE,
    ) -> Publisher:
        """The quick way in for a service: its metrics with their units, each published under all sets of dimensions."""
        return Publisher(self._store, self._context.clock, namespace, dimension_sets, units, resolution)

    def record(self, namespace: str, metric: str, dimensions: Dimensions, value: float, unit: str = NO_UNIT) -> None:
        """Publish one sample now, unchecked: the way in of the services beside this one."""
        key = (namespace, metric, canonical(dimensions))
        self._store.samples(key, self._context.clock.time(), unit=unit).add(value)

    def put_metric_data(self, request: Request) -> Response:
        """Publish samples: all of them, or none when one is refused."""
        if request["Namespace"].startswith("AWS/") and self._context.unverified.aws_namespace == "refuse":
            raise _invalid("The value AWS/ for parameter Namespace is invalid: namespaces of AWS begin so.")
        if "EntityMetricData" in request:
            raise AwsError("ValidationError", "EntityMetricData is not offered here: send the data in MetricData.")
        now, data = self._context.clock.time(), request.get("MetricData") or []
        if len(data) > _MOST_DATA:
            raise AwsError(
                "ValidationError", f"MetricData has {len(data)} items; it must not have more than {_MOST_DATA}."
            )
        for datum in data:
            _check_datum(datum, now)
        for datum in data:
            self._keep(request["Namespace"], datum, now)
        return {}

    def _keep(self, namespace: str, datum: Mapping[str, Any], now: float) -> None:
        key = metric_key({**datum, "Namespace": namespace})
        at = datum["Timestamp"].timestamp() if "Timestamp" in datum else now
        resolution = datum.get("StorageResolution", MINUTE)
        samples = self._store.samples(key, at, unit=datum.get("Unit", NO_UNIT), resolution=resolution)
        if "StatisticValues" in datum:
            given = datum["StatisticValues"]
            samples.sets.append(StatisticSet(given["SampleCount"], given["Sum"], given["Minimum"], given["Maximum"]))
        for value, count in _values(datum):
            samples.add(value, count)

    def get_metric_data(self, request: Request) -> Response:
        """Series of statistics and expressions, newest first unless ScanBy says otherwise; pages of MaxDatapoints."""
        if len(request["MetricDataQueries"]) > _MOST_QUERIES:
            raise AwsError("ValidationError", f"MetricDataQueries must not have more than {_MOST_QUERIES} items.")
        queries = Queries(request["MetricDataQueries"])
        start, end = _range(request)
        newest_first = request.get("ScanBy") != "TimestampAscending"
        skipped, room = offset(request), request.get("MaxDatapoints", MOST_DATAPOINTS)
        if not 0 < room <= MOST_DATAPOINTS:
            raise AwsError("ValidationError", f"MaxDatapoints is {room}; it must be 1 to {MOST_DATAPOINTS}.")
        first, results, left_over = skipped, [], False
        for query in queries.returned():
            for series in queries.series(self._store, query["Id"], start, end):
                moments = sorted(series, reverse=newest_first)
                chosen = moments[skipped : skipped + room]
                complete = len(moments) <= skipped + room
                if chosen or (first == 0 and room):
                    results.append(_result(query, series, chosen, complete=complete))
                skipped, room = max(skipped - len(moments), 0), room - len(chosen)
                left_over = left_over or not complete
        shown = sum(len(result["Values"]) for result in results)
        token = {"NextToken": str(first + shown)} if left_over else {}
        return {"MetricDataResults": results, "Messages": []} | token

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
        period, key = check_period(request["Period"]), metric_key(request)
        begin = aligned(start, period)
        if (asked := math.ceil((end - begin) / period)) > MOST_STATISTICS:
            said = f"You have requested up to {asked} datapoints, which exceeds the limit of {MOST_STATISTICS}."
            raise AwsError("InvalidParameterCombination", f"{said} Ask for a longer Period or a shorter time.")
        points = []
        for unit in [request["Unit"]] if "Unit" in request else self._store.units(key):
            for moment, samples in self._store.periods(key, begin, end, period, unit).items():
                values = {name: statistic(samples, name) for name in [*plain, *extended]}
                shown = {"ExtendedStatistics": values} if extended else values
                points.append({"Timestamp": datetime.fromtimestamp(moment, UTC), "Unit": unit, **shown})
        return {"Label": request["MetricName"], "Datapoints": points}

    def list_metrics(self, request: Request) -> Response:
        """Metrics by namespace, name and dimensions; a dimension filter matches metrics that have at least these."""
        wanted = {item["Name"]: item.get("Value") for item in request.get("Dimensions") or ()}
        since = self._context.clock.time() - _THREE_HOURS if "RecentlyActive" in request else 0.0
        metrics = []
        for namespace, name, dimensions in sorted(self._store.keys(since)):
            has = dict(dimensions)
            if (
                request.get("Namespace") in (None, namespace)
                and request.get("MetricName") in (None, name)
                and all(key in has and value in (None, has[key]) for key, value in wanted.items())
            ):
                shown = [{"Name": key, "Value": value} for key, value in dimensions]
                metrics.append({"Namespace": namespace, "MetricName": name, "Dimensions": shown})
        return page(metrics, request, "Metrics", _LISTED)


def _range(request: Request) -> tuple[float, int]:
    start, end = request["StartTime"].timestamp(), request["EndTime"].timestamp()
    if start >= end:
        raise AwsError("ValidationError", "The parameter StartTime must be less than the parameter EndTime.")
    return start, math.ceil(end)


def _result(query: Mapping[str, Any], series: dict[int, float], moments: list[int], *, complete: bool) -> Response:
    return {
        "Id": query["Id"],
        "Label": query.get("Label") or _label(query),
        "Timestamps": [datetime.fromtimestamp(moment, UTC) for moment in moments],
        "Values": [series[moment] for moment in moments],
        "StatusCode": "Complete" if complete else "PartialData",
    }


def _label(query: Mapping[str, Any]) -> str:
    return str(query["MetricStat"]["Metric"]["MetricName"] if "MetricStat" in query else query["Id"])


def _values(datum: Mapping[str, Any]) -> list[tuple[float, float]]:
    if "Value" in datum:
        return [(datum["Value"], 1.0)]
    values = datum.get("Values") or []
    return list(zip(values, datum.get("Counts") or [1.0] * len(values), strict=True))


def _check_datum(datum: Mapping[str, Any], now: float) -> None:
    name = datum["MetricName"]
    given = [member for member in ("Value", "Values", "StatisticValues") if member in datum]
    if len(given) != 1:
        raise AwsError(
            "InvalidParameterCombination",
            f"The metric {name} must have exactly one of Value, Values and StatisticValues.",
        )
    if "Counts" in datum and len(datum["Counts"]) != len(datum.get("Values", [])):
        raise _invalid(f"The metric {name} must have as many Counts as Values.")
    numbers = [*datum.get("StatisticValues", {}).values(), *(value for value, _ in _values(datum))]
    if not all(abs(number) <= _LARGEST for number in numbers):
        raise _invalid(f"The metric {name} has a value that CloudWatch does not store: NaN, or beyond 2^360.")
    if len(datum.get("Values", [])) > _MOST_VALUES:
        raise _invalid(f"The metric {name} has more than {_MOST_VALUES} Values.")
    if datum.get("StorageResolution", MINUTE) not in _RESOLUTIONS:
        raise _invalid(f"The metric {name} must have a StorageResolution of 1 or 60 seconds.")
    if "Timestamp" in datum and not now - _OLDEST <= datum["Timestamp"].timestamp() <= now + _NEWEST:
        raise _invalid(f"The metric {name} has a Timestamp more than two weeks ago or two hours ahead.")


def _invalid(message: str) -> AwsError:
    return AwsError("InvalidParameterValue", message)
