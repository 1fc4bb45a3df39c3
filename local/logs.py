"""CloudWatch Logs, fed from the log files of processes: what a file gains goes to one stream, every second.

Best effort: the file is the truth, and nothing fails for its log. Limits: botocore's documentation of PutLogEvents
(10,000 events, and 1,048,576 bytes counting 26 for each event). It must never block the event loop.
"""

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from local.clock import Clock

_EVERY_SECONDS = 1.0
_MOST_EVENTS = 10_000
_MOST_BYTES = 1_000_000
_EVENT_BYTES = 26
_LONGEST = 200_000
_READ = 8_000_000


@dataclass
class LogStream:
    """A stream of a group, and the file it follows. `client` makes a blocking client of CloudWatch Logs.

    `rewrite` changes each line, such as paths of this machine into those of the container.
    """

    client: Callable[[], Any]
    clock: Clock
    group: str
    name: str
    path: Path
    rewrite: Callable[[str], str] = field(default=lambda line: line)
    _read: int = 0
    _made: bool = False

    async def follow(self) -> None:
        """Send whole lines, every second, until cancelled. Call `finish` afterwards."""
        while True:
            await asyncio.sleep(_EVERY_SECONDS)
            await asyncio.to_thread(self.send)

    async def finish(self) -> None:
        """Send all that is left; the last line need not be whole."""
        while await asyncio.to_thread(self.send, to_the_end=True):
            pass

    def send(self, *, to_the_end: bool = False) -> bool:
        """Send what the file has gained, or a part of it; whether there was anything. Blocking."""
        text = self._gained(to_the_end)
        lines = [self.rewrite(line) for line in text.splitlines() if line.strip()]
        with contextlib.suppress(ClientError, BotoCoreError):
            for events in batches(lines, int(self.clock.time() * 1000)):
                self._make()
                self.client().put_log_events(logGroupName=self.group, logStreamName=self.name, logEvents=events)
        return bool(text)

    def _gained(self, to_the_end: bool) -> str:
        try:
            with self.path.open("rb") as file:
                file.seek(self._read)
                gained = file.read(_READ)
        except OSError:
            return ""
        if not to_the_end or len(gained) == _READ:
            gained = gained[: gained.rfind(b"\n") + 1] or (gained if len(gained) == _READ else b"")
        self._read += len(gained)
        return gained.decode(errors="replace")

    def _make(self) -> None:
        if self._made:
            return
        client = self.client()
        for make, names in ((client.create_log_group, {}), (client.create_log_stream, {"logStreamName": self.name})):
            with contextlib.suppress(client.exceptions.ResourceAlreadyExistsException):
                make(logGroupName=self.group, **names)
        self._made = True


def batches(lines: list[str], milliseconds: int) -> Iterator[list[dict[str, Any]]]:
    """The lines as events, in as many calls as the limits of one call demand."""
    events: list[dict[str, Any]] = []
    size = 0
    for line in lines:
        message = line[:_LONGEST]
        bytes_ = len(message.encode()) + _EVENT_BYTES
        if events and (size + bytes_ > _MOST_BYTES or len(events) == _MOST_EVENTS):
            yield events
            events, size = [], 0
        events.append({"timestamp": milliseconds, "message": message})
        size += bytes_
    if events:
        yield events
