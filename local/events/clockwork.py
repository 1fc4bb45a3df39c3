"""Scheduled rules: at each minute of AWS's clock, the event of every rule that is due goes to its targets.

Source: the EventBridge user guide, "Creating a rule that runs on a schedule". It must never match a pattern.
"""

import asyncio
import logging
import uuid
import weakref
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from local.clock import Clock
from local.events import schedule
from local.events.rules import Rule
from local.events.schedule import Cron, Rate

_MINUTE = 60.0
_log = logging.getLogger("local")


@dataclass
class _Timer:
    """What is known of a rule: its schedule (None: not offered), when it was first seen, and when it is due."""

    schedule: Rate | Cron | None
    seen: datetime
    due: datetime | None


class Clockwork:
    """Delivers for the scheduled rules that `rules` tells."""

    def __init__(self, clock: Clock, rules: Callable[[], Iterable[Rule]]) -> None:
        self._clock = clock
        self._rules = rules
        self._timers: weakref.WeakKeyDictionary[Rule, _Timer] = weakref.WeakKeyDictionary()

    async def run(self) -> None:
        """Look at every minute, until cancelled."""
        while True:
            await self._clock.sleep(_MINUTE - self._clock.time() % _MINUTE)
            due = self.due(self._clock.now())
            if due:
                await asyncio.to_thread(self._deliver, due)

    def due(self, now: datetime) -> list[Rule]:
        """The enabled rules that have become due since the last look; a rule that is seen first begins now."""
        found = []
        for rule in self._rules():
            timer = self._timers.get(rule) or self._timers.setdefault(rule, _timer(rule, now))
            if timer.schedule and timer.due and timer.due <= now:
                timer.due = timer.schedule.due(now, timer.seen)
                found.append(rule)
        return [rule for rule in found if rule.state == "ENABLED"]

    def _deliver(self, rules: list[Rule]) -> None:
        now = self._clock.time()
        for rule in rules:
            event = {
                "version": "0",
                "id": str(uuid.uuid4()),
                "detail-type": "Scheduled Event",
                "source": "aws.events",
                "account": rule.account_id,
                "time": now - now % _MINUTE,
                "region": rule.region_name,
                "resources": [rule.arn],
                "detail": {},
                "ingestion-time": now,
            }
            rule.deliver(event)


def _timer(rule: Rule, now: datetime) -> _Timer:
    try:
        schedule_ = schedule.parse(rule.scheduled_expression)
    except ValueError as error:
        _log.warning("rule %s never runs: %s", rule.name, error)
        return _Timer(None, now, None)
    return _Timer(schedule_, now, schedule_.due(now, now))
