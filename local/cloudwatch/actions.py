"""The actions of alarms: what CloudWatch does when an alarm changes its state, one at a time and in order.

A message to an SNS topic is published, through the SNS beside this CloudWatch. Other services' actions are performed by
whoever registers for them; the rest are accepted, as CloudWatch does not test them, and fail with a reason in history.
It must never decide whether an alarm acts. Source: the CloudWatch user guide, "Using Amazon CloudWatch alarms".
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from local.cloudwatch.history import History
from local.cloudwatch.wording import Alarm, message, subject

BY_STATE = {"OK": "OKActions", "ALARM": "AlarmActions", "INSUFFICIENT_DATA": "InsufficientDataActions"}

Performer = Callable[[str, Alarm, Alarm], Any]
"""Performs an action: its ARN, the alarm, the alarm before. Blocking; called in a thread. What it raises is told."""


@dataclass(frozen=True)
class _Wanted:
    arn: str
    alarm: Alarm
    before: Alarm


class Actions:
    """Performs actions by the service in their ARN. `performers` may be added to."""

    def __init__(self, history: History, client: Callable[[str], Any]) -> None:
        self.performers: dict[str, Performer] = {"sns": self._publish}
        self._history = history
        self._client = client
        self._queue: asyncio.Queue[_Wanted] = asyncio.Queue()

    def want(self, alarm: Alarm, before: Alarm) -> None:
        """Perform the actions of the state that an alarm has come to; soon after."""
        if alarm["ActionsEnabled"]:
            for arn in alarm[BY_STATE[alarm["StateValue"]]]:
                self._queue.put_nowait(_Wanted(arn, dict(alarm), dict(before)))

    async def run(self) -> None:
        """Perform until cancelled."""
        while True:
            wanted = await self._queue.get()
            await self._perform(wanted)
            self._queue.task_done()

    async def idle(self) -> None:
        """Return when everything wanted so far has been performed, or has failed."""
        await self._queue.join()

    async def _perform(self, wanted: _Wanted) -> None:
        service = wanted.arn.split(":")[2]
        performer, why = self.performers.get(service), None
        if performer is None:
            why = f"Actions of {service} are not performed here, those of {', '.join(self.performers)} are."
        else:
            try:
                await asyncio.to_thread(performer, wanted.arn, wanted.alarm, wanted.before)
            except Exception as error:  # noqa: BLE001 - an action that fails is told in history; the next must go on
                why = str(error) or repr(error)
        said = f"Failed to execute action {wanted.arn}. Received error: {why}"
        self._history.add(
            wanted.alarm,
            "Action",
            said if why else f"Successfully executed action {wanted.arn}",
            {
                "actionState": "Failed" if why else "Succeeded",
                "stateUpdateTimestamp": int(wanted.alarm["StateUpdatedTimestamp"].timestamp() * 1000),
                "notificationResource": wanted.arn,
                "error": why,
            },
        )

    def _publish(self, arn: str, alarm: Alarm, before: Alarm) -> None:
        self._client("sns").publish(TopicArn=arn, Subject=subject(alarm), Message=message(alarm, before))
