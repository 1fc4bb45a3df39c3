"""Metrics: what is published, and what is asked for."""

import dataclasses
import math
from datetime import timedelta
from typing import Any

import pytest
from cloudwatch_rig import NOON, Rig, dimensions, metric, rig

from local.errors import AwsError
from local.unverified import DEFAULTS

__all__ = ["rig"]


def statistics(rig: Rig, period: int = 60, **more: Any) -> list[dict[str, Any]]:
    """GetMetricStatistics of M in the hour after noon."""
    request = {"Namespace": "Test", "MetricName": "M", "StartTime": NOON, "EndTime": NOON + timedelta(hours=1)}
    points: list[dict[str, Any]] = rig.cloudwatch.get_metric_statistics({**request, "Period": period, **more})[
        "Datapoints"
    ]
    return points


def test_a_metric_is_found_by_its_exact_dimensions_in_any_order_and_by_no_part_of_them(rig):
    rig.put(0, 1.0, Dimensions=dimensions(A="a", B="b"))
    rig.put(0, 5.0, Dimensions=dimensions(A="a"))
    found = [
        statistics(rig, Dimensions=dims, Statistics=["Sum"])
        for dims in (dimensions(A="a"), dimensions(B="b", A="a"), dimensions(B="b"), [])
    ]
    assert [[point["Sum"] for point in points] for points in found] == [[5.0], [1.0], [], []]


def test_every_statistic_of_a_minute(rig):
    rig.put(0.5, 1.0, 2.0, 3.0, 10.0)
    wanted = ["SampleCount", "Average", "Sum", "Minimum", "Maximum"]
    (point,) = statistics(rig, Statistics=wanted)
    assert [point[name] for name in wanted] == [4, 4, 16, 1, 10]
    (point,) = statistics(rig, ExtendedStatistics=["p50", "p99"])
    assert point["ExtendedStatistics"] == {"p50": 2.0, "p99": 10.0}
    assert point["Timestamp"] == NOON


def test_longer_periods_add_minutes_up_from_the_start(rig):
    for minute in range(4):
        rig.put(minute, float(minute))
    assert [point["Sum"] for point in statistics(rig, 120, Statistics=["Sum"])] == [1.0, 5.0]


@pytest.mark.aws("Metrics", "Data of StorageResolution 1 are read by periods of seconds", "API: PutMetricData")
def test_seconds_are_kept_where_a_metric_was_published_so(rig):
    for second in (1, 5, 12, 31):
        rig.put(second / 60, 1.0, StorageResolution=1)
    assert rig.values(metric("m", period=10), minutes=1) == [[2.0, 1.0, 1.0]]
    assert rig.values(metric("m", period=30), minutes=1) == [[3.0, 1.0]]
    assert rig.values(metric("m", period=60), minutes=1) == [[4.0]]


@pytest.mark.aws("Metrics", "A minute's data are in the first of its shorter periods", "API: PutMetricAlarm, Period")
def test_a_metric_of_whole_minutes_has_its_data_at_the_minutes_beginning(rig):
    rig.put(0.9, 1.0)
    answer = rig.data(metric("m", period=20), minutes=1)
    assert answer["MetricDataResults"][0]["Timestamps"] == [NOON]


@pytest.mark.aws("Metrics", "StartTime is rounded down to the minute, or to a shorter period", "API: GetMetricData")
def test_the_start_is_rounded_down(rig):
    rig.put(0.1, 1.0, StorageResolution=1)
    at_45_seconds = NOON + timedelta(seconds=5)
    for period, begins in ((60, NOON), (10, NOON), (5, at_45_seconds)):
        answer = rig.data(metric("m", period=period), StartTime=NOON + timedelta(seconds=6, milliseconds=400))
        assert answer["MetricDataResults"][0]["Timestamps"] == [begins]


