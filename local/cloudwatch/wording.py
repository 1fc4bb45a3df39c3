"""How CloudWatch tells of an alarm's change of state: in history, in its event, and in a message to an SNS topic. Pure.

Sources: the CloudWatch user guide, "Alarm events and EventBridge" (samples of the event); the API reference of
DescribeAlarmHistory. It must never decide anything.
"""

import functools
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import botocore.session

from local.cloudwatch import definition

Alarm = Mapping[str, Any]
"""An alarm as DescribeAlarms shows it."""

EVENT = "CloudWatch Alarm State Change"

_METRIC_ID = "metric"
"""The id that stands for the one metric of an alarm without Metrics: AWS makes a UUID."""

_SPELLED = {"OKActions": "okactions"}
_STATISTICS = {"SampleCount": "SAMPLE_COUNT"}


def stamp(moment: datetime) -> str:
    """A time as alarms spell it."""
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}+0000"


def history_state(alarm: Alarm) -> dict[str, Any]:
    """An alarm's state, before or after a change, as history tells it."""
    data = alarm.get("StateReasonData")
    state = {"stateValue": alarm["StateValue"], "stateReason": alarm["StateReason"]}
    return state | ({"stateReasonData": json.loads(data)} if data else {})


def history_configuration(alarm: Alarm) -> dict[str, Any]:
    """An alarm's definition as history tells it, with names in lower camel case."""

    def told(value: Any) -> Any:
        if isinstance(value, dict):
            return {_SPELLED.get(name, name[0].lower() + name[1:]): told(item) for name, item in value.items()}
        if isinstance(value, list):
            return [told(item) for item in value]
        return stamp(value) if isinstance(value, datetime) else value

    configuration: dict[str, Any] = told(dict(alarm))
    return configuration


def event_detail(alarm: Alarm, before: Alarm) -> dict[str, Any]:
    """The detail of the event CloudWatch Alarm State Change."""
    described = {"description": alarm["AlarmDescription"]} if "AlarmDescription" in alarm else {}
    watched = {"alarmRule": alarm["AlarmRule"]} if "AlarmRule" in alarm else {"metrics": _event_metrics(alarm)}
    return {
        "alarmName": alarm["AlarmName"],
        "configuration": described | watched,
        "state": _event_state(alarm),
        "previousState": _event_state(before),
    }


def _event_state(alarm: Alarm) -> dict[str, Any]:
    state = {"value": alarm["StateValue"], "reason": alarm["StateReason"]}
    data = {"reasonData": alarm["StateReasonData"]} if alarm.get("StateReasonData") else {}
    return state | data | {"timestamp": stamp(alarm["StateUpdatedTimestamp"])}


def _event_metrics(alarm: Alarm) -> list[dict[str, Any]]:
    if "Metrics" in alarm:
        return [_event_query(query) for query in alarm["Metrics"]]
    metric = {name: alarm.get(name) for name in ("Namespace", "MetricName", "Dimensions")}
    stat = {"Metric": metric, "Period": alarm["Period"], "Stat": definition.statistic(alarm)}
    return [_event_query({"Id": _METRIC_ID, "MetricStat": stat})]


def _event_query(query: Mapping[str, Any]) -> dict[str, Any]:
    shown: dict[str, Any] = {"id": query["Id"], "returnData": query.get("ReturnData", True)}
    shown |= {"label": query["Label"]} if "Label" in query else {}
    if "Expression" in query:
        return shown | {"expression": query["Expression"]}
    asked = query["MetricStat"]
    metric = {
        "namespace": asked["Metric"]["Namespace"],
        "name": asked["Metric"]["MetricName"],
        "dimensions": {item["Name"]: item["Value"] for item in asked["Metric"].get("Dimensions") or ()},
    }
    return shown | {"metricStat": {"metric": metric, "period": asked["Period"], "stat": asked["Stat"]}}


def subject(alarm: Alarm) -> str:
    """The subject of the message to a topic."""
    return f'{alarm["StateValue"]}: "{alarm["AlarmName"]}" in {region_name(alarm["AlarmArn"].split(":")[3])}'[:100]


def message(alarm: Alarm, before: Alarm) -> str:
    """The message to a topic."""
    _, _, _, region, account, *_ = alarm["AlarmArn"].split(":")
    told = {
        "AlarmName": alarm["AlarmName"],
        "AlarmDescription": alarm.get("AlarmDescription"),
        "AWSAccountId": account,
        "AlarmConfigurationUpdatedTimestamp": stamp(alarm["AlarmConfigurationUpdatedTimestamp"]),
        "NewStateValue": alarm["StateValue"],
        "NewStateReason": alarm["StateReason"],
        "StateChangeTime": stamp(alarm["StateUpdatedTimestamp"]),
        "Region": region_name(region),
        "AlarmArn": alarm["AlarmArn"],
        "OldStateValue": before["StateValue"],
        **{member: alarm[member] for member in definition.ACTIONS},
    }
    watched = {"AlarmRule": alarm["AlarmRule"]} if "AlarmRule" in alarm else {"Trigger": _trigger(alarm)}
    return json.dumps(told | watched)


def _trigger(alarm: Alarm) -> dict[str, Any]:
    evaluated = {
        "EvaluationPeriods": alarm["EvaluationPeriods"],
        **({"DatapointsToAlarm": alarm["DatapointsToAlarm"]} if "DatapointsToAlarm" in alarm else {}),
        "ComparisonOperator": alarm["ComparisonOperator"],
        "Threshold": alarm["Threshold"],
        "TreatMissingData": alarm.get("TreatMissingData", ""),
        "EvaluateLowSampleCountPercentile": alarm.get("EvaluateLowSampleCountPercentile", ""),
    }
    if "Metrics" in alarm:
        return {"Period": definition.period(alarm), **evaluated, "Metrics": [_lowered(q) for q in alarm["Metrics"]]}
    kind = "Statistic" if "Statistic" in alarm else "ExtendedStatistic"
    name = definition.statistic(alarm)
    return {
        "MetricName": alarm["MetricName"],
        "Namespace": alarm["Namespace"],
        "StatisticType": kind,
        kind: _STATISTICS.get(name, name.upper()) if kind == "Statistic" else name,
        "Unit": alarm.get("Unit"),
        "Dimensions": _lowered(alarm)["Dimensions"],
        "Period": alarm["Period"],
        **evaluated,
    }


def _lowered(item: Any) -> Any:
    """The same with the members of its dimensions in lower case, as the message has them and nothing else."""
    if isinstance(item, dict):
        return {
            name: [{"value": pair["Value"], "name": pair["Name"]} for pair in value]
            if name == "Dimensions"
            else _lowered(value)
            for name, value in item.items()
        }
    return item


@functools.cache
def region_name(region: str) -> str:
    """A region's long name, such as US East (N. Virginia)."""
    partitions = botocore.session.get_session().get_data("endpoints")["partitions"]
    names = {code: known["description"] for part in partitions for code, known in part["regions"].items()}
    return str(names.get(region, region))
