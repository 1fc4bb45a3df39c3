"""Alarms: their definitions, states and history, and the evaluation of all of them for one AWS minute.

The decision itself is `evaluation.evaluate`. It must never perform an alarm's actions, nor change what it watches.
Source: the API reference of PutMetricAlarm, DescribeAlarms, SetAlarmState and DescribeAlarmHistory.
"""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from local.cloudwatch import definition
from local.cloudwatch.evaluation import ALARM, INSUFFICIENT_DATA, OK, Datapoint, Verdict, evaluate
from local.cloudwatch.queries import metric_key
from local.cloudwatch.statistics import statistic
from local.cloudwatch.store import MetricStore
from local.context import Context, Request, Response
from local.errors import AwsError

EVENT = "CloudWatch Alarm State Change"

OnChange = Callable[[str, list[str], dict[str, Any]], None]
"""Told of every change of state: (detail type, ARNs, detail) of the event that CloudWatch sends."""

_STATES = (OK, ALARM, INSUFFICIENT_DATA)
_NOT_SHOWN = ("Tags",)


class Alarms:
    """Alarms by name, as DescribeAlarms shows them, and their history, oldest first."""

    def __init__(self, context: Context, store: MetricStore, on_change: OnChange) -> None:
        self._context = context
        self._store = store
        self._on_change = on_change
        self._alarms: dict[str, Response] = {}
        self._history: list[Response] = []
        self._fired: dict[tuple[str, bool], tuple[datetime, str]] = {}
        self._by_hand: set[str] = set()

    def state(self, name: str) -> tuple[str, str] | None:
        """The state of an alarm and its reason; None when there is no such alarm."""
        alarm = self._alarms.get(name)
        return (alarm["StateValue"], alarm["StateReason"]) if alarm else None

    def set_by_hand(self, name: str) -> bool:
        """Whether the alarm's state is one that SetAlarmState gave it and no evaluation has confirmed or changed."""
        return name in self._by_hand

    def fired_since(self, name: str, moment: datetime, *, by_hand: bool = True) -> str | None:
        """The reason why an alarm is in ALARM, or was at any time since `moment`; None when it was not.

        Unless `by_hand`, an ALARM that SetAlarmState gave it does not count.
        """
        alarm = self._alarms.get(name)
        if alarm is None:
            return None
        if alarm["StateValue"] == ALARM and (by_hand or name not in self._by_hand):
            return str(alarm["StateReason"])
        fired = [self._fired[name, hand] for hand in (False, by_hand) if (name, hand) in self._fired]
        return next((reason for when, reason in fired if when >= moment), None)

    def put(self, request: Request) -> None:
        """Create an alarm in INSUFFICIENT_DATA, or replace a definition and keep its state."""
        definition.check(request)
        name = request["AlarmName"]
        now = self._context.clock.now()
        before = self._alarms.get(name)
        state = {k: before[k] for k in before if k.startswith("State")} if before else _initial(now)
        alarm = {
            "AlarmArn": f"arn:aws:cloudwatch:{self._context.region}:{self._context.account}:alarm:{name}",
            "ActionsEnabled": True,
            "OKActions": [],
            "AlarmActions": [],
            "InsufficientDataActions": [],
            "Dimensions": [],
            **{member: value for member, value in request.items() if member not in _NOT_SHOWN},
            "AlarmConfigurationUpdatedTimestamp": now,
            **state,
        }
        self._alarms[name] = alarm
        change = "Update" if before else "Create"
        data = {"version": "1.0", "type": change, "updatedAlarm" if before else "createdAlarm": alarm}
        self._remember(name, "ConfigurationUpdate", f'Alarm "{name}" {change.lower()}d', data)

    def find(self, request: Request) -> list[Response]:
        """The alarms that DescribeAlarms asks for, by name."""
        wanted = request.get("AlarmNames")
        prefix, state = request.get("AlarmNamePrefix", ""), request.get("StateValue")
        return [
            alarm
            for name, alarm in sorted(self._alarms.items())
            if (not wanted or name in wanted) and name.startswith(prefix) and state in (None, alarm["StateValue"])
        ]

    def delete(self, names: list[str]) -> None:
        """Delete all of them, or none when one does not exist."""
        absent = [name for name in names if name not in self._alarms]
        if absent:
            raise AwsError("ResourceNotFound", f"Alarms {absent} do not exist", 404)
        for name in names:
            alarm = self._alarms.pop(name)
            self._by_hand.discard(name)
            for hand in (True, False):
                self._fired.pop((name, hand), None)
            data = {"version": "1.0", "type": "Delete", "deletedAlarm": alarm}
            self._remember(name, "ConfigurationUpdate", f'Alarm "{name}" deleted', data)

    def set_state(self, request: Request) -> None:
        """Put an alarm in a state by hand; it holds until the next evaluation decides otherwise."""
        alarm = self._alarms.get(request["AlarmName"])
        if alarm is None:
            raise AwsError("ResourceNotFound", f"Alarm {request['AlarmName']} does not exist", 404)
        if request["StateValue"] not in _STATES:
            raise AwsError("ValidationError", f"StateValue must be one of {', '.join(_STATES)}.")
        data = request.get("StateReasonData", "{}")
        try:
            json.loads(data)
        except ValueError as error:
            raise AwsError("InvalidFormat", f"StateReasonData was not valid JSON: {error}") from error
        self._by_hand.add(alarm["AlarmName"])
        self._change(alarm, request["StateValue"], request["StateReason"], data)

    def history(self, request: Request) -> list[Response]:
        """History items, newest first unless ScanBy says otherwise."""
        wanted = {"AlarmName": request.get("AlarmName"), "HistoryItemType": request.get("HistoryItemType")}
        start = request.get("StartDate", datetime.min.replace(tzinfo=UTC))
        end = request.get("EndDate", datetime.max.replace(tzinfo=UTC))
        items = [
            item
            for item in self._history
            if all(value in (None, item[member]) for member, value in wanted.items())
            and start <= item["Timestamp"] <= end
        ]
        return items if request.get("ScanBy") == "TimestampAscending" else items[::-1]

    def evaluate(self, end: int) -> None:
        """Evaluate every alarm on the minutes that are complete at `end` (epoch seconds, a whole minute)."""
        for alarm in list(self._alarms.values()):
            rule, period = definition.rule(alarm), definition.period(alarm)
            points = self._datapoints(alarm, end - rule.evaluation_range * period, end, period)
            verdict = evaluate(rule, points, alarm["StateValue"])
            self._by_hand.discard(alarm["AlarmName"])
            if verdict.state != alarm["StateValue"]:
                data = json.dumps(self._reason_data(alarm, period, verdict))
                self._change(alarm, verdict.state, verdict.reason, data)

    def _datapoints(self, alarm: Response, start: int, end: int, period: int) -> list[Datapoint]:
        moments = range(start, end, period)
        if "Metrics" in alarm:
            queries = definition.queries(alarm)
            series = queries.series(self._store, queries.returned()[0]["Id"], start, end)
            return [Datapoint(_moment(at), series.get(at)) for at in moments]
        samples = self._store.periods(metric_key(alarm), start, end, period, unit=alarm.get("Unit"))
        name = definition.statistic(alarm)
        return [
            Datapoint(_moment(at), statistic(samples[at], name), samples[at].count)
            if at in samples
            else Datapoint(_moment(at))
            for at in moments
        ]

    def _reason_data(self, alarm: Response, period: int, verdict: Verdict) -> dict[str, Any]:
        points = [point for point in verdict.evaluated if point.value is not None]
        data: dict[str, Any] = {"version": "1.0", "queryDate": _stamp(self._context.clock.now())}
        if points:
            data["startDate"] = _stamp(points[0].timestamp)
        if "Metrics" not in alarm:
            data["statistic"] = definition.statistic(alarm)
        evaluated = [
            {"timestamp": _stamp(point.timestamp), "sampleCount": point.sample_count, "value": point.value}
            for point in reversed(verdict.evaluated)
        ]
        return data | {
            "period": period,
            "recentDatapoints": [point.value for point in points],
            "threshold": alarm["Threshold"],
            "evaluatedDatapoints": [{k: v for k, v in point.items() if v is not None} for point in evaluated],
        }

    def _change(self, alarm: Response, state: str, reason: str, data: str) -> None:
        now = self._context.clock.now()
        before = {k: alarm.get(k) for k in ("StateValue", "StateReason", "StateReasonData", "StateUpdatedTimestamp")}
        alarm.update(StateValue=state, StateReason=reason, StateReasonData=data, StateUpdatedTimestamp=now)
        if state == before["StateValue"]:
            return
        alarm["StateTransitionedTimestamp"] = now
        if state == ALARM:
            name = alarm["AlarmName"]
            self._fired[name, name in self._by_hand] = (now, reason)
        self._remember(
            alarm["AlarmName"],
            "StateUpdate",
            f"Alarm updated from {before['StateValue']} to {state}",
            {"version": "1.0", "oldState": _history_state(before), "newState": _history_state(alarm)},
        )
        detail = {
            "alarmName": alarm["AlarmName"],
            "configuration": definition.event_configuration(alarm),
            "state": _event_state(alarm),
            "previousState": _event_state(before),
        }
        self._on_change(EVENT, [alarm["AlarmArn"]], detail)

    def _remember(self, name: str, kind: str, summary: str, data: dict[str, Any]) -> None:
        self._history.append(
            {
                "AlarmName": name,
                "AlarmType": "MetricAlarm",
                "Timestamp": self._context.clock.now(),
                "HistoryItemType": kind,
                "HistorySummary": summary,
                "HistoryData": json.dumps(data, default=str),
            }
        )


def _initial(now: datetime) -> Response:
    return {
        "StateValue": INSUFFICIENT_DATA,
        "StateReason": "Unchecked: Initial alarm creation",
        "StateUpdatedTimestamp": now,
        "StateTransitionedTimestamp": now,
    }


def _history_state(alarm: Response) -> dict[str, Any]:
    data = alarm.get("StateReasonData")
    state = {"stateValue": alarm["StateValue"], "stateReason": alarm["StateReason"]}
    return state | ({"stateReasonData": json.loads(data)} if data else {})


def _event_state(alarm: Response) -> dict[str, Any]:
    state = {"value": alarm["StateValue"], "reason": alarm["StateReason"]}
    data = {"reasonData": alarm["StateReasonData"]} if alarm.get("StateReasonData") else {}
    return state | data | {"timestamp": _stamp(alarm["StateUpdatedTimestamp"])}


def _moment(epoch: int) -> datetime:
    return datetime.fromtimestamp(epoch, UTC)


def _stamp(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}+0000"
