"""Metric data queries as GetMetricData and metric-math alarms state them, answered from the store.

It must never guess: a query that names a missing id, a cycle or mixed periods is refused.
"""

import re
from collections.abc import Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from typing import Any

from local.cloudwatch import expressions, grammar
from local.cloudwatch.functions import ExpressionError, Operand, Series
from local.cloudwatch.statistics import Samples, check_statistic, statistic
from local.cloudwatch.store import MINUTE, Key, MetricStore, canonical
from local.errors import AwsError

HIGH_RESOLUTION_PERIODS = (1, 5, 10, 20, 30)
_MOST_PERIODS = 500_000
_ID = re.compile(r"[a-z][A-Za-z0-9_]*")

Query = Mapping[str, Any]
"""A MetricDataQuery: Id, and MetricStat or Expression."""


def metric_key(metric: Mapping[str, Any]) -> Key:
    """The store's key of anything that has Namespace, MetricName and Dimensions."""
    dimensions = tuple((item["Name"], item["Value"]) for item in metric.get("Dimensions") or ())
    return metric["Namespace"], metric["MetricName"], canonical(dimensions)


def check_period(period: int) -> int:
    """The period, when CloudWatch has it. Raises AwsError ValidationError."""
    if period not in HIGH_RESOLUTION_PERIODS and (period < MINUTE or period % MINUTE):
        periods = ", ".join(map(str, HIGH_RESOLUTION_PERIODS))
        raise AwsError("ValidationError", f"Period is {period}; it must be {periods} or a multiple of 60 seconds.")
    return period


def aligned(start: float, period: int) -> int:
    """Where the first period of a query begins: its start, rounded down to the minute, or to a shorter period."""
    step = min(period, MINUTE)
    return int(start // step * step)


def statistics_by_period(samples: Mapping[int, Samples], name: str) -> Series:
    """One statistic of each period that has it."""
    values = {begin: statistic(found, name) for begin, found in samples.items()}
    return {begin: value for begin, value in values.items() if value is not None}


class Queries:
    """A checked set of metric data queries that refer to each other by Id. Raises AwsError ValidationError."""

    def __init__(self, queries: Sequence[Query]) -> None:
        self._by_id = {query["Id"]: query for query in queries}
        if len(self._by_id) < len(queries):
            raise AwsError("ValidationError", "The ids of the metric data queries must be unique.")
        self._trees: dict[str, grammar.Tree] = {}
        for query in queries:
            self._check(query)
        self._needs = self._resolved()
        for name in self._trees:
            self.series(MetricStore(), name, 0, self.period(name))

    def period(self, name: str) -> int:
        """The one period of the metrics that a query rests on."""
        periods = {self._by_id[other]["MetricStat"]["Period"] for other in self._needs[name] if self._is_metric(other)}
        if len(periods) != 1:
            raise AwsError("ValidationError", f"'{name}' must rest on metrics that have one and the same Period.")
        return int(periods.pop())

    def returned(self) -> list[Query]:
        """The queries whose data are asked for (ReturnData is true unless said otherwise)."""
        return [query for query in self._by_id.values() if query.get("ReturnData", True)]

    def series(self, store: MetricStore, name: str, start: float, end: float) -> list[Series]:
        """The time series of one query between two epoch seconds: one, unless it is an expression that gives more."""
        period = self.period(name)
        grid = range(aligned(start, period), int(end), period)
        if len(grid) > _MOST_PERIODS:
            raise AwsError("ValidationError", f"'{name}': {len(grid)} periods are too many; ask for a shorter time.")
        needed = self._needs[name]
        rests_on = [other for other in self._by_id if other in needed and self._is_metric(other)]
        metrics = {other: self._metric(store, other, grid) for other in rests_on}
        values: dict[str, Operand] = {**metrics}
        for other in needed:
            if not self._is_metric(other):
                values[other] = self._expression(other, expressions.Scope(values, metrics, grid, period))
        value = values[name]
        if isinstance(value, float):
            said = "it gives a number, and must give a time series"
            raise grammar.refusal(self._by_id[name]["Expression"], said)
        return value if isinstance(value, list) else [value]

    def _metric(self, store: MetricStore, name: str, grid: range) -> Series:
        wanted = self._by_id[name]["MetricStat"]
        key, unit = metric_key(wanted["Metric"]), wanted.get("Unit")
        return statistics_by_period(store.periods(key, grid.start, grid.stop, grid.step, unit), wanted["Stat"])

    def _expression(self, name: str, scope: expressions.Scope) -> Operand:
        try:
            return expressions.evaluate(self._trees[name], scope)
        except ExpressionError as error:
            raise grammar.refusal(self._by_id[name]["Expression"], str(error)) from error
        except RecursionError:
            raise grammar.refusal(self._by_id[name]["Expression"], "it is nested too deeply") from None

    def _is_metric(self, name: str) -> bool:
        return name not in self._trees

    def _resolved(self) -> dict[str, list[str]]:
        """All that each query rests on, itself last, in an order in which each can be evaluated."""
        graph = {name: self._references(name) for name in self._by_id}
        try:
            order = list(TopologicalSorter(graph).static_order())
        except CycleError as error:
            raise AwsError(
                "ValidationError", f"The expressions refer to each other: {' -> '.join(error.args[1])}."
            ) from error
        needs: dict[str, set[str]] = {}
        for name in order:
            needs[name] = {name}.union(*(needs[other] for other in graph[name]))
        return {name: [other for other in order if other in needed] for name, needed in needs.items()}

    def _references(self, name: str) -> set[str]:
        if self._is_metric(name):
            return set()
        tree = self._trees[name]
        if any(isinstance(node, grammar.Call) and node.function == "METRICS" for node in grammar.nodes(tree)):
            return grammar.references(tree) | {other for other in self._by_id if self._is_metric(other)}
        return grammar.references(tree)

    def _check(self, query: Query) -> None:
        name = query["Id"]
        if not _ID.fullmatch(name):
            said = "must begin with a lower-case letter and hold letters, digits and underscores only"
            raise AwsError("ValidationError", f"The id '{name}' {said}.")
        if ("MetricStat" in query) == ("Expression" in query):
            raise AwsError("ValidationError", f"'{name}' must have either MetricStat or Expression.")
        if "MetricStat" in query:
            check_statistic(query["MetricStat"]["Stat"])
            check_period(query["MetricStat"]["Period"])
            return
        tree = self._trees[name] = grammar.parse(query["Expression"])
        try:
            expressions.check(tree)
        except ExpressionError as error:
            raise grammar.refusal(query["Expression"], str(error)) from error
        for other in grammar.references(tree) - set(self._by_id):
            raise grammar.refusal(query["Expression"], f"no query has id {other}")
