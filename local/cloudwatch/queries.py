"""Metric data queries as GetMetricData and metric-math alarms state them, answered from the store.

It must never guess: a query that names a missing id, a cycle or mixed periods is refused.
"""

import ast
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from local.cloudwatch import expressions
from local.cloudwatch.expressions import Operand, Series
from local.cloudwatch.statistics import Samples, check_statistic, statistic
from local.cloudwatch.store import MINUTE, Key, MetricStore, canonical
from local.errors import AwsError

Query = Mapping[str, Any]
"""A MetricDataQuery: Id, and MetricStat or Expression."""


def metric_key(metric: Mapping[str, Any]) -> Key:
    """The store's key of anything that has Namespace, MetricName and Dimensions."""
    dimensions = tuple((item["Name"], item["Value"]) for item in metric.get("Dimensions") or ())
    return metric["Namespace"], metric["MetricName"], canonical(dimensions)


def check_period(period: int) -> int:
    """The period, when it is whole minutes. Raises AwsError ValidationError."""
    if period < MINUTE or period % MINUTE:
        raise AwsError(
            "ValidationError",
            f"Period is {period}; it must be a multiple of 60 seconds (high-resolution metrics are not offered here).",
        )
    return period


def statistics_by_period(samples: Mapping[int, Samples], name: str) -> Series:
    """One statistic of each period that has it."""
    values = {begin: statistic(found, name) for begin, found in sorted(samples.items())}
    return {begin: value for begin, value in values.items() if value is not None}


class Queries:
    """A checked set of metric data queries that refer to each other by Id."""

    def __init__(self, queries: Sequence[Query]) -> None:
        self._by_id = {query["Id"]: query for query in queries}
        if len(self._by_id) < len(queries):
            raise AwsError("ValidationError", "The ids of the metric data queries must be unique.")
        self._trees: dict[str, ast.expr] = {}
        for query in queries:
            self._check(query)
        for name in self._by_id:
            self._refuse_cycle(name, ())

    def period(self, name: str) -> int:
        """The one period of the metrics that a query rests on."""
        periods = {query["MetricStat"]["Period"] for query in self._metrics(name)}
        if len(periods) != 1:
            raise AwsError("ValidationError", f"'{name}' must rest on metrics that have one and the same Period.")
        return int(periods.pop())

    def returned(self) -> list[Query]:
        """The queries whose data are asked for (ReturnData is true unless said otherwise)."""
        return [query for query in self._by_id.values() if query.get("ReturnData", True)]

    def series(self, store: MetricStore, name: str, start: int, end: int) -> Series:
        """The values of one query per period, counted from `start` up to `end` (epoch seconds, whole minutes)."""
        value = self._value(store, name, start, end)
        if isinstance(value, float):
            raise AwsError("ValidationError", f"The expression of '{name}' is a number; it must give a time series.")
        return value

    def _value(self, store: MetricStore, name: str, start: int, end: int) -> Operand:
        query = self._by_id[name]
        if "MetricStat" in query:
            wanted = query["MetricStat"]
            samples = store.periods(metric_key(wanted["Metric"]), start, end, wanted["Period"], unit=wanted.get("Unit"))
            return statistics_by_period(samples, wanted["Stat"])
        tree = self._trees[name]
        operands = {other: self._value(store, other, start, end) for other in expressions.names(tree)}
        return expressions.evaluate(tree, operands, range(start, end, self.period(name)))

    def _metrics(self, name: str) -> Iterable[Query]:
        if "MetricStat" in self._by_id[name]:
            yield self._by_id[name]
            return
        for other in expressions.names(self._trees[name]):
            yield from self._metrics(other)

    def _check(self, query: Query) -> None:
        name = query["Id"]
        if ("MetricStat" in query) == ("Expression" in query):
            raise AwsError("ValidationError", f"'{name}' must have either MetricStat or Expression.")
        if "MetricStat" in query:
            check_statistic(query["MetricStat"]["Stat"])
            check_period(query["MetricStat"]["Period"])
            return
        self._trees[name] = expressions.parse(query["Expression"])
        for other in expressions.names(self._trees[name]) - set(self._by_id):
            raise AwsError("ValidationError", f"Error in expression '{query['Expression']}': no query has id {other}.")

    def _refuse_cycle(self, name: str, path: tuple[str, ...]) -> None:
        if name in path:
            raise AwsError("ValidationError", f"The expressions refer to each other: {' -> '.join((*path, name))}.")
        for other in expressions.names(self._trees[name]) if name in self._trees else ():
            self._refuse_cycle(other, (*path, name))
