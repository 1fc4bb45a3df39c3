"""The operations on alarms: put, describe, set, enable, delete, their history and their tags.

It must never evaluate an alarm. Source: the CloudWatch API reference of these operations.
"""

from datetime import datetime
from typing import Any

from local.cloudwatch import wording
from local.cloudwatch.actions import Actions
from local.cloudwatch.alarms import Alarms
from local.cloudwatch.definition import ACTIONS, invalid
from local.cloudwatch.history import History, alarm_type
from local.cloudwatch.paging import page
from local.cloudwatch.queries import metric_key
from local.cloudwatch.store import MetricStore
from local.cloudwatch.wording import Alarm
from local.context import Context, Request, Response
from local.errors import AwsError
from local.events import Emit

_SHOWN = {"MetricAlarm": "MetricAlarms", "CompositeAlarm": "CompositeAlarms"}
_PAGE = 50
_HISTORY_PAGE = 100
_ALONE = {"MaxRecords", "NextToken"}


class AlarmOperations:
    """Alarms that are evaluated, tell EventBridge of changes of their state, and perform their actions."""

    def __init__(self, context: Context, store: MetricStore, emit: Emit) -> None:
        self._emit = emit
        self._history = History(context.clock)
        self._alarms = Alarms(context, store, self._history, self._changed)
        self._tags: dict[str, dict[str, str]] = {}
        self.actions = Actions(self._history, context.client)

    def _changed(self, alarm: Alarm, before: Alarm) -> None:
        self._emit(wording.EVENT, [alarm["AlarmArn"]], wording.event_detail(alarm, before))
        self.actions.want(alarm, before)

    def alarm_state(self, name: str) -> tuple[str, str] | None:
        """The state of an alarm (OK, ALARM, INSUFFICIENT_DATA) and its reason; None when there is no such alarm."""
        alarm = self._alarms.get(name)
        return (alarm["StateValue"], alarm["StateReason"]) if alarm else None

    def alarm_set_by_hand(self, name: str) -> bool:
        """Whether the alarm's state is one that SetAlarmState gave it and no evaluation has confirmed or changed."""
        return self._alarms.set_by_hand(name)

    def alarm_fired_since(self, name: str, moment: datetime, *, by_hand: bool = True) -> str | None:
        """The reason why an alarm is in ALARM, or was at any time since `moment`; None when it was not.

        Unless `by_hand`, an ALARM that SetAlarmState gave it does not count.
        """
        return self._alarms.fired_since(name, moment, by_hand=by_hand)

    def put_metric_alarm(self, request: Request) -> Response:
        """Create an alarm, or change its definition and keep its state. Tags count when it is created."""
        return self._put(request, self._alarms.put_metric)

    def put_composite_alarm(self, request: Request) -> Response:
        """The same for an alarm whose state follows from others'. There is no suppressor of actions here."""
        for member in ("ActionsSuppressor", "ActionConfiguration"):
            if member in request:
                raise invalid(f"{member} is not offered here.")
        return self._put(request, self._alarms.put_composite)

    def _put(self, request: Request, put: Any) -> Response:
        new = self._alarms.get(request["AlarmName"]) is None
        arn = put(request)
        if new:
            self._tags[arn] = {tag["Key"]: tag["Value"] for tag in request.get("Tags", ())}
        return {}

    def describe_alarms(self, request: Request) -> Response:
        """Alarms by name, in pages; metric alarms only, unless AlarmTypes says otherwise."""
        if {"AlarmNames", "AlarmNamePrefix"} <= request.keys():
            raise invalid("AlarmNames and AlarmNamePrefix cannot be given together.")
        for member in ("ChildrenOfAlarmName", "ParentsOfAlarmName"):
            if member in request:
                return self._related(request, member)
        types = request.get("AlarmTypes") or ["MetricAlarm"]
        names, prefix = request.get("AlarmNames"), request.get("AlarmNamePrefix", "")
        found = [
            alarm
            for alarm in self._alarms
            if alarm_type(alarm) in types
            and (not names or alarm["AlarmName"] in names)
            and alarm["AlarmName"].startswith(prefix)
            and request.get("StateValue") in (None, alarm["StateValue"])
            and _acts(alarm, request.get("ActionPrefix"))
        ]
        return _described(found, request)

    def _related(self, request: Request, member: str) -> Response:
        """Names, ARNs and states of the alarms that a composite alarm looks at, or of those that look at an alarm."""
        if others := request.keys() - _ALONE - {member}:
            raise invalid(f"{member} cannot be given together with {', '.join(sorted(others))}.")
        children, name = member == "ChildrenOfAlarmName", request[member]
        found = self._alarms.children(name) if children else self._alarms.parents(name)
        shown = ("AlarmName", "AlarmArn", *(("StateValue", "StateUpdatedTimestamp") if children else ()))
        return _described(found, request, shown)

    def describe_alarms_for_metric(self, request: Request) -> Response:
        """The alarms on one metric alone, by its exact dimensions."""
        wanted = {
            member: request[member]
            for member in ("ExtendedStatistic", "Statistic", "Period", "Unit")
            if member in request
        }
        key = metric_key(request)
        found = [
            alarm
            for alarm in self._alarms
            if "MetricName" in alarm
            and metric_key(alarm) == key
            and all(alarm.get(member) == value for member, value in wanted.items())
        ]
        return {"MetricAlarms": found}

    def delete_alarms(self, request: Request) -> Response:
        """Delete alarms: all of those named, or none."""
        arns = [alarm["AlarmArn"] for name in request["AlarmNames"] if (alarm := self._alarms.get(name))]
        self._alarms.delete(request["AlarmNames"])
        for arn in arns:
            self._tags.pop(arn, None)
        return {}

    def set_alarm_state(self, request: Request) -> Response:
        """Put an alarm in a state until its next evaluation."""
        self._alarms.set_state(request)
        return {}

    def enable_alarm_actions(self, request: Request) -> Response:
        """Let alarms act when they change their state."""
        self._alarms.enable_actions(request["AlarmNames"], enabled=True)
        return {}

    def disable_alarm_actions(self, request: Request) -> Response:
        """Let alarms change their state without acting."""
        self._alarms.enable_actions(request["AlarmNames"], enabled=False)
        return {}

    def describe_alarm_history(self, request: Request) -> Response:
        """What happened to alarms: StateUpdate, ConfigurationUpdate and Action items, in pages."""
        items = self._history.items(request)
        return page(items, request, "AlarmHistoryItems", request.get("MaxRecords", _HISTORY_PAGE))

    def tag_resource(self, request: Request) -> Response:
        """Set tags of an alarm by key, keeping the others."""
        self._tagged(request).update({tag["Key"]: tag["Value"] for tag in request["Tags"]})
        return {}

    def untag_resource(self, request: Request) -> Response:
        """Remove tags of an alarm by key."""
        tags = self._tagged(request)
        for key in request["TagKeys"]:
            tags.pop(key, None)
        return {}

    def list_tags_for_resource(self, request: Request) -> Response:
        """The tags of an alarm."""
        return {"Tags": [{"Key": key, "Value": value} for key, value in self._tagged(request).items()]}

    def _tagged(self, request: Request) -> dict[str, str]:
        tags = self._tags.get(request["ResourceARN"])
        if tags is None:
            raise AwsError("ResourceNotFoundException", f"There is no alarm {request['ResourceARN']}.", 404)
        return tags


def _acts(alarm: Alarm, prefix: str | None) -> bool:
    return prefix is None or any(action.startswith(prefix) for member in ACTIONS for action in alarm[member])


def _described(found: list[Response], request: Request, shown: tuple[str, ...] | None = None) -> Response:
    """A page of alarms, by their type; with all of their members unless only some are `shown`."""
    answer = page(found, request, "Alarms", request.get("MaxRecords", _PAGE))
    alarms = answer.pop("Alarms")
    for kind, member in _SHOWN.items():
        of_kind = [alarm for alarm in alarms if alarm_type(alarm) == kind]
        answer[member] = [{name: alarm[name] for name in shown or alarm} for alarm in of_kind]
    return answer
