"""Data capture: what an endpoint was asked and answered gathers in memory, becomes a file now and then, and goes to S3.

Source: the developer guide, "Capture data from real-time endpoint": delivery takes a couple of minutes, and capture
rather stops than touches inference when the disk is full. It must never hold up, nor fail, a request.
"""

import asyncio
import contextlib
import functools
import itertools
import logging
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from local.clock import Clock
from local.context import Context, Response
from local.hosting.capture_plan import CapturePlan, line
from local.hosting.exchange import Exchange
from local.hosting.fleet import Fleet

ROLL_SECONDS = 60.0
"""How long lines gather before they become files (AWS seconds)."""

ROLL_BYTES = 4 * 1024 * 1024
"""How many bytes of requests and answers become files at once."""

EVENT_BYTES = 2 * 1024
"""What a request and its answer take in memory beside their bodies, about."""

MOST_BYTES = 64 * 1024 * 1024
"""How many bytes may wait, in memory and in files, before what comes next is not captured."""

Write = Callable[[Path, bytes], None]
"""Writes a new file, and its folder. It blocks, in a thread; raises OSError."""

Upload = Callable[[Path, str, str, str | None], None]
"""Moves a file to S3: (file, bucket, key, KMS key or None). It blocks, in a thread; whatever it raises is a failure."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Store:
    """What a capture needs: a clock, a folder for files that are not in S3 yet, and the ways there."""

    clock: Clock
    folder: Path
    write: Write
    upload: Upload


def store(context: Context) -> Store:
    """The stand-in's own disk and S3."""

    def write(path: Path, data: bytes) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            path.write_bytes(data)
        except OSError:
            path.unlink(missing_ok=True)
            raise

    def upload(path: Path, bucket: str, key: str, kms_key: str | None) -> None:
        encryption = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": kms_key} if kms_key else {}
        context.client("s3").put_object(Bucket=bucket, Key=key, Body=path.read_bytes(), **encryption)
        path.unlink()

    return Store(context.clock, context.state / "captured", write, upload)


def capture(fleet: Fleet, plan: CapturePlan, store: Store) -> None:
    """Have what every variant of a fleet is asked be captured from now on, as the plan says."""
    fleet.capture = captured = Capture(fleet.endpoint, plan, store)
    for name, variant in fleet.variants.items():
        variant.observers.append(functools.partial(captured.observe, name))


@dataclass(frozen=True)
class _Event:
    variant: str
    time: datetime
    exchange: Exchange

    @property
    def size(self) -> int:
        return len(self.exchange.body) + len(self.exchange.reply.body) + EVENT_BYTES

    @property
    def folder(self) -> tuple[str, str]:
        return self.variant, f"{self.time:%Y%m%d%H}"


@dataclass(frozen=True)
class _File:
    path: Path
    key: str
    size: int


class Capture:
    """Captures for one fleet until it is closed."""

    def __init__(self, endpoint: str, plan: CapturePlan, store: Store) -> None:
        self._endpoint = endpoint
        self._plan = plan
        self._store = store
        self._events: list[_Event] = []
        self._gathered_bytes = 0
        self._files: list[_File] = []
        self._some, self._enough = asyncio.Event(), asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._closing = False
        self._works = True
        self._lost = 0

    def summary(self) -> Response:
        """DescribeEndpoint's DataCaptureConfig: Stopped also while the disk or S3 takes nothing."""
        return self._plan.summary(works=self._works)

    def observe(self, variant: str, exchange: Exchange) -> None:
        """Keep a request in memory, if it is one of those that are captured."""
        if self._closing or not self._plan.takes(exchange, exchange.dice.roll(f"capture of {variant}")):
            return
        event = _Event(variant, self._store.clock.now(), exchange)
        if self._gathered_bytes + sum(file.size for file in self._files) + event.size > MOST_BYTES:
            self._stop(f"more than {MOST_BYTES} bytes wait for the disk or S3", lost=1)
            return
        self._events.append(event)
        self._gathered_bytes += event.size
        self._some.set()
        if self._gathered_bytes >= ROLL_BYTES:
            self._enough.set()
        if self._task is None:
            self._task = asyncio.create_task(self._run())

    async def close(self) -> None:
        """Deliver what has gathered, and capture no more. What S3 does not take stays in the folder."""
        self._closing = True
        self._some.set()
        self._enough.set()
        if self._task is not None:
            await asyncio.shield(self._task)

    async def _run(self) -> None:
        while not self._closing or self._events:
            await self._some.wait()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._enough.wait(), ROLL_SECONDS / self._store.clock.speed)
            await self._deliver()
        if self._lost or self._files:
            files = ", ".join(str(file.path) for file in self._files) or "none"
            _log.error("%s ends: %d requests lost; files not in S3: %s", self._name, self._lost, files)

    async def _deliver(self) -> None:
        events, self._events, self._gathered_bytes = self._events, [], 0
        self._enough.clear()
        written, uploaded = await self._write(events), await self._upload()
        if written and uploaded:
            self._works = True
        if not self._events and not self._files:
            self._some.clear()

    async def _write(self, events: list[_Event]) -> bool:
        """Whether everything that has gathered is in files now. What the disk does not take is lost."""
        written = True
        events.sort(key=lambda event: event.folder)
        for (variant, _), group in itertools.groupby(events, lambda event: event.folder):
            chosen = list(group)
            try:
                self._files.append(await asyncio.to_thread(self._file, variant, chosen))
            except OSError as error:
                self._stop(f"the disk does not take what is captured: {error}", lost=len(chosen))
                written = False
        return written

    async def _upload(self) -> bool:
        """Whether every file is in S3 now; those that S3 does not take are tried again later."""
        while self._files:
            file = self._files[0]
            try:
                await asyncio.to_thread(self._store.upload, file.path, self._plan.bucket, file.key, self._plan.kms_key)
            except Exception as error:  # noqa: BLE001 - whatever S3 or the way there is up to, requests go on
                self._stop(f"s3://{self._plan.bucket}/{file.key} cannot be written: {error}")
                return False
            self._files.pop(0)
        return True

    def _file(self, variant: str, events: list[_Event]) -> _File:
        """A file of the lines of one variant and hour; blocks. Raises OSError."""
        time, data = events[0].time, b"".join(line(self._plan, event.exchange, event.time) for event in events)
        name = f"{time:%M-%S}-{time.microsecond // 1000:03d}-{uuid.uuid4()}.jsonl"
        path = self._store.folder / self._endpoint / name
        self._store.write(path, data)
        return _File(path, self._plan.key(self._endpoint, variant, time, name), len(data))

    def _stop(self, trouble: str, *, lost: int = 0) -> None:
        """Count what is lost, and say so when the trouble begins."""
        self._lost += lost
        if self._works:
            _log.error("%s: %s", self._name, trouble)
        self._works = False

    @property
    def _name(self) -> str:
        return f"data capture of endpoint {self._endpoint}"
