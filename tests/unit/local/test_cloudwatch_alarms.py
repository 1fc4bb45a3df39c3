"""Alarms: their definitions, states, history and the loop that evaluates them."""

import asyncio
import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cloudwatch_rig import NOON, Rig, dimensions, rig

from local.clock import Clock
from local.cloudwatch import CloudWatch
from local.context import Context
from local.errors import AwsError

__all__ = ["rig"]

ALARM_ON_ERRORS: dict[str, Any] = {
    "AlarmName": "errors",
    "Namespace": "Test",
    "MetricName": "Errors",
    "Dimensions": dimensions(Config="v2"),
    "Statistic": "Average",
    "Period": 60,
    "EvaluationPeriods": 1,
    "Threshold": 0.1,
    "ComparisonOperator": "GreaterThanThreshold",
}
DIMENSIONS = (("Config", "v2"),)
ARN = "arn:aws:cloudwatch:us-east-1:111122223333:alarm:"


def minute(rig: Rig, *values: float, metric: str = "Errors") -> str:
    """Publish values, let the minute end, evaluate it; the state of `errors`."""
    for value in values:
        rig.cloudwatch.record("Test", metric, DIMENSIONS, value)
    rig.pass_to(int(rig.clock.moment - NOON.timestamp()) + 60)
    return str(rig.alarm()["StateValue"])


def test_an_alarm_starts_with_insufficient_data_and_follows_its_metric(rig):
    rig.cloudwatch.put_metric_alarm(ALARM_ON_ERRORS)
    assert rig.alarm()["StateValue"] == "INSUFFICIENT_DATA"
    assert rig.alarm()["StateReason"] == "Unchecked: Initial alarm creation"
    states = [minute(rig, 0.0), minute(rig, 1.0, 0.0), minute(rig, 0.0)]
    assert states == ["OK", "ALARM", "OK"]


def test_the_reason_data_hold_the_datapoints_and_the_threshold(rig):
    rig.cloudwatch.put_metric_alarm(ALARM_ON_ERRORS)
    minute(rig, 1.0, 0.0)
    alarm = rig.alarm()
    assert alarm["StateReason"] == (
        "Threshold Crossed: 1 datapoint [0.5 (23/11/26 12:00:00)] was greater than the threshold (0.1)."
    )
    assert json.loads(alarm["StateReasonData"]) == {
        "version": "1.0",
        "queryDate": "2026-11-23T12:01:00.000+0000",
        "startDate": "2026-11-23T12:00:00.000+0000",
        "statistic": "Average",
        "period": 60,
        "recentDatapoints": [0.5],
        "threshold": 0.1,
        "evaluatedDatapoints": [{"timestamp": "2026-11-23T12:00:00.000+0000", "sampleCount": 2.0, "value": 0.5}],
    }


def test_putting_an_alarm_again_keeps_its_state(rig):
    rig.cloudwatch.put_metric_alarm(ALARM_ON_ERRORS)
    minute(rig, 1.0)
    rig.cloudwatch.put_metric_alarm(ALARM_ON_ERRORS | {"Threshold": 5.0})
    assert (rig.alarm()["StateValue"], rig.alarm()["Threshold"]) == ("ALARM", 5.0)
    assert minute(rig, 1.0) == "OK"


def test_a_state_set_by_hand_holds_until_the_next_evaluation_and_is_remembered(rig):
    rig.cloudwatch.put_metric_alarm(ALARM_ON_ERRORS)
    before = rig.clock.now()
    rig.cloudwatch.set_alarm_state({"AlarmName": "errors", "StateValue": "ALARM", "StateReason": "drill"})
    assert rig.alarm()["StateValue"] == "ALARM"
    assert minute(rig, 0.0) == "OK"
    assert rig.cloudwatch.alarm_fired_since("errors", before) == "drill"
    assert rig.cloudwatch.alarm_fired_since("errors", before + timedelta(seconds=1)) is None


