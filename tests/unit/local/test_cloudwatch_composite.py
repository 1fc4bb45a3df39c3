"""Composite alarms: the grammar of their rule, and the state that follows from other alarms'."""

import contextlib
import json
from typing import Any

import pytest
from cloudwatch_rig import Rig, rig
from hypothesis import given
from hypothesis import strategies as st

from local.cloudwatch.composite import parse
from local.errors import AwsError

__all__ = ["rig"]

ARN = "arn:aws:cloudwatch:us-east-1:111122223333:alarm:"
STATES = {"a": "ALARM", "o": "OK", "i": "INSUFFICIENT_DATA"}
WATCHED = {
    "Namespace": "Test",
    "MetricName": "M",
    "Statistic": "Sum",
    "Period": 60,
    "EvaluationPeriods": 1,
    "Threshold": 1.0,
    "ComparisonOperator": "GreaterThanThreshold",
}


def put(rig: Rig, **rules: str) -> None:
    """Metric alarms `a` and `b` if there are none yet, and composite alarms with these rules."""
    for name in ("a", "b"):
        if rig.cloudwatch.alarm_state(name) is None:
            rig.cloudwatch.put_metric_alarm({"AlarmName": name, **WATCHED})
    for name, rule in rules.items():
        rig.cloudwatch.put_composite_alarm({"AlarmName": name, "AlarmRule": rule})


def become(rig: Rig, **states: str) -> None:
    """Set states by hand."""
    for name, state in states.items():
        rig.cloudwatch.set_alarm_state({"AlarmName": name, "StateValue": state, "StateReason": "test"})


def state(rig: Rig, name: str) -> Any:
    return rig.cloudwatch.alarm_state(name)[0]


@pytest.mark.aws(
    "Alarms", "An alarm rule is read as AND, OR, NOT of alarms' states", "API: PutCompositeAlarm, AlarmRule"
)
@pytest.mark.parametrize(
    ("rule", "holds"),
    [
        ("ALARM(a)", True),
        ('ALARM("a") AND OK( "o" )', True),
        (f"ALARM({ARN}a) AND INSUFFICIENT_DATA('i')", True),
        ("ALARM(o)", False),
        ("NOT ALARM(o)", True),
        ("NOT ALARM(a) OR ALARM(a)", True),
        ("ALARM(a) OR ALARM(o) AND ALARM(o)", True),
        ("(ALARM(a) OR ALARM(o)) AND ALARM(o)", False),
        ("TRUE AND NOT FALSE", True),
        ("FALSE", False),
        ("NOT(NOT(TRUE))", True),
        ("TRUE\n AND\tTRUE ", True),
    ],
)
def test_a_rule_holds_by_the_states_of_its_alarms(rule, holds):
    assert parse(rule).holds(STATES.__getitem__) is holds


def test_a_rule_names_its_alarms_once():
    assert parse(f"ALARM(a) OR OK(a) OR ALARM({ARN}b)").alarms == ("a", "b")


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("ALARM(a) AND", "at 'its end'"),
        ("ALARM a", "at 'ALARM a'"),
        ("alarm(a)", r"at 'alarm\(a\)'"),
        ("ALARM(a) ALARM(b)", r"at 'ALARM\(b\)'"),
        ("(TRUE", "at 'its end'"),
        ("AT_LEAST(2, ALARM, (a, b))", "at 'AT_LEAST"),
        ("(" * 5000 + "TRUE" + ")" * 5000, "nested too deeply"),
    ],
)
def test_a_rule_that_cannot_be_read_is_refused_with_the_place(rule, said):
    with pytest.raises(AwsError, match=said):
        parse(rule)


@given(
    st.lists(st.sampled_from(["ALARM(a)", "OK(", "b)", "AND", "OR", "NOT", "(", ")", "TRUE", '"', " "])).map(" ".join)
)
def test_any_rule_is_read_or_refused_with_an_aws_error(rule):
    with contextlib.suppress(AwsError):
        parse(rule).holds(lambda name: "OK")


@pytest.mark.aws("Alarms", "A composite alarm follows its children at once", "User guide: Composite alarms")
def test_a_composite_alarm_follows_its_children(rig):
    put(rig, both="ALARM(a) AND ALARM(b)")
    states = [state(rig, "both")]
    for changed in ({"a": "ALARM"}, {"b": "ALARM"}, {"a": "OK"}):
        become(rig, **changed)
        states.append(state(rig, "both"))
    assert states == ["OK", "OK", "ALARM", "OK"]


