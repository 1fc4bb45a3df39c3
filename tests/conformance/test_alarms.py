"""Alarms: the state they start in, keep and are set to; how they are evaluated; what they tell."""

import json
from datetime import timedelta

import pytest

from tests.conformance.account import refusal
from tests.conformance.queues import Queue

NAMESPACE = "Conformance"


@pytest.fixture
def alarm(account, resources):
    """Makes an alarm on a metric of its own that nothing has published yet; its name, which is the metric's too."""

    def make(*, name=None, **more):
        name, cloudwatch = name or resources.name("alarm"), account.client("cloudwatch")
        request = {
            "Namespace": NAMESPACE,
            "MetricName": name,
            "Statistic": "Sum",
            "Period": 60,
            "EvaluationPeriods": 1,
            "Threshold": 1.0,
            "ComparisonOperator": "GreaterThanOrEqualToThreshold",
            **more,
        }
        cloudwatch.put_metric_alarm(AlarmName=name, Tags=resources.tags, **request)
        resources.later(cloudwatch.delete_alarms, AlarmNames=[name])
        return name

    return make


def _described(account, name):
    (found,) = account.client("cloudwatch").describe_alarms(AlarmNames=[name])["MetricAlarms"]
    return found


def _publish(account, metric, value, minutes_ago=0):
    datum = {"MetricName": metric, "Value": value, "Timestamp": account.now() - timedelta(minutes=minutes_ago)}
    account.client("cloudwatch").put_metric_data(Namespace=NAMESPACE, MetricData=[datum])


def _until_state(account, name, state, *, publishing=None):
    def there():
        if publishing is not None:
            _publish(account, name, publishing)
        return _described(account, name)["StateValue"] == state

    account.until(there, within=1800)


@pytest.mark.aws("Alarms", "A new alarm is INSUFFICIENT_DATA", "API: PutMetricAlarm")
def test_a_new_alarm_has_insufficient_data(account, alarm):
    assert _described(account, alarm())["StateValue"] == "INSUFFICIENT_DATA"


@pytest.mark.aws(
    "Alarms", "Putting an alarm that exists changes its definition and keeps its state", "API: PutMetricAlarm"
)
def test_a_changed_alarm_keeps_its_state(account, alarm):
    name = alarm(TreatMissingData="ignore")
    account.client("cloudwatch").set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="a test")
    alarm(name=name, TreatMissingData="ignore", Threshold=2.0)
    described = _described(account, name)
    assert (described["Threshold"], described["StateValue"]) == (2.0, "ALARM")


@pytest.mark.aws(
    "Alarms", "SetAlarmState sets a state until the alarm's next evaluation finds another", "API: SetAlarmState"
)
def test_a_state_that_was_set_lasts_until_the_data_say_otherwise(account, alarm):
    name, cloudwatch = alarm(TreatMissingData="notBreaching"), account.client("cloudwatch")
    _until_state(account, name, "OK")
    cloudwatch.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="a test")
    _until_state(account, name, "OK")
    items = cloudwatch.describe_alarm_history(AlarmName=name, HistoryItemType="StateUpdate")["AlarmHistoryItems"]
    told = [json.loads(item["HistoryData"])["newState"]["stateValue"] for item in items]
    assert told[:3] == ["OK", "ALARM", "OK"], "newest first"


@pytest.mark.aws(
    "Alarms", "An alarm whose metric breaches its threshold goes to ALARM, and back when it ends", "User guide: Alarms"
)
def test_an_alarm_follows_its_metric(account, alarm):
    name = alarm(TreatMissingData="notBreaching")
    _until_state(account, name, "ALARM", publishing=5.0)
    assert "Threshold Crossed" in _described(account, name)["StateReason"]
    _until_state(account, name, "OK")


@pytest.mark.aws("Alarms", "Missing data are treated as TreatMissingData says", "User guide: Alarms")
@pytest.mark.parametrize(("treatment", "state"), [("breaching", "ALARM"), ("notBreaching", "OK")])
def test_missing_data_are_treated_as_told(account, alarm, treatment, state):
    _until_state(account, alarm(TreatMissingData=treatment), state)


@pytest.mark.aws("Alarms", "M of N: an alarm needs DatapointsToAlarm of its EvaluationPeriods", "User guide: Alarms")
def test_an_alarm_needs_m_of_n_periods(account, alarm):
    """Two of three minutes are asked for: one breaching minute among good ones is not enough, then two are."""
    name = alarm(EvaluationPeriods=3, DatapointsToAlarm=2, TreatMissingData="notBreaching")
    _until_state(account, name, "ALARM", publishing=5.0)
    reason = json.loads(_described(account, name)["StateReasonData"])
    assert sum(value >= 1.0 for value in reason["recentDatapoints"]) >= 2


@pytest.mark.aws(
    "Alarms", "An alarm watches the one expression of its metric math that returns data", "API: PutMetricAlarm"
)
def test_an_alarm_watches_an_expression(account, resources):
    name, cloudwatch = resources.name("alarm"), account.client("cloudwatch")
    what = {"Namespace": NAMESPACE, "MetricName": name}
    cloudwatch.put_metric_alarm(
        AlarmName=name,
        EvaluationPeriods=1,
        Threshold=4.0,
        ComparisonOperator="GreaterThanThreshold",
        TreatMissingData="notBreaching",
        Metrics=[
            {"Id": "m", "MetricStat": {"Metric": what, "Period": 60, "Stat": "Maximum"}, "ReturnData": False},
            {"Id": "doubled", "Expression": "m * 2", "ReturnData": True},
        ],
        Tags=resources.tags,
    )
    resources.later(cloudwatch.delete_alarms, AlarmNames=[name])
    _until_state(account, name, "ALARM", publishing=3.0)


@pytest.mark.aws("Alarms", "An alarm that does not exist cannot be set or deleted", "API: SetAlarmState, DeleteAlarms")
def test_an_alarm_that_does_not_exist_is_an_error(account):
    cloudwatch = account.client("cloudwatch")
    request = {"AlarmName": "nobody", "StateValue": "OK", "StateReason": "a test"}
    refusal("ResourceNotFound", cloudwatch.set_alarm_state, **request)
    refusal("ResourceNotFound", cloudwatch.delete_alarms, AlarmNames=["nobody"])


@pytest.mark.aws(
    "Events", "A change of an alarm's state is an event with the old and the new state", "User guide: Alarm events"
)
def test_a_state_change_is_an_event(account, resources, alarm):
    name = alarm(TreatMissingData="ignore")
    pattern = {"source": ["aws.cloudwatch"], "detail-type": ["CloudWatch Alarm State Change"]}
    queue = Queue(resources, pattern | {"detail": {"alarmName": [name]}})
    account.client("cloudwatch").set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="a test")
    event = queue.receive()
    assert event["detail"]["alarmName"] == name
    assert event["detail"]["state"]["value"] == "ALARM"
    assert event["detail"]["previousState"]["value"] == "INSUFFICIENT_DATA"
    assert event["resources"] == [_described(account, name)["AlarmArn"]]