def test_an_alarm_set_by_hand_is_told_from_one_that_its_metric_set(rig):
    rig.cloudwatch.put_metric_alarm(ALARM_ON_ERRORS)
    before = rig.clock.now()
    drill = {"AlarmName": "errors", "StateValue": "ALARM", "StateReason": "drill"}
    rig.cloudwatch.set_alarm_state(drill)
    assert rig.cloudwatch.alarm_set_by_hand("errors")
    assert rig.cloudwatch.alarm_fired_since("errors", before, by_hand=False) is None
    assert minute(rig, 1.0) == "ALARM"
    assert not rig.cloudwatch.alarm_set_by_hand("errors")
    assert rig.cloudwatch.alarm_fired_since("errors", before, by_hand=False) is not None
    rig.cloudwatch.set_alarm_state(drill)
    assert not rig.cloudwatch.alarm_set_by_hand("errors")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"AlarmName": "ghost"}, "ResourceNotFound"),
        ({"StateReasonData": "{"}, "InvalidFormat"),
    ],
)
def test_a_state_that_cannot_be_set_is_refused(rig, change, code):
    rig.cloudwatch.put_metric_alarm(ALARM_ON_ERRORS)
    with pytest.raises(AwsError) as caught:
        rig.cloudwatch.set_alarm_state({"AlarmName": "errors", "StateValue": "OK", "StateReason": "", **change})
    assert caught.value.code == code


def test_a_percentile_alarm_sees_the_tail_that_the_average_hides(rig):
    tail = {**ALARM_ON_ERRORS, "ExtendedStatistic": "p99", "MetricName": "Latency", "Threshold": 500.0}
    del tail["Statistic"]
    rig.cloudwatch.put_metric_alarm(tail)
    assert minute(rig, *[10.0] * 97, *[900.0] * 3, metric="Latency") == "ALARM"


@pytest.mark.aws(
    "Alarms",
    "A percentile of fewer than 10 / (1 - p) samples may be ignored",
    "User guide: Percentiles and low samples",
)
def test_a_percentile_alarm_that_ignores_low_counts_waits_for_enough_samples(rig):
    tail = {**ALARM_ON_ERRORS, "ExtendedStatistic": "p90", "EvaluateLowSampleCountPercentile": "ignore"}
    del tail["Statistic"]
    rig.cloudwatch.put_metric_alarm(tail)
    states = [minute(rig, *[1.0] * count) for count in (99, 100)]
    assert states == ["INSUFFICIENT_DATA", "ALARM"]


@pytest.mark.aws(
    "Alarms", "An alarm can watch a math expression of metrics of one period", "User guide: Alarms on math"
)
def test_an_alarm_on_a_math_expression_follows_the_expression(rig):
    def query(name: str, metric: str) -> dict[str, Any]:
        asked = {"Namespace": "Test", "MetricName": metric, "Dimensions": ALARM_ON_ERRORS["Dimensions"]}
        return {"Id": name, "MetricStat": {"Metric": asked, "Period": 60, "Stat": "Sum"}, "ReturnData": False}

    kept = ("AlarmName", "EvaluationPeriods", "Threshold", "ComparisonOperator")
    guarded = {"Id": "g", "Expression": "IF(FILL(r, 0) >= 3, e / r, 0)"}
    rig.cloudwatch.put_metric_alarm(
        {name: ALARM_ON_ERRORS[name] for name in kept}
        | {"Metrics": [query("e", "Errors"), query("r", "Requests"), guarded]}
    )

    def of(errors: int, requests: int) -> str:
        for _ in range(requests):
            rig.cloudwatch.record("Test", "Requests", DIMENSIONS, 1.0)
        return minute(rig, *[1.0] * errors, *[0.0] * (requests - errors))

    assert [of(2, 2), of(2, 4), of(0, 4)] == ["OK", "ALARM", "OK"]


@pytest.mark.aws(
    "Alarms", "Each minute an alarm looks at the last period, however long", "User guide: Evaluating an alarm"
)
def test_an_alarm_with_a_long_period_is_evaluated_each_minute_on_a_sliding_window(rig):
    rig.cloudwatch.put_metric_alarm(
        ALARM_ON_ERRORS | {"Period": 300, "Statistic": "Sum", "Threshold": 2.0, "TreatMissingData": "notBreaching"}
    )
    states = [minute(rig, *values) for values in ((1.0,), (1.0,), (1.0,), (), (), (), ())]
    assert states == ["OK", "OK", "ALARM", "ALARM", "ALARM", "OK", "OK"]


