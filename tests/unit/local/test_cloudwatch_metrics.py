"""Metrics: what is published, what is asked for, and metric math."""

import math
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.clock import Clock
from local.cloudwatch import CloudWatch
from local.cloudwatch.expressions import evaluate, names, parse
from local.cloudwatch.statistics import Samples, merged, statistic
from local.context import Context
from local.errors import AwsError

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


class Events:
    """Takes events and keeps none."""

    def __call__(self, *event: Any) -> None:
        return None


@pytest.fixture
def cloudwatch(tmp_path: Path) -> CloudWatch:
    return CloudWatch(Context(Clock(), "us-east-1", "111122223333", tmp_path, "http://127.0.0.1:1", Events()))


def dimensions(**values: str) -> list[dict[str, str]]:
    return [{"Name": name, "Value": value} for name, value in values.items()]


def put(cloudwatch: CloudWatch, minute: int, *values: float, name: str = "M", **dims: str) -> None:
    """Publish values in a minute after noon."""
    moment = NOON + timedelta(minutes=minute, seconds=30)
    datum = {"MetricName": name, "Dimensions": dimensions(**dims), "Timestamp": moment, "Values": list(values)}
    cloudwatch.put_metric_data({"Namespace": "Test", "MetricData": [datum]})


def metric(query_id: str, name: str, stat: str = "Sum", *, shown: bool = True) -> dict[str, Any]:
    """A MetricDataQuery of a metric without dimensions."""
    asked = {"Metric": {"Namespace": "Test", "MetricName": name}, "Period": 60, "Stat": stat}
    return {"Id": query_id, "MetricStat": asked, "ReturnData": shown}


def values(cloudwatch: CloudWatch, *queries: dict[str, Any], minutes: int = 5) -> list[list[float]]:
    """The values of each returned query, oldest first."""
    answer = cloudwatch.get_metric_data(
        {
            "MetricDataQueries": list(queries),
            "StartTime": NOON,
            "EndTime": NOON + timedelta(minutes=minutes),
            "ScanBy": "TimestampAscending",
        }
    )
    return [result["Values"] for result in answer["MetricDataResults"]]


def statistics(cloudwatch: CloudWatch, period: int = 60, **more: Any) -> list[dict[str, Any]]:
    """GetMetricStatistics of M in the hour after noon."""
    request = {"Namespace": "Test", "MetricName": "M", "StartTime": NOON, "EndTime": NOON + timedelta(hours=1)}
    points: list[dict[str, Any]] = cloudwatch.get_metric_statistics({**request, "Period": period, **more})["Datapoints"]
    return points


def test_a_metric_is_found_by_its_exact_dimensions_in_any_order_and_by_no_part_of_them(cloudwatch):
    put(cloudwatch, 0, 1.0, A="a", B="b")
    put(cloudwatch, 0, 5.0, A="a")
    found = [
        statistics(cloudwatch, Dimensions=dims, Statistics=["Sum"])
        for dims in (dimensions(A="a"), dimensions(B="b", A="a"), dimensions(B="b"), [])
    ]
    assert [[point["Sum"] for point in points] for points in found] == [[5.0], [1.0], [], []]


def test_every_statistic_of_a_minute(cloudwatch):
    put(cloudwatch, 0, 1.0, 2.0, 3.0, 10.0)
    wanted = ["SampleCount", "Average", "Sum", "Minimum", "Maximum"]
    (point,) = statistics(cloudwatch, Statistics=wanted)
    assert [point[name] for name in wanted] == [4, 4, 16, 1, 10]
    (point,) = statistics(cloudwatch, ExtendedStatistics=["p50", "p99"])
    assert point["ExtendedStatistics"] == {"p50": 2.0, "p99": 10.0}
    assert point["Timestamp"] == NOON


def test_longer_periods_add_minutes_up_from_the_start(cloudwatch):
    for minute in range(4):
        put(cloudwatch, minute, float(minute))
    assert [point["Sum"] for point in statistics(cloudwatch, 120, Statistics=["Sum"])] == [1.0, 5.0]


def test_aggregated_sets_count_and_have_no_percentile(cloudwatch):
    given_set = {"SampleCount": 4.0, "Sum": 8.0, "Minimum": 1.0, "Maximum": 5.0}
    datum = {"MetricName": "M", "Timestamp": NOON, "StatisticValues": given_set}
    cloudwatch.put_metric_data({"Namespace": "Test", "MetricData": [datum]})
    put(cloudwatch, 0, 0.0)
    (point,) = statistics(cloudwatch, Statistics=["SampleCount", "Average", "Minimum", "Maximum"])
    assert (point["SampleCount"], point["Average"], point["Minimum"], point["Maximum"]) == (5, 1.6, 0, 5)
    assert statistics(cloudwatch, ExtendedStatistics=["p90"])[0]["ExtendedStatistics"] == {"p90": None}


def test_another_unit_than_the_metrics_selects_nothing(cloudwatch):
    datum = {"MetricName": "M", "Timestamp": NOON, "Value": 1.0, "Unit": "Microseconds"}
    cloudwatch.put_metric_data({"Namespace": "Test", "MetricData": [datum]})
    assert statistics(cloudwatch, Statistics=["Sum"], Unit="Milliseconds") == []
    assert statistics(cloudwatch, Statistics=["Sum"], Unit="Microseconds")[0]["Unit"] == "Microseconds"