def test_aggregated_sets_count_and_have_no_percentile(rig):
    given_set = {"SampleCount": 4.0, "Sum": 8.0, "Minimum": 1.0, "Maximum": 5.0}
    datum = {"MetricName": "M", "Timestamp": NOON, "StatisticValues": given_set}
    rig.cloudwatch.put_metric_data({"Namespace": "Test", "MetricData": [datum]})
    rig.put(0, 0.0)
    (point,) = statistics(rig, Statistics=["SampleCount", "Average", "Minimum", "Maximum"])
    assert (point["SampleCount"], point["Average"], point["Minimum"], point["Maximum"]) == (5, 1.6, 0, 5)
    assert statistics(rig, ExtendedStatistics=["p90"])[0]["ExtendedStatistics"] == {"p90": None}


@pytest.mark.aws("Metrics", "Data of another unit are data of their own", "API: GetMetricStatistics, Unit")
def test_data_are_kept_by_unit_and_without_one_all_count(rig):
    rig.put(0, 1.0, Unit="Microseconds")
    rig.put(0, 5.0, Unit="Milliseconds")
    assert [point["Sum"] for point in statistics(rig, Statistics=["Sum"], Unit="Milliseconds")] == [5.0]
    shown = [(point["Unit"], point["Sum"]) for point in statistics(rig, Statistics=["Sum"])]
    assert shown == [("Microseconds", 1.0), ("Milliseconds", 5.0)]
    assert rig.values(metric("m")) == [[6.0]]
    query = metric("m")
    query["MetricStat"]["Unit"] = "Seconds"
    assert rig.values(query) == [[]]


def test_what_services_record_is_seen_under_the_same_name(rig):
    rig.cloudwatch.record("Test", "M", (("B", "b"), ("A", "a")), 3.0)
    found = rig.cloudwatch.list_metrics({"Namespace": "Test", "Dimensions": [{"Name": "A"}]})["Metrics"]
    assert found == [{"Namespace": "Test", "MetricName": "M", "Dimensions": dimensions(A="a", B="b")}]


def test_a_publisher_publishes_under_all_of_its_dimensions_at_once(rig):
    two, three = (("A", "a"),), (("A", "a"), ("C", "c"))
    blue, green = (
        rig.cloudwatch.publisher("Test", [two, (*two, ("C", config))], {"M": "Count", "N": "None"}) for config in "bc"
    )
    blue.publish(1.0, 10.0)
    green.publish(3.0, 30.0)
    rig.clock.moment += 60
    green.publish(5.0, 50.0)
    sums = [
        [
            point["Sum"]
            for point in statistics(rig, Statistics=["Sum"], Unit="Count", Dimensions=dimensions(**dict(dims)))
        ]
        for dims in (two, three)
    ]
    assert sums == [[4.0, 5.0], [3.0, 5.0]]


def test_a_publisher_makes_no_metric_before_it_has_a_value(rig):
    rig.cloudwatch.publisher("Test", [()], {"M": "None"})
    assert rig.cloudwatch.list_metrics({})["Metrics"] == []


def test_metrics_that_are_recently_active_have_data_of_three_hours(rig):
    rig.put(-200, 1.0, name="Old")
    rig.put(-100, 1.0, name="New")
    active = rig.cloudwatch.list_metrics({"RecentlyActive": "PT3H"})["Metrics"]
    assert [found["MetricName"] for found in active] == ["New"]


def test_metrics_are_listed_in_pages_of_500(rig):
    for number in range(501):
        rig.cloudwatch.record("Test", f"M{number:03}", (), 1.0)
    first = rig.cloudwatch.list_metrics({})
    second = rig.cloudwatch.list_metrics({"NextToken": first["NextToken"]})
    assert (len(first["Metrics"]), [m["MetricName"] for m in second["Metrics"]]) == (500, ["M500"])
    assert "NextToken" not in second