@pytest.mark.aws(
    "Alarms", "An alarm with a period below a minute is evaluated every ten seconds", "User guide: Evaluating"
)
def test_an_alarm_with_a_short_period_is_evaluated_every_ten_seconds(rig):
    rig.cloudwatch.put_metric_alarm(ALARM_ON_ERRORS | {"Period": 10})
    moment = NOON + timedelta(seconds=12)
    datum = {"MetricName": "Errors", "Dimensions": dimensions(Config="v2"), "Value": 1.0, "StorageResolution": 1}
    rig.cloudwatch.put_metric_data({"Namespace": "Test", "MetricData": [{**datum, "Timestamp": moment}]})
    states = []
    for seconds in (10, 20, 30):
        rig.pass_to(seconds)
        states.append(rig.alarm()["StateValue"])
    assert states[:2] == ["INSUFFICIENT_DATA", "ALARM"]


@pytest.mark.aws("Alarms", "Data from before an alarm was made count", "User guide: How alarm state is evaluated")
def test_data_from_before_the_alarm_count(rig):
    assert [rig.cloudwatch.record("Test", "Errors", DIMENSIONS, 1.0), rig.pass_to(50)] == [None, None]
    rig.cloudwatch.put_metric_alarm(ALARM_ON_ERRORS)
    rig.pass_to(60)
    assert rig.alarm()["StateValue"] == "ALARM"


@pytest.mark.aws("Alarms", "History has StateUpdate and ConfigurationUpdate items", "API: DescribeAlarmHistory")
def test_history_tells_what_happened_newest_first(rig):
    rig.cloudwatch.put_metric_alarm(ALARM_ON_ERRORS)
    minute(rig, 1.0)
    rig.cloudwatch.put_metric_alarm(ALARM_ON_ERRORS)
    rig.cloudwatch.delete_alarms({"AlarmNames": ["errors"]})
    items = rig.history(AlarmName="errors")
    assert [item["HistorySummary"] for item in items] == [
        'Alarm "errors" deleted',
        'Alarm "errors" updated',
        "Alarm updated from INSUFFICIENT_DATA to ALARM",
        'Alarm "errors" created',
    ]
    data = json.loads(items[2]["HistoryData"])
    assert (data["oldState"]["stateValue"], data["newState"]["stateValue"]) == ("INSUFFICIENT_DATA", "ALARM")
    created = json.loads(items[3]["HistoryData"])
    assert (created["type"], created["createdAlarm"]["alarmName"]) == ("Create", "errors")
    assert created["createdAlarm"]["dimensions"] == [{"name": "Config", "value": "v2"}]
    assert len(rig.history(HistoryItemType="StateUpdate")) == 1
    assert rig.history(ScanBy="TimestampAscending") == items[::-1]
    assert [len(rig.history(StartDate=NOON + timedelta(seconds=at))) for at in (0, 1, 61)] == [4, 3, 0]
    assert rig.history(AlarmTypes=["CompositeAlarm"]) == []


def test_history_comes_in_pages(rig):
    rig.cloudwatch.put_metric_alarm(ALARM_ON_ERRORS)
    for value in (1.0, 0.0, 1.0):
        minute(rig, value)
    first = rig.cloudwatch.describe_alarm_history({"MaxRecords": 3})
    second = rig.cloudwatch.describe_alarm_history({"MaxRecords": 3, "NextToken": first["NextToken"]})
    assert (len(first["AlarmHistoryItems"]), len(second["AlarmHistoryItems"])) == (3, 1)
    assert "NextToken" not in second


@pytest.mark.aws("Alarms", "A change of state is an event to EventBridge", "User guide: Alarm events and EventBridge")
def test_a_change_of_state_is_told_as_the_event_and_no_change_is_not(rig):
    rig.cloudwatch.put_metric_alarm(ALARM_ON_ERRORS | {"AlarmDescription": "too many"})
    minute(rig, 1.0)
    minute(rig, 1.0)
    ((kind, arns, detail),) = rig.events
    assert kind == "CloudWatch Alarm State Change"
    assert arns == [f"{ARN}errors"]
    assert (detail["state"]["value"], detail["previousState"]["value"]) == ("ALARM", "INSUFFICIENT_DATA")
    assert detail["state"]["timestamp"] == "2026-11-23T12:01:00.000+0000"
    assert json.loads(detail["state"]["reasonData"])["recentDatapoints"] == [1.0]
    stat = {
        "metric": {"namespace": "Test", "name": "Errors", "dimensions": {"Config": "v2"}},
        "period": 60,
        "stat": "Average",
    }
    assert detail["configuration"] == {
        "description": "too many",
        "metrics": [{"id": "metric", "metricStat": stat, "returnData": True}],
    }


