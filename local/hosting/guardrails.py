"""The conditions under which a deployment goes on: no alarm in ALARM, and not too much time.

Sources: the developer guide, "Auto-rollback configuration and monitoring"; the API reference of AutoRollbackConfig.
What SageMaker makes of an alarm that is in ALARM from the start is not documented. It must never move traffic.
"""

import asyncio
import functools
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from local.clock import Clock
from local.cloudwatch import CloudWatch
from local.unverified import Unverified

WATCH_SECONDS = 5.0
"""How often alarms and the timeout are looked at (AWS seconds)."""


@dataclass(frozen=True)
class Alarms:
    """What a deployment knows of alarms.

    `fired_since` is why an alarm is in ALARM, or was since a moment; None when it was not, or there is no such alarm.
    """

    exists: Callable[[str], bool]
    fired_since: Callable[[str, datetime], str | None]

    @classmethod
    def of(cls, cloudwatch: CloudWatch, unverified: Unverified) -> "Alarms":
        """CloudWatch's alarms, those set by hand included or not."""
        by_hand = unverified.alarm_set_by_hand == "honoured"
        return cls(
            lambda name: cloudwatch.alarm_state(name) is not None,
            functools.partial(cloudwatch.alarm_fired_since, by_hand=by_hand),
        )


class GuardrailError(Exception):
    """The deployment must not go on; the message says why."""


class Watch:
    """Watches over a deployment that begins now.

    `ignoring` are alarms that were in ALARM before: each counts only once it has left that state.
    """

    def __init__(
        self,
        clock: Clock,
        alarms: Alarms,
        names: Sequence[str],
        timeout_seconds: float,
        ignoring: Sequence[str] = (),
    ) -> None:
        self._clock = clock
        self._alarms = alarms
        self._names = names
        self._timeout = timeout_seconds
        self._ignored = set(ignoring)
        self._began = clock.now()

    async def over(self, work: Coroutine[Any, Any, None]) -> None:
        """Do the work, looking again and again. Raises GuardrailError, having cancelled the work."""
        task = asyncio.create_task(work)
        try:
            while not task.done():
                self._look()
                await asyncio.wait({task}, timeout=WATCH_SECONDS / self._clock.speed)
            await task
            self._look()
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def _look(self) -> None:
        for name in self._names:
            why = self._why(name)
            if why is not None:
                raise GuardrailError(
                    f"Rolled back to the previous configuration: alarm {name} is in ALARM state. {why}"
                )
        if self._clock.now() - self._began >= timedelta(seconds=self._timeout):
            raise GuardrailError(
                "Rolled back to the previous configuration: the deployment did not finish within "
                f"MaximumExecutionTimeoutInSeconds ({self._timeout:g})."
            )

    def _why(self, name: str) -> str | None:
        if name not in self._ignored:
            return self._alarms.fired_since(name, self._began)
        if self._alarms.fired_since(name, self._clock.now()) is None:
            self._ignored.discard(name)
        return None
