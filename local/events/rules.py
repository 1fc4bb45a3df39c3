"""Delivery of events to the targets of rules, in place of moto's.

moto matches a pattern as EventBridge does, but delivers for disabled rules, sends scheduled rules every event, leaves
the account out, and lets one target that it does not know fail the whole PutEvents. Here each target is on its own:
one that fails is logged, and the event goes to its dead-letter queue when it has one.
Sources: the EventBridge user guide, "Event structure" and "Using dead-letter queues".
"""

import copy
import json
import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from moto.events import models
from moto.logs import logs_backends
from moto.sqs import sqs_backends
from moto.utilities.arns import parse_arn

from local.events import inputs

_log = logging.getLogger("local")


def install() -> None:
    """Have moto make rules of this kind."""
    models.Rule = Rule


def scheduled(account: str, region: str) -> "list[Rule]":
    """The rules that have a schedule."""
    buses = models.events_backends[account][region].event_buses.values()
    return [rule for bus in list(buses) for rule in list(bus.rules.values()) if rule.scheduled_expression]


class Rule(models.Rule):  # type: ignore[misc]  # moto ships no types
    """A rule of moto's whose delivery is EventBridge's."""

    def send_to_targets(self, original_event: Mapping[str, Any], transform_input: bool = True) -> None:
        """Deliver an event to every target, if the rule is enabled and has a pattern that matches it."""
        if self.state != "ENABLED" or not self.event_pattern.get_pattern():
            return
        if self.event_pattern.matches_event(original_event):
            self.deliver(original_event, transform_input)

    def deliver(self, event: Mapping[str, Any], transform_input: bool = True) -> None:
        """Deliver an event to every target, whatever the pattern says."""
        for target in list(self.targets):
            try:
                self._send(target, event, transform_input)
            except Exception as error:  # noqa: BLE001 - whatever ails one target, the others get the event
                _log.warning("rule %s: target %s got no event: %r", self.name, target["Arn"], error)
                self._bury(target, event, error)

    def _send(self, target: Mapping[str, Any], event: Mapping[str, Any], transform_input: bool) -> None:
        arn = parse_arn(target["Arn"])
        if arn.service not in ("sqs", "logs"):
            alone = copy.copy(self)
            alone.targets = [target]
            super(Rule, alone).send_to_targets(event, transform_input)
            return
        when = datetime.fromtimestamp(float(event["time"]), UTC)
        ingested = {"aws.events.event.ingestion-time": _time(datetime.fromtimestamp(event["ingestion-time"], UTC))}
        names = {"aws.events.rule-arn": self.arn, "aws.events.rule-name": self.name} | ingested
        body = inputs.body(_shaped(event, when), target, names)
        if arn.service == "logs":
            _append(arn, body, event["id"], when)
        else:
            group = target.get("SqsParameters", {}).get("MessageGroupId")
            sqs_backends[arn.account][arn.region].send_message(arn.resource_id, body, group_id=group)

    def _bury(self, target: Mapping[str, Any], event: Mapping[str, Any], error: Exception) -> None:
        queue = target.get("DeadLetterConfig", {}).get("Arn")
        if not queue:
            return
        said = {"RULE_ARN": self.arn, "TARGET_ARN": target["Arn"], "ERROR_CODE": "INVALID_PARAMETER"}
        attributes = {
            name: {"data_type": "String", "string_value": value}
            for name, value in {**said, "ERROR_MESSAGE": str(error) or repr(error)}.items()
        }
        arn, body = parse_arn(queue), json.dumps(_shaped(event, datetime.fromtimestamp(float(event["time"]), UTC)))
        try:
            sqs_backends[arn.account][arn.region].send_message(arn.resource_id, body, message_attributes=attributes)
        except Exception as lost:  # noqa: BLE001 - a dead-letter queue that is missing must not fail PutEvents either
            _log.warning("rule %s: dead-letter queue %s cannot take the event: %r", self.name, queue, lost)


def _shaped(event: Mapping[str, Any], when: datetime) -> dict[str, Any]:
    """The event as targets get it."""
    return {name: value for name, value in event.items() if name != "ingestion-time"} | {"time": _time(when)}


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S}Z"


def _append(arn: Any, body: str, stream: str, when: datetime) -> None:
    backend = logs_backends[arn.account][arn.region]
    group = arn.resource_id.removesuffix(":*")
    backend.create_log_stream(group, stream)
    backend.put_log_events(group, stream, [{"timestamp": int(when.timestamp() * 1000), "message": body}])