def test_alarms_are_described_by_name_prefix_state_and_action(rig):
    for name in ("errors", "errors-2", "latency"):
        rig.cloudwatch.put_metric_alarm(ALARM_ON_ERRORS | {"AlarmName": name})
    rig.cloudwatch.put_metric_alarm(
        ALARM_ON_ERRORS | {"AlarmName": "paged", "OKActions": ["arn:aws:sns:us-east-1:111122223333:oncall"]}
    )
    rig.cloudwatch.set_alarm_state({"AlarmName": "latency", "StateValue": "OK", "StateReason": "x"})

    def found(**request: Any) -> list[str]:
        return [alarm["AlarmName"] for alarm in rig.cloudwatch.describe_alarms(request)["MetricAlarms"]]

    assert found() == ["errors", "errors-2", "latency", "paged"]
    assert found(AlarmNamePrefix="errors") == ["errors", "errors-2"]
    assert found(StateValue="OK") == ["latency"]
    assert found(AlarmNames=["ghost", "errors"]) == ["errors"]
    assert found(ActionPrefix="arn:aws:sns") == ["paged"]
    assert found(AlarmTypes=["CompositeAlarm"]) == []
    with pytest.raises(AwsError, match="cannot be given together"):
        found(AlarmNames=["errors"], AlarmNamePrefix="e")


@pytest.mark.aws("Alarms", "DescribeAlarms answers 50 alarms, or MaxRecords, at a time", "API: DescribeAlarms")
def test_alarms_are_described_in_pages(rig):
    for number in range(51):
        rig.cloudwatch.put_metric_alarm(ALARM_ON_ERRORS | {"AlarmName": f"alarm-{number:02}"})
    first = rig.cloudwatch.describe_alarms({})
    second = rig.cloudwatch.describe_alarms({"NextToken": first["NextToken"]})
    assert [len(page["MetricAlarms"]) for page in (first, second)] == [50, 1]
    few = rig.cloudwatch.describe_alarms({"MaxRecords": 2})
    assert (len(few["MetricAlarms"]), few["NextToken"]) == (2, "2")


def test_the_alarms_on_a_metric_are_found_by_its_exact_dimensions(rig):
    rig.cloudwatch.put_metric_alarm(ALARM_ON_ERRORS)
    wanted = {"Namespace": "Test", "MetricName": "Errors"}

    def found(**request: Any) -> list[str]:
        answer = rig.cloudwatch.describe_alarms_for_metric({**wanted, **request})
        return [alarm["AlarmName"] for alarm in answer["MetricAlarms"]]

    exact = dimensions(Config="v2")
    assert found(Dimensions=exact) == ["errors"]
    assert found(Dimensions=exact, Statistic="Average", Period=60) == ["errors"]
    assert found() == found(Dimensions=exact, Statistic="Sum") == found(Dimensions=exact, Period=300) == []


def test_deleting_an_alarm_that_does_not_exist_deletes_none(rig):
    rig.cloudwatch.put_metric_alarm(ALARM_ON_ERRORS)
    with pytest.raises(AwsError, match="ghost"):
        rig.cloudwatch.delete_alarms({"AlarmNames": ["errors", "ghost"]})
    assert rig.alarm()


