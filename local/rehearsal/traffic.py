"""Live traffic: rows of real data sent to an endpoint, one request each, at a steady rate of the AWS clock.

Faults of the traffic change the rate or the rows. It counts what a client sees. It must never look inside the endpoint,
nor judge it.
"""

import asyncio
import contextlib
import csv
import io
import itertools
import json
import math
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import aiohttp

from local.clock import Clock
from local.faults import Faults
from local.faults.traffic import TrafficFault
from local.rehearsal.pace import LATE_SECONDS, Pace

IN_FLIGHT = 64
MESSAGE_LENGTH = 60
LOOK_EVERY_SECONDS = 1.0
"""How often (AWS seconds) the rate is looked at when requests are rarer than that."""


@dataclass
class Counted:
    """Requests sent, how many were answered with anything but 200, and how many left late."""

    total: int = 0
    failed: int = 0
    example: str = ""
    late: int = 0
    latest_seconds: float = 0.0

    def left(self, behind: float) -> None:
        """A request is sent, so many AWS seconds after it was due."""
        self.total += 1
        self.late += behind > LATE_SECONDS
        self.latest_seconds = max(self.latest_seconds, behind)

    @property
    def pace(self) -> Pace:
        """Whether they left when they were due."""
        return Pace(self.total, self.late, self.latest_seconds)


@dataclass(frozen=True)
class Row:
    """A request's body, and all the values of the row it was made from, by column."""

    body: bytes
    values: Mapping[str, str]


def rows_of(table: str, drop: Sequence[str]) -> list[Row]:
    """One CSV request a row: the header without the columns to drop, and the row. A last, cut-off row is left out."""
    rows = csv.reader(io.StringIO(table[: table.rfind("\n") + 1]))
    header = next(rows)
    kept = [i for i, name in enumerate(header) if name not in drop]
    names = [header[i] for i in kept]
    return [Row(_csv([names, [row[i] for i in kept]]), dict(zip(header, row, strict=True))) for row in rows]


def _csv(rows: list[list[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()


@dataclass(frozen=True)
class Traffic:
    """A source of requests that never runs dry: after the last row comes the first."""

    url: str
    clock: Clock
    requests_per_minute: int
    rows: Sequence[Row]
    faults: Faults
    position: Iterator[Row] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "position", itertools.cycle(self.rows))

    @contextlib.asynccontextmanager
    async def to(self, endpoint: str) -> AsyncIterator[Counted]:
        """Send to an endpoint while the block runs; what was sent is answered before the block ends."""
        counted = Counted()
        stop = asyncio.Event()
        sender = asyncio.create_task(self._send(endpoint, counted, stop))
        try:
            yield counted
        finally:
            stop.set()
            await sender

    async def _send(self, endpoint: str, counted: Counted, stop: asyncio.Event) -> None:
        url = f"{self.url}/endpoints/{endpoint}/invocations"
        due, owed = self.clock.time(), 0.0
        under_way = asyncio.Semaphore(IN_FLIGHT)
        async with aiohttp.ClientSession() as session, asyncio.TaskGroup() as group:
            while not stop.is_set():
                faults = self.faults.of(TrafficFault, endpoint)
                if owed > 1 - 1e-9:
                    await under_way.acquire()
                    counted.left(self.clock.time() - due)
                    group.create_task(_one(session, url, self._next(faults).body, counted, under_way))
                    owed -= 1
                a_second = self.requests_per_minute / 60 * math.prod(fault.pace() for fault in faults)
                step = min(1 / a_second, LOOK_EVERY_SECONDS) if a_second else LOOK_EVERY_SECONDS
                owed += a_second * step
                due += step
                await self.clock.sleep(due - self.clock.time())

    def _next(self, faults: Sequence[TrafficFault]) -> Row:
        row = next(self.position)
        for fault in faults:
            row = fault.pick(row, self.rows)
        return row


async def _one(
    session: aiohttp.ClientSession, url: str, body: bytes, counted: Counted, under_way: asyncio.Semaphore
) -> None:
    headers = {"Content-Type": "text/csv", "Accept": "application/json"}
    try:
        async with session.post(url, data=body, headers=headers) as answer:
            text = await answer.text()
            if answer.status != 200:
                counted.failed += 1
                counted.example = counted.example or f"HTTP {answer.status}, {_message(text)}"
    except aiohttp.ClientError as error:
        counted.failed += 1
        counted.example = counted.example or str(error)
    finally:
        under_way.release()


def _message(text: str) -> str:
    """The beginning of an AWS error's message, for a line in a terminal."""
    with contextlib.suppress(ValueError, AttributeError):
        text = str(json.loads(text).get("Message", text))
    return text if len(text) <= MESSAGE_LENGTH else f"{text[:MESSAGE_LENGTH]}…"