def test_what_services_record_is_seen_under_the_same_name(cloudwatch):
    cloudwatch.record("Test", "M", (("B", "b"), ("A", "a")), 3.0)
    found = cloudwatch.list_metrics({"Namespace": "Test", "Dimensions": [{"Name": "A"}]})["Metrics"]
    assert found == [{"Namespace": "Test", "MetricName": "M", "Dimensions": dimensions(A="a", B="b")}]


@pytest.mark.parametrize(
    ("namespace", "datum", "message"),
    [
        ("AWS/SageMaker", {"Value": 1.0}, "AWS/"),
        ("Test", {"Value": math.nan}, "not a number CloudWatch stores"),
        ("Test", {}, "exactly one of Value"),
        ("Test", {"Values": [1.0], "Counts": [1.0, 2.0]}, "as many Counts as Values"),
    ],
)
def test_data_that_cloudwatch_would_not_store_are_refused(cloudwatch, namespace, datum, message):
    with pytest.raises(AwsError, match=message):
        cloudwatch.put_metric_data({"Namespace": namespace, "MetricData": [{"MetricName": "M", **datum}]})


def test_metric_math_divides_minute_by_minute_and_drops_division_by_zero(cloudwatch):
    for minute, (errors, requests) in enumerate([(1, 10), (0, 0), (5, 10)]):
        put(cloudwatch, minute, float(errors), name="Errors")
        put(cloudwatch, minute, float(requests), name="Requests")
    rate = {"Id": "rate", "Expression": "100 * e / r"}
    queries = (metric("e", "Errors", shown=False), metric("r", "Requests", shown=False), rate)
    assert values(cloudwatch, *queries) == [[10.0, 50.0]]


def test_a_volume_guard_answers_zero_where_there_is_too_little_traffic_or_none(cloudwatch):
    for minute, (errors, requests) in {0: (3, 3), 2: (5, 100)}.items():
        put(cloudwatch, minute, float(errors), name="Errors")
        put(cloudwatch, minute, float(requests), name="Requests")
    guarded = {"Id": "g", "Expression": "IF(FILL(r, 0) >= 50, e / r, 0)"}
    queries = (metric("e", "Errors", shown=False), metric("r", "Requests", shown=False), guarded)
    assert values(cloudwatch, *queries) == [[0.0, 0.0, 0.05, 0.0, 0.0]]


@pytest.mark.parametrize(
    ("queries", "message"),
    [
        ([{"Id": "x", "Expression": "RATE(m)"}], r"'RATE\(m\)' is not offered"),
        ([{"Id": "x", "Expression": "m ** 2"}], "is not offered"),
        ([{"Id": "x", "Expression": "m +"}], "cannot be read"),
        ([{"Id": "x", "Expression": "__import__('os')"}], "is not offered"),
        ([{"Id": "x", "Expression": "y + 1"}], "no query has id y"),
        ([{"Id": "x", "Expression": "y"}, {"Id": "y", "Expression": "x"}], "refer to each other"),
        ([metric("x", "M"), metric("x", "M")], "must be unique"),
        ([{"Id": "x"}], "either MetricStat or Expression"),
        ([metric("x", "M", "tm90")], "statistic tm90 is not offered"),
    ],
)
def test_queries_that_cannot_be_answered_are_refused_with_the_part_at_fault(cloudwatch, queries, message):
    with pytest.raises(AwsError, match=message) as caught:
        values(cloudwatch, *queries)
    assert caught.value.code == "ValidationError"


SERIES = st.dictionaries(st.sampled_from(range(0, 600, 60)), st.floats(-1e6, 1e6))
GRID = range(0, 600, 60)


@given(SERIES, SERIES)
def test_an_operation_has_a_value_exactly_where_both_sides_have_one(left, right):
    found = evaluate(parse("a + b"), {"a": left, "b": right}, GRID)
    assert found == {at: left[at] + right[at] for at in left.keys() & right.keys()}


@given(SERIES, st.integers(-5, 5))
def test_filling_leaves_values_alone_and_no_gap(series, number):
    found = evaluate(parse(f"FILL(a, {number})"), {"a": series}, GRID)
    assert found == {at: series.get(at, float(number)) for at in GRID}


@given(SERIES, SERIES)
def test_a_condition_picks_between_two_series(left, right):
    found = evaluate(parse("IF(a > b, a, b)"), {"a": left, "b": right}, GRID)
    assert found == {at: max(left[at], right[at]) for at in left.keys() & right.keys()}


def test_the_names_of_an_expression_are_its_metrics_not_its_functions():
    assert names(parse("IF(FILL(i, 0) >= 10, e / i, -1)")) == {"i", "e"}


SAMPLES = st.lists(st.integers(0, 50), min_size=1, max_size=60)


@given(SAMPLES, st.integers(1, 100))
def test_a_percentile_is_a_published_value_that_enough_samples_do_not_exceed(published, percent):
    samples = Samples()
    for value in published:
        samples.add(float(value))
    found = statistic(samples, f"p{percent}")
    assert found in published
    assert sum(value <= found for value in published) >= percent / 100 * len(published) - 1e-9
    assert sum(value < found for value in published) < percent / 100 * len(published) + 1e-9


@given(st.lists(SAMPLES, min_size=1, max_size=4))
def test_statistics_of_merged_periods_are_those_of_all_their_samples(parts):
    made = []
    for part in parts:
        samples = Samples()
        for value in part:
            samples.add(float(value))
        made.append(samples)
    everything = [float(value) for part in parts for value in part]
    whole = merged(made)
    assert statistic(whole, "Sum") == pytest.approx(sum(everything))
    assert statistic(whole, "SampleCount") == len(everything)
    assert statistic(whole, "Maximum") == max(everything)
    assert statistic(whole, "p100") == max(everything)