@pytest.mark.aws("Alarms", "Tags count when an alarm is created, not when it is put again", "API: PutMetricAlarm, Tags")
def test_an_alarm_has_tags_that_go_with_it(rig):
    rig.cloudwatch.put_metric_alarm(ALARM_ON_ERRORS | {"Tags": [{"Key": "a", "Value": "1"}]})
    rig.cloudwatch.put_metric_alarm(ALARM_ON_ERRORS | {"Tags": [{"Key": "a", "Value": "2"}]})
    on_errors = {"ResourceARN": f"{ARN}errors"}

    def tags() -> dict[str, str]:
        return {tag["Key"]: tag["Value"] for tag in rig.cloudwatch.list_tags_for_resource(on_errors)["Tags"]}

    assert tags() == {"a": "1"}
    rig.cloudwatch.tag_resource(on_errors | {"Tags": [{"Key": "b", "Value": "3"}]})
    rig.cloudwatch.untag_resource(on_errors | {"TagKeys": ["a", "c"]})
    assert tags() == {"b": "3"}
    rig.cloudwatch.delete_alarms({"AlarmNames": ["errors"]})
    with pytest.raises(AwsError) as caught:
        tags()
    assert caught.value.code == "ResourceNotFoundException"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"ExtendedStatistic": "p99"}, "Exactly one of Statistic and ExtendedStatistic"),
        ({"Statistic": "p99"}, "ExtendedStatistic takes percentiles"),
        ({"Period": 5}, "must be 10, 20, 30 or a multiple of 60"),
        ({"Period": 90}, "must be 10, 20, 30 or a multiple of 60"),
        ({"DatapointsToAlarm": 2}, "must not be greater than evaluation periods"),
        ({"EvaluationPeriods": 1500}, "not be more than one day"),
        ({"ComparisonOperator": "GreaterThanUpperThreshold"}, "ComparisonOperator must be one of"),
        ({"TreatMissingData": "maybe"}, "TreatMissingData must be one of"),
        ({"EvaluateLowSampleCountPercentile": "maybe"}, "EvaluateLowSampleCountPercentile must be one of"),
        ({"EvaluationCriteria": {}}, "EvaluationCriteria is not offered here"),
        ({"Metrics": []}, "cannot be used together"),
        ({"AlarmActions": ["oncall"]}, "Invalid arn syntax: oncall"),
    ],
)
def test_an_alarm_that_could_not_be_evaluated_is_refused(rig, change, message):
    with pytest.raises(AwsError, match=message) as caught:
        rig.cloudwatch.put_metric_alarm(ALARM_ON_ERRORS | change)
    assert caught.value.code == "ValidationError"
    assert rig.cloudwatch.describe_alarms({})["MetricAlarms"] == []


@pytest.mark.parametrize(
    ("expressions", "message"),
    [
        (["m * 2", "m * 3"], "Exactly one element of the metrics list should return data"),
        (["METRICS()"], "must give one time series"),
        (["SUM(m)"], "must give a time series"),
        (["SEARCH('x', 'Sum')"], "SEARCH is not offered here"),
    ],
)
def test_an_expression_that_is_not_one_series_cannot_be_watched(rig, expressions, message):
    kept = ("AlarmName", "EvaluationPeriods", "Threshold", "ComparisonOperator")
    asked = {"Metric": {"Namespace": "Test", "MetricName": "M"}, "Period": 60, "Stat": "Sum"}
    queries: list[dict[str, Any]] = [{"Id": name, "MetricStat": asked, "ReturnData": False} for name in ("m", "n")]
    queries += [{"Id": f"e{number}", "Expression": text} for number, text in enumerate(expressions)]
    with pytest.raises(AwsError, match=message):
        rig.cloudwatch.put_metric_alarm({name: ALARM_ON_ERRORS[name] for name in kept} | {"Metrics": queries})


def test_the_loop_evaluates_each_aws_minute_shortly_after_it_has_ended(tmp_path: Path):
    async def go() -> tuple[float, datetime]:
        context = Context(Clock(600.0), "us-east-1", "1", tmp_path, "http://127.0.0.1:1", lambda *event: None)
        cloudwatch = CloudWatch(context)
        cloudwatch.put_metric_alarm(ALARM_ON_ERRORS)
        loop = asyncio.create_task(cloudwatch.run())
        cloudwatch.record("Test", "Errors", DIMENSIONS, 1.0)
        published = context.clock.time()
        async with asyncio.timeout(60):
            while not cloudwatch.alarm_fired_since("errors", context.clock.now()):  # noqa: ASYNC110 - seen from outside
                await asyncio.sleep(0.002)
        loop.cancel()
        (alarm,) = cloudwatch.describe_alarms({})["MetricAlarms"]
        return published, alarm["StateUpdatedTimestamp"]

    published, changed = asyncio.run(go())
    end_of_minute = (int(published) // 60 + 1) * 60
    assert changed.timestamp() - end_of_minute >= 5


def test_one_alarm_that_cannot_be_evaluated_does_not_keep_the_others_from_firing(rig, caplog):
    for name in ("broken", "errors"):
        rig.cloudwatch.put_metric_alarm(ALARM_ON_ERRORS | {"AlarmName": name})
    rig.cloudwatch._alarms._alarms["broken"].pop("StateValue")
    assert minute(rig, 1.0) == "ALARM"
    assert "alarm broken could not be evaluated" in caplog.text