def test_the_reason_names_the_alarm_that_changed(rig):
    put(rig, either="ALARM(a) OR ALARM(b)")
    become(rig, b="ALARM")
    alarm = rig.alarm("either", "CompositeAlarm")
    assert alarm["StateReason"] == f"{ARN}b transitioned to ALARM at Monday 23 November, 2026 12:00:00 UTC"
    triggers = json.loads(alarm["StateReasonData"])["triggeringAlarms"]
    assert triggers == [{"arn": f"{ARN}b", "state": {"value": "ALARM", "timestamp": "2026-11-23T12:00:00.000+0000"}}]


def test_a_composite_alarm_of_composite_alarms_follows_too(rig):
    put(rig, lower="ALARM(a)")
    put(rig, upper="NOT ALARM(lower)")
    assert state(rig, "upper") == "ALARM"
    become(rig, a="ALARM")
    assert (state(rig, "lower"), state(rig, "upper")) == ("ALARM", "OK")


def test_a_new_rule_counts_at_once(rig):
    put(rig, c="ALARM(a)")
    put(rig, c="NOT ALARM(a)")
    assert state(rig, "c") == "ALARM"


def test_a_state_set_by_hand_holds_until_a_child_changes(rig):
    put(rig, c="ALARM(a)")
    become(rig, c="ALARM")
    rig.pass_to(120)
    assert (state(rig, "c"), rig.cloudwatch.alarm_set_by_hand("c")) == ("ALARM", True)
    become(rig, a="OK")
    assert (state(rig, "c"), rig.cloudwatch.alarm_set_by_hand("c")) == ("OK", False)


def test_its_changes_are_told_as_events_and_in_history(rig):
    put(rig, c="ALARM(a)")
    rig.events.clear()
    become(rig, a="ALARM")
    assert [detail["alarmName"] for _, _, detail in rig.events] == ["a", "c"]
    assert rig.events[1][2]["configuration"] == {"alarmRule": "ALARM(a)"}
    summaries = [item["HistorySummary"] for item in rig.history(AlarmTypes=["CompositeAlarm"])]
    assert summaries == [
        "Alarm updated from OK to ALARM",
        "Alarm updated from INSUFFICIENT_DATA to OK",
        'Alarm "c" created',
    ]


def test_children_and_parents_are_described_by_name(rig):
    put(rig, c="ALARM(a) AND OK(b)")
    put(rig, d="ALARM(c)")
    children = rig.cloudwatch.describe_alarms({"ChildrenOfAlarmName": "c"})
    assert [alarm["AlarmName"] for alarm in children["MetricAlarms"]] == ["a", "b"]
    assert set(children["MetricAlarms"][0]) == {"AlarmName", "AlarmArn", "StateValue", "StateUpdatedTimestamp"}
    parents = rig.cloudwatch.describe_alarms({"ParentsOfAlarmName": "c"})
    assert parents["CompositeAlarms"] == [{"AlarmName": "d", "AlarmArn": f"{ARN}d"}]
    with pytest.raises(AwsError, match="cannot be given together with StateValue"):
        rig.cloudwatch.describe_alarms({"ParentsOfAlarmName": "c", "StateValue": "OK"})


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        ({"AlarmRule": "ALARM(ghost)"}, "alarms .'ghost'. in the alarm rule do not exist"),
        ({"AlarmRule": "ALARM(d)"}, "must not depend on c itself"),
        ({"AlarmName": "a", "AlarmRule": "TRUE"}, "There is a MetricAlarm named a already"),
        ({"AlarmRule": "TRUE", "ActionsSuppressor": "a"}, "ActionsSuppressor is not offered here"),
        ({"AlarmRule": "TRUE", "AlarmActions": ["x"]}, "Invalid arn syntax"),
    ],
)
def test_a_composite_alarm_that_could_not_follow_is_refused(rig, request_, said):
    put(rig, c="ALARM(a)")
    put(rig, d="ALARM(c)")
    with pytest.raises(AwsError, match=said):
        rig.cloudwatch.put_composite_alarm({"AlarmName": "c", **request_})
    assert rig.alarm("c", "CompositeAlarm")["AlarmRule"] == "ALARM(a)"


def test_an_alarm_that_a_composite_alarm_looks_at_cannot_be_deleted_alone(rig):
    put(rig, c="ALARM(a)")
    with pytest.raises(AwsError, match="cannot be deleted as there are composite alarms"):
        rig.cloudwatch.delete_alarms({"AlarmNames": ["a"]})
    rig.cloudwatch.delete_alarms({"AlarmNames": ["a", "c"]})
    assert rig.cloudwatch.alarm_state("a") is None
