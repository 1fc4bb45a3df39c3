"""Alarms: their definitions, states, history and the loop that evaluates them."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from local.clock import Clock
from local.cloudwatch import CloudWatch
from local.context import Context
from local.errors import AwsError

ALARM_ON_ERRORS = {
    "AlarmName": "errors",
    "Namespace": "Test",
    "MetricName": "Errors",
    "Dimensions": [{"Name": "Config", "Value": "v2"}],
    "Statistic": "Average",
    "Period": 60,
    "EvaluationPeriods": 1,
    "Threshold": 0.1,
    "ComparisonOperator": "GreaterThanThreshold",
}
DIMENSIONS = (("Config", "v2"),)


class StillClock(Clock):
    """A clock that stands at noon until it is moved."""

    def __init__(self) -> None:
        super().__init__()
        self.moment = datetime(2026, 11, 23, 12, 0, tzinfo=UTC).timestamp()

    def time(self) -> float:
        return self.moment


class Watched:
    """CloudWatch with a clock moved by hand, minute by minute."""

    def __init__(self, folder: Path) -> None:
        self.clock = StillClock()
        context = Context(self.clock, "us-east-1", "111122223333", folder, "http://127.0.0.1:1", lambda *event: None)
        self.events: list[Any] = []
        self.cloudwatch = CloudWatch(context, on_change=lambda *event: self.events.append(event))

    def minute(self, *values: float, metric: str = "Errors") -> str:
        """Publish values, let the minute end, evaluate it; the state of `errors`."""
        for value in values:
            self.cloudwatch.record("Test", metric, DIMENSIONS, value)
        self.clock.moment += 60
        self.cloudwatch._alarms.evaluate(int(self.clock.moment))
        return self.described()["StateValue"]

    def described(self) -> dict[str, Any]:
        """DescribeAlarms of `errors`."""
        (alarm,) = self.cloudwatch.describe_alarms({"AlarmNames": ["errors"]})["MetricAlarms"]
        return alarm


@pytest.fixture
def watched(tmp_path: Path) -> Watched:
    return Watched(tmp_path)


def test_an_alarm_starts_with_insufficient_data_and_follows_its_metric(watched):
    watched.cloudwatch.put_metric_alarm(ALARM_ON_ERRORS)
    assert watched.described()["StateValue"] == "INSUFFICIENT_DATA"
    assert watched.described()["StateReason"] == "Unchecked: Initial alarm creation"
    states = [watched.minute(0.0), watched.minute(1.0, 0.0), watched.minute(0.0)]
    assert states == ["OK", "ALARM", "OK"]


def test_the_reason_data_hold_the_datapoints_and_the_threshold(watched):
    watched.cloudwatch.put_metric_alarm(ALARM_ON_ERRORS)
    watched.minute(1.0, 0.0)
    alarm = watched.described()
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


def test_putting_an_alarm_again_keeps_its_state(watched):
    watched.cloudwatch.put_metric_alarm(ALARM_ON_ERRORS)
    watched.minute(1.0)
    watched.cloudwatch.put_metric_alarm(ALARM_ON_ERRORS | {"Threshold": 5.0})
    assert (watched.described()["StateValue"], watched.described()["Threshold"]) == ("ALARM", 5.0)
    assert watched.minute(1.0) == "OK"


def test_a_state_set_by_hand_holds_until_the_next_evaluation_and_is_remembered(watched):
    watched.cloudwatch.put_metric_alarm(ALARM_ON_ERRORS)
    before = watched.clock.now()
    watched.cloudwatch.set_alarm_state({"AlarmName": "errors", "StateValue": "ALARM", "StateReason": "drill"})
    assert watched.described()["StateValue"] == "ALARM"
    assert watched.minute(0.0) == "OK"
    assert watched.cloudwatch.alarm_fired_since("errors", before) == "drill"
    assert watched.cloudwatch.alarm_fired_since("errors", before + timedelta(seconds=1)) is None


def test_an_alarm_set_by_hand_is_told_from_one_that_its_metric_set(watched):
    watched.cloudwatch.put_metric_alarm(ALARM_ON_ERRORS)
    before = watched.clock.now()
    drill = {"AlarmName": "errors", "StateValue": "ALARM", "StateReason": "drill"}
    watched.cloudwatch.set_alarm_state(drill)
    assert watched.cloudwatch.alarm_set_by_hand("errors")
    assert watched.cloudwatch.alarm_fired_since("errors", before, by_hand=False) is None
    assert watched.minute(1.0) == "ALARM"
    assert not watched.cloudwatch.alarm_set_by_hand("errors")
    assert watched.cloudwatch.alarm_fired_since("errors", before, by_hand=False) is not None


def test_a_percentile_alarm_sees_the_tail_that_the_average_hides(watched):
    tail = {**ALARM_ON_ERRORS, "ExtendedStatistic": "p99", "MetricName": "Latency", "Threshold": 500.0}
    del tail["Statistic"]
    watched.cloudwatch.put_metric_alarm(tail)
    assert watched.minute(*[10.0] * 97, *[900.0] * 3, metric="Latency") == "ALARM"


def test_an_alarm_on_a_math_expression_follows_the_expression(watched):
    def query(name: str, metric: str) -> dict[str, Any]:
        asked = {"Namespace": "Test", "MetricName": metric, "Dimensions": ALARM_ON_ERRORS["Dimensions"]}
        return {"Id": name, "MetricStat": {"Metric": asked, "Period": 60, "Stat": "Sum"}, "ReturnData": False}

    kept = ("AlarmName", "EvaluationPeriods", "Threshold", "ComparisonOperator")
    guarded = {"Id": "g", "Expression": "IF(FILL(r, 0) >= 3, e / r, 0)"}
    watched.cloudwatch.put_metric_alarm(
        {name: ALARM_ON_ERRORS[name] for name in kept}
        | {"Metrics": [query("e", "Errors"), query("r", "Requests"), guarded]}
    )

    def minute(errors: int, requests: int) -> str:
        for _ in range(requests):
            watched.cloudwatch.record("Test", "Requests", DIMENSIONS, 1.0)
        return watched.minute(*[1.0] * errors, *[0.0] * (requests - errors))

    assert [minute(2, 2), minute(2, 4), minute(0, 4)] == ["OK", "ALARM", "OK"]


def test_history_tells_what_happened_newest_first(watched):
    watched.cloudwatch.put_metric_alarm(ALARM_ON_ERRORS)
    watched.minute(1.0)
    watched.cloudwatch.delete_alarms({"AlarmNames": ["errors"]})
    items = watched.cloudwatch.describe_alarm_history({"AlarmName": "errors"})["AlarmHistoryItems"]
    assert [item["HistorySummary"] for item in items] == [
        'Alarm "errors" deleted',
        "Alarm updated from INSUFFICIENT_DATA to ALARM",
        'Alarm "errors" created',
    ]
    data = json.loads(items[1]["HistoryData"])
    assert (data["oldState"]["stateValue"], data["newState"]["stateValue"]) == ("INSUFFICIENT_DATA", "ALARM")
    changes = watched.cloudwatch.describe_alarm_history({"HistoryItemType": "StateUpdate"})["AlarmHistoryItems"]
    assert len(changes) == 1


def test_a_change_of_state_is_told_as_the_event_and_no_change_is_not(watched):
    watched.cloudwatch.put_metric_alarm(ALARM_ON_ERRORS)
    watched.minute(1.0)
    watched.minute(1.0)
    ((kind, arns, detail),) = watched.events
    assert kind == "CloudWatch Alarm State Change"
    assert arns == ["arn:aws:cloudwatch:us-east-1:111122223333:alarm:errors"]
    assert (detail["state"]["value"], detail["previousState"]["value"]) == ("ALARM", "INSUFFICIENT_DATA")
    assert detail["configuration"]["metrics"][0]["metricStat"]["metric"] == {
        "namespace": "Test",
        "name": "Errors",
        "dimensions": {"Config": "v2"},
    }


def test_alarms_are_described_by_name_prefix_and_state(watched):
    for name in ("errors", "errors-2", "latency"):
        watched.cloudwatch.put_metric_alarm(ALARM_ON_ERRORS | {"AlarmName": name})
    watched.cloudwatch.set_alarm_state({"AlarmName": "latency", "StateValue": "OK", "StateReason": "x"})

    def found(**request: Any) -> list[str]:
        return [alarm["AlarmName"] for alarm in watched.cloudwatch.describe_alarms(request)["MetricAlarms"]]

    assert found() == ["errors", "errors-2", "latency"]
    assert found(AlarmNamePrefix="errors") == ["errors", "errors-2"]
    assert found(StateValue="OK") == ["latency"]
    assert found(AlarmNames=["ghost", "errors"]) == ["errors"]


def test_deleting_an_alarm_that_does_not_exist_deletes_none(watched):
    watched.cloudwatch.put_metric_alarm(ALARM_ON_ERRORS)
    with pytest.raises(AwsError, match="ghost"):
        watched.cloudwatch.delete_alarms({"AlarmNames": ["errors", "ghost"]})
    assert watched.described()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"ExtendedStatistic": "p99"}, "Exactly one of Statistic and ExtendedStatistic"),
        ({"Statistic": "p99"}, "ExtendedStatistic takes percentiles"),
        ({"Period": 10}, "multiple of 60"),
        ({"DatapointsToAlarm": 2}, "must not be greater than evaluation periods"),
        ({"EvaluationPeriods": 1500}, "not be more than one day"),
        ({"ComparisonOperator": "GreaterThanUpperThreshold"}, "ComparisonOperator must be one of"),
        ({"TreatMissingData": "maybe"}, "TreatMissingData must be one of"),
        ({"EvaluationCriteria": {}}, "EvaluationCriteria is not offered here"),
        ({"Metrics": []}, "cannot be used together"),
    ],
)
def test_an_alarm_that_could_not_be_evaluated_is_refused(watched, change, message):
    with pytest.raises(AwsError, match=message) as caught:
        watched.cloudwatch.put_metric_alarm(ALARM_ON_ERRORS | change)
    assert caught.value.code == "ValidationError"
    assert watched.cloudwatch.describe_alarms({})["MetricAlarms"] == []


def test_the_loop_evaluates_each_aws_minute_shortly_after_it_has_ended(tmp_path):
    async def go() -> tuple[float, datetime]:
        context = Context(Clock(600.0), "us-east-1", "1", tmp_path, "http://127.0.0.1:1", lambda *event: None)
        cloudwatch = CloudWatch(context)
        cloudwatch.put_metric_alarm(ALARM_ON_ERRORS)
        loop = asyncio.create_task(cloudwatch.run())
        cloudwatch.record("Test", "Errors", DIMENSIONS, 1.0)
        published = context.clock.time()
        async with asyncio.timeout(5):
            while not cloudwatch.alarm_fired_since("errors", context.clock.now()):  # noqa: ASYNC110 - seen from outside
                await asyncio.sleep(0.002)
        loop.cancel()
        (alarm,) = cloudwatch.describe_alarms({})["MetricAlarms"]
        return published, alarm["StateUpdatedTimestamp"]

    published, changed = asyncio.run(go())
    end_of_minute = (int(published) // 60 + 1) * 60
    assert 5 <= changed.timestamp() - end_of_minute < 60
