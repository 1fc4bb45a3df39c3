"""The events AWS services send to EventBridge, delivered in order to the rules people made.

Rules, patterns and targets are moto's. It must never decide what an event means.
"""

import asyncio
import functools
import json
import logging
from collections.abc import Callable
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from local.clock import Clock

_log = logging.getLogger("local")

Emit = Callable[[str, list[str], dict[str, Any]], None]
"""Sends an event: its detail type, the ARNs it is about, its detail."""


class Events:
    """A queue of events, and the one task that delivers them."""

    def __init__(self, clock: Clock) -> None:
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
        self._queue.put_nowait(entry)

    async def run(self, client: Callable[[str], Any]) -> None:
        """Deliver until cancelled. `client` makes a blocking boto3 client, which is used in a thread."""
        events = await asyncio.to_thread(client, "events")
        while True:
            entry = await self._queue.get()
            try:
                await asyncio.to_thread(events.put_events, Entries=[entry])
            except (BotoCoreError, ClientError) as error:
                _log.error("%s was not delivered: %s", entry["DetailType"], error)
