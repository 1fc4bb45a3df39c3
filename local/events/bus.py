"""The events of AWS services, delivered in order to the rules people made; on demand more than once, as AWS may.

Matching is moto's, delivery to a target is `rules`. It must never decide what an event means.
Sources: the developer guide, "Events that Amazon SageMaker AI sends to Amazon EventBridge" (several events may be sent
for one change); the EventBridge user guide, "Retry policy".
"""

import asyncio
import functools
import json
import logging
from collections.abc import Callable
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from local.clock import Clock
from local.faults import Faults
from local.faults.events import Duplicates

_ATTEMPTS = 5
_log = logging.getLogger("local")

Emit = Callable[[str, list[str], dict[str, Any]], None]
"""Sends an event: its detail type, the ARNs it is about, its detail."""


class Events:
    """A queue of events, and the one task that delivers them.

    `duplicates` is how many copies follow each event, with ids of their own: a consumer has to look at what the event
    says, not at its id. It may be changed at any time; `faults` may add more.
    """

    def __init__(self, clock: Clock, *, duplicates: int = 0, faults: Faults | None = None) -> None:
        self.duplicates = duplicates
        self._faults = faults or Faults()
        self._clock = clock
        self._queue: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    def emitter(self, source: str) -> Emit:
        """The way to send events of a service, such as `aws.sagemaker`; they are delivered soon after."""
        return functools.partial(self._emit, source)

    def _emit(self, source: str, detail_type: str, resources: list[str], detail: dict[str, Any]) -> None:
        entry = {
            "Time": self._clock.now(),
            "Source": source,
            "DetailType": detail_type,
            "Resources": resources,
            "Detail": json.dumps(detail, default=str),
        }
        more = sum(fault.copies for fault in self._faults.of(Duplicates, detail_type))
        for _ in range(1 + self.duplicates + more):
            self._queue.put_nowait(entry)

    async def run(self, client: Callable[[str], Any]) -> None:
        """Deliver until cancelled. `client` makes a blocking boto3 client, which is used in a thread."""
        events = await asyncio.to_thread(client, "events")
        while True:
            await self._deliver(events, await self._queue.get())
            self._queue.task_done()

    async def idle(self) -> None:
        """Return when every event sent so far has been delivered or given up."""
        await self._queue.join()

    async def _deliver(self, events: Any, entry: dict[str, Any]) -> None:
        """Later events wait while one is tried again, so that their order is kept."""
        for attempt in range(_ATTEMPTS):
            try:
                await asyncio.to_thread(events.put_events, Entries=[entry])
            except (BotoCoreError, ClientError) as error:
                _log.warning("%s was not delivered (attempt %d): %s", entry["DetailType"], attempt + 1, error)
                await self._clock.sleep(2**attempt)
            else:
                return
        _log.error("%s was given up after %d attempts", entry["DetailType"], _ATTEMPTS)