@pytest.mark.aws("Metrics", "Datapoints beyond MaxDatapoints come with the next page", "API: GetMetricData")
def test_data_come_in_pages_that_say_what_is_partial(rig):
    for minute in range(5):
        rig.put(minute, float(minute))
        rig.put(minute, float(10 * minute), name="N")
    pages, token = [], {}
    while True:
        answer = rig.data(metric("m"), metric("n", "N"), MaxDatapoints=3, **token)
        pages.append([(found["Id"], found["StatusCode"], found["Values"]) for found in answer["MetricDataResults"]])
        if "NextToken" not in answer:
            break
        token = {"NextToken": answer["NextToken"]}
    assert pages == [
        [("m", "PartialData", [0.0, 1.0, 2.0])],
        [("m", "Complete", [3.0, 4.0]), ("n", "PartialData", [0.0])],
        [("n", "PartialData", [10.0, 20.0, 30.0])],
        [("n", "Complete", [40.0])],
    ]


def test_a_query_without_data_is_complete_and_empty(rig):
    (found,) = rig.data(metric("m"))["MetricDataResults"]
    assert (found["Values"], found["StatusCode"]) == ([], "Complete")


@pytest.mark.parametrize("operation", ["list_metrics", "describe_alarms", "describe_alarm_history", "list_dashboards"])
def test_a_token_that_nobody_was_given_is_refused(rig, operation):
    with pytest.raises(AwsError) as caught:
        getattr(rig.cloudwatch, operation)({"NextToken": "more"})
    assert caught.value.code == "InvalidNextToken"


def test_more_than_1440_datapoints_at_once_are_refused(rig):
    with pytest.raises(AwsError, match="exceeds the limit of 1440"):
        statistics(rig, Statistics=["Sum"], EndTime=NOON + timedelta(days=2))


@pytest.mark.parametrize(
    ("namespace", "datum", "message"),
    [
        ("AWS/SageMaker", {"Value": 1.0}, "AWS/"),
        ("Test", {"Value": math.nan}, "does not store: NaN, or beyond"),
        ("Test", {"StatisticValues": {"SampleCount": math.inf}}, "does not store: NaN, or beyond"),
        ("Test", {"Value": 1e109}, "does not store: NaN, or beyond"),
        ("Test", {"Values": [1.0] * 151}, "more than 150 Values"),
        ("Test", {}, "exactly one of Value"),
        ("Test", {"Values": [1.0], "Counts": [1.0, 2.0]}, "as many Counts as Values"),
        ("Test", {"Value": 1.0, "StorageResolution": 10}, "StorageResolution of 1 or 60"),
        ("Test", {"Value": 1.0, "Timestamp": NOON - timedelta(days=15)}, "more than two weeks ago"),
        ("Test", {"Value": 1.0, "Timestamp": NOON + timedelta(hours=3)}, "two hours ahead"),
    ],
)
def test_data_that_cloudwatch_would_not_store_are_refused(rig, namespace, datum, message):
    good = {"MetricName": "M", "Value": 1.0}
    with pytest.raises(AwsError, match=message):
        rig.cloudwatch.put_metric_data({"Namespace": namespace, "MetricData": [good, {"MetricName": "M", **datum}]})
    assert rig.cloudwatch.list_metrics({})["Metrics"] == []


@pytest.mark.parametrize(
    ("operation", "member", "most"),
    [("put_metric_data", "MetricData", 1000), ("get_metric_data", "MetricDataQueries", 500)],
)
def test_more_items_than_a_request_may_have_are_refused(rig, operation, member, most):
    with pytest.raises(AwsError, match=f"more than {most}"):
        getattr(rig.cloudwatch, operation)({"Namespace": "Test", member: [{}] * (most + 1)})


def test_awss_own_namespaces_are_open_where_aws_is_assumed_to_leave_them_so(tmp_path):
    rig = Rig(tmp_path, dataclasses.replace(DEFAULTS, aws_namespace="accept"))
    rig.cloudwatch.put_metric_data({"Namespace": "AWS/X", "MetricData": [{"MetricName": "M", "Value": 1.0}]})
    assert len(rig.cloudwatch.list_metrics({"Namespace": "AWS/X"})["Metrics"]) == 1


def test_data_older_than_fifteen_days_go(rig):
    rig.cloudwatch.record("Test", "M", (), 1.0)
    rig.clock.moment += 16 * 86_400
    rig.cloudwatch.record("Test", "M", (), 2.0)
    assert rig.values(metric("m"), minutes=20 * 1440) == [[2.0]]
