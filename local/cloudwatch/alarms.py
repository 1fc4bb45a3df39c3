"""Alarms: their definitions and states, and the evaluation of all of them at an AWS second.

The decision itself is `evaluation.evaluate`, or a composite alarm's rule. It must never change what it watches.
Source: the API reference of PutMetricAlarm, PutCompositeAlarm and SetAlarmState.
"""

import json
import logging
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any

from local.cloudwatch import composite, definition
from local.cloudwatch.evaluation import ALARM, INSUFFICIENT_DATA, OK
from local.cloudwatch.history import History, alarm_type
from local.cloudwatch.store import MetricStore
from local.cloudwatch.watch import Watch
from local.cloudwatch.wording import Alarm, history_configuration, history_state, stamp
from local.context import Context, Request, Response
from local.errors import AwsError

OnChange = Callable[[Alarm, Alarm], None]
"""Told of every change of state: the alarm, and as it was before."""

_NOT_SHOWN = ("Tags",)
_log = logging.getLogger("local")


class Alarms:
    """Alarms by name, as DescribeAlarms shows them."""

    def __init__(self, context: Context, store: MetricStore, history: History, on_change: OnChange) -> None:
        self._context = context
        self._store = store
        self._history = history
        self._on_change = on_change
        self._alarms: dict[str, Response] = {}
        self._watches: dict[str, Watch] = {}
        self._rules: dict[str, composite.AlarmRule] = {}
        self._fired: dict[tuple[str, bool], tuple[datetime, str]] = {}
        self._by_hand: set[str] = set()

    def __iter__(self) -> Iterator[Response]:
        """Every alarm, by name."""
        return iter([self._alarms[name] for name in sorted(self._alarms)])

    def get(self, name: str) -> Response | None:
        """An alarm, or None when there is none of that name."""
        return self._alarms.get(name)

    def children(self, name: str) -> list[Response]:
        """The alarms that a composite alarm looks at."""
        rule = self._rules.get(name)
        return [self._alarms[other] for other in rule.alarms] if rule else []

    def parents(self, name: str) -> list[Response]:
        """The composite alarms that look at an alarm."""
        return [self._alarms[other] for other, rule in self._rules.items() if name in rule.alarms]

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

    def put_metric(self, request: Request) -> str:
        """Create an alarm in INSUFFICIENT_DATA, or replace a definition and keep its state. Returns its ARN."""
        definition.check(request)
        watch = Watch(request)
        arn = self._put({"Dimensions": [], **request} if "Metrics" not in request else request)
        self._watches[request["AlarmName"]] = watch
        return arn

    def put_composite(self, request: Request) -> str:
        """The same for a composite alarm, which is evaluated at once."""
        definition.check_actions(request)
        name, rule = request["AlarmName"], composite.parse(request["AlarmRule"])
        absent = [other for other in rule.alarms if other not in self._alarms]
        if absent:
            raise definition.invalid(
                f"Could not save the composite alarm as alarms {absent} in the alarm rule do not exist"
            )
        if name in self._all_watched_by(rule):
            raise definition.invalid(f"The rule of {name} must not depend on {name} itself, here.")
        arn = self._put(request)
        self._rules[name] = rule
        self._settle(name, None)
        return arn

    def delete(self, names: Sequence[str]) -> None:
        """Delete all of them, or none when one does not exist or a composite alarm that stays depends on it."""
        absent = [name for name in names if name not in self._alarms]
        if absent:
            raise AwsError("ResourceNotFound", f"Alarms {absent} do not exist", 404)
        needed = {watched for name, rule in self._rules.items() if name not in names for watched in rule.alarms}
        if kept := sorted(needed & set(names)):
            raise definition.invalid(f"Alarms {kept} cannot be deleted as there are composite alarms depending on them")
        for name in dict.fromkeys(names):
            alarm = self._alarms.pop(name)
            self._watches.pop(name, None)
            self._rules.pop(name, None)
            self._by_hand.discard(name)
            for hand in (True, False):
                self._fired.pop((name, hand), None)
            self._configured(alarm, "delete")

    def enable_actions(self, names: Sequence[str], *, enabled: bool) -> None:
        """Let alarms act, or not, when they change their state; names of no alarm are passed over."""
        for name in names:
            alarm = self._alarms.get(name)
            if alarm is not None and alarm["ActionsEnabled"] != enabled:
                now = self._context.clock.now()
                alarm.update(ActionsEnabled=enabled, AlarmConfigurationUpdatedTimestamp=now)
                self._configured(alarm, "update")

    def set_state(self, request: Request) -> None:
        """Put an alarm in a state by hand; it holds until the next evaluation decides otherwise."""
        alarm = self._alarms.get(request["AlarmName"])
        if alarm is None:
            raise AwsError("ResourceNotFound", f"Alarm {request['AlarmName']} does not exist", 404)
        data = request.get("StateReasonData")
        try:
            json.loads(data or "{}")
        except ValueError as error:
            raise AwsError("InvalidFormat", f"StateReasonData was not valid JSON: {error}") from error
        if request["StateValue"] != alarm["StateValue"]:
            self._by_hand.add(alarm["AlarmName"])
        self._change(alarm, request["StateValue"], request["StateReason"], data)

    def evaluate(self, end: int) -> None:
        """Evaluate every metric alarm that is due on the periods that are complete at `end` (epoch seconds)."""
        for name, watch in list(self._watches.items()):
            if watch.is_due(end):
                try:
                    self._evaluate(self._alarms[name], watch, end)
                except Exception:  # noqa: BLE001 - a bug that one alarm meets must not keep the others from firing
                    _log.exception("alarm %s could not be evaluated", name)

    def _evaluate(self, alarm: Response, watch: Watch, end: int) -> None:
        verdict = watch.verdict(self._store, end, alarm["StateValue"])
        self._by_hand.discard(alarm["AlarmName"])
        if verdict.state != alarm["StateValue"]:
            data = json.dumps(watch.reason_data(verdict, self._context.clock.now()))
            self._change(alarm, verdict.state, verdict.reason, data)

    def _put(self, request: Request) -> str:
        name, now = request["AlarmName"], self._context.clock.now()
        before = self._alarms.get(name)
        if before is not None and alarm_type(before) != alarm_type(request):
            raise definition.invalid(f"There is a {alarm_type(before)} named {name} already.")
        state = {k: before[k] for k in before if k.startswith("State")} if before else _initial(now)
        alarm = {
            "AlarmArn": f"arn:aws:cloudwatch:{self._context.region}:{self._context.account}:alarm:{name}",
            "ActionsEnabled": True,
            **{member: [] for member in definition.ACTIONS},
            **{member: value for member, value in request.items() if member not in _NOT_SHOWN},
            "AlarmConfigurationUpdatedTimestamp": now,
            **state,
        }
        self._alarms[name] = alarm
        self._configured(alarm, "update" if before else "create")
        return str(alarm["AlarmArn"])

    def _configured(self, alarm: Response, change: str) -> None:
        data = {"type": change.capitalize(), f"{change}dAlarm": history_configuration(alarm)}
        self._history.add(alarm, "ConfigurationUpdate", f'Alarm "{alarm["AlarmName"]}" {change}d', data)

    def _change(self, alarm: Response, state: str, reason: str, data: str | None) -> None:
        now = self._context.clock.now()
        before = dict(alarm)
        alarm.update(StateValue=state, StateReason=reason, StateReasonData=data, StateUpdatedTimestamp=now)
        if state == before["StateValue"]:
            return
        alarm["StateTransitionedTimestamp"] = now
        name = alarm["AlarmName"]
        if state == ALARM:
            self._fired[name, name in self._by_hand] = (now, reason)
        self._history.add(
            alarm,
            "StateUpdate",
            f"Alarm updated from {before['StateValue']} to {state}",
            {"oldState": history_state(before), "newState": history_state(alarm)},
        )
        self._on_change(alarm, before)
        for parent in self.parents(name):
            self._settle(parent["AlarmName"], alarm)

    def _settle(self, name: str, changed: Response | None) -> None:
        """Put a composite alarm in the state that its rule gives, now that an alarm it looks at has changed."""
        alarm, rule = self._alarms[name], self._rules[name]
        state = ALARM if rule.holds(lambda other: str(self._alarms[other]["StateValue"])) else OK
        self._by_hand.discard(name)
        if state != alarm["StateValue"]:
            triggers = [changed] if changed else [self._alarms[other] for other in rule.alarms]
            self._change(alarm, state, _transition(triggers), json.dumps({"triggeringAlarms": _states(triggers)}))

    def _all_watched_by(self, rule: composite.AlarmRule) -> set[str]:
        watched = set(rule.alarms)
        return watched.union(*(self._all_watched_by(self._rules[name]) for name in watched if name in self._rules))


def _initial(now: datetime) -> Response:
    return {
        "StateValue": INSUFFICIENT_DATA,
        "StateReason": "Unchecked: Initial alarm creation",
        "StateUpdatedTimestamp": now,
        "StateTransitionedTimestamp": now,
    }


def _transition(triggers: Sequence[Alarm]) -> str:
    told = [
        f"{alarm['AlarmArn']} transitioned to {alarm['StateValue']} at "
        f"{alarm['StateUpdatedTimestamp']:%A %d %B, %Y %H:%M:%S} UTC"
        for alarm in triggers
    ]
    return "; ".join(told) or "The rule looks at no alarm"


def _states(triggers: Sequence[Alarm]) -> list[dict[str, Any]]:
    return [
        {
            "arn": alarm["AlarmArn"],
            "state": {"value": alarm["StateValue"], "timestamp": stamp(alarm["StateUpdatedTimestamp"])},
        }
        for alarm in triggers
    ]
