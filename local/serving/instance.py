"""An instance as hosting sees it: a process to start, something to ask, an exit to hear of, something to stop.

It must never decide whether an instance gets traffic, nor start one again: its owner does.
"""

import asyncio
import contextlib
import json
import os
import shutil
import signal
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from local.serving.answer import Answer
from local.serving.archive import ArchiveError
from local.serving.connection import Connections
from local.serving.nursery import warm_up
from local.serving.spec import Spec

if TYPE_CHECKING:
    from local.logs import LogStream

DRAIN_SECONDS = 5.0
"""How long (real time) requests that are under way are waited for before an instance is stopped."""

_STOP_SECONDS = 2.0
_PING_SECONDS = 2.0
_LOG_LINES = 5


class StartError(Exception):
    """The instance did not become healthy; the message says why."""


class Instance:
    """A model server in its own process.

    `alive` is whether it can be asked, `outstanding` how many requests it has yet to answer. `port` is where it listens
    on 127.0.0.1 once started. `on_exit` is called when the process ends by itself after it was healthy. `log`, when
    there is one, follows the log file until it is stopped.
    """

    def __init__(self, spec: Spec, on_exit: Callable[["Instance"], None], log: "LogStream | None" = None) -> None:
        self.spec = spec
        self.alive = False
        self.outstanding = 0
        self.port = 0
        self.pid: int | None = None
        self._on_exit = on_exit
        self._log = log
        self._following: asyncio.Task[None] | None = None
        self._connections = Connections(0)
        self._idle = asyncio.Event()
        self._idle.set()
        self._ended = asyncio.Event()
        self._ended.set()
        self._transport: asyncio.ReadTransport | None = None

    async def ask(
        self, body: bytes, headers: Mapping[str, str], within: float, method: str = "POST", path: str = "/invocations"
    ) -> Answer:
        """The container's answer, within so many seconds (real time); the instance is not stopped before it has come.

        Raises TimeoutError, and ConnectionError when the process does not answer.
        """
        self.outstanding += 1
        self._idle.clear()
        try:
            async with asyncio.timeout(within):
                return await self._connections.ask(method, path, headers, body)
        finally:
            self.outstanding -= 1
            if not self.outstanding:
                self._idle.set()

    async def start(self, healthy_within: float) -> None:
        """Run until GET /ping is answered 200, for so many seconds (real time) at most.

        Raises StartError, or ArchiveError for its model data; then, and when cancelled, no process is left.
        """
        if self._log is not None:
            self._following = asyncio.create_task(self._log.follow())
        try:
            async with asyncio.timeout(healthy_within):
                await self._become_healthy(await self._spawn())
        except TimeoutError as error:
            await self.stop()
            raise StartError(f"it was not healthy within {healthy_within:g} seconds") from error
        except ConnectionError as error:
            await self.stop()
            raise StartError(f"GET /ping was not answered: {error}") from error
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Wait for requests under way, then end the process and remove its folder; the log stays.

        A process that has yet to be forked finds its pipe closed and ends at once.
        """
        self.alive = False
        self._on_exit = _ignore
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._idle.wait(), DRAIN_SECONDS)
        for sign in (signal.SIGTERM, signal.SIGKILL):
            if self.pid is not None and not self._ended.is_set():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(self.pid, sign)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._ended.wait(), _STOP_SECONDS)
        self._connections.close()
        if self._transport is not None:
            self._transport.close()
        await asyncio.to_thread(shutil.rmtree, self.spec.folder, ignore_errors=True)
        if self._log is not None and self._following is not None:
            self._following.cancel()
            await asyncio.wait([self._following])
            await self._log.finish()

    async def _spawn(self) -> "_Report":
        reading, writing = os.pipe()
        self._ended.clear()
        report = _Report(self._exited)
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.connect_read_pipe(lambda: report, os.fdopen(reading, "rb"))
        try:
            warm_up().spawn(self.spec, writing)
        finally:
            os.close(writing)
        self.pid = int((await self._said(report))["pid"])
        return report

    async def _become_healthy(self, report: "_Report") -> None:
        said = await self._said(report)
        if "unusable" in said:
            raise ArchiveError(said["unusable"])
        if "failed" in said:
            raise StartError(said["failed"])
        self.port = said["port"]
        self._connections = Connections(self.port)
        answer = None
        while answer is None:
            with contextlib.suppress(TimeoutError):
                answer = await self.ask(b"", {}, _PING_SECONDS, "GET", "/ping")
        if answer.status != 200:
            raise StartError(f"GET /ping was answered {answer.status}")
        self.alive = not self._ended.is_set()

    async def _said(self, report: "_Report") -> dict[str, Any]:
        line = await report.lines.get()
        if not line:
            raise StartError(f"its process ended while it started{self._end_of_log()}")
        said: dict[str, Any] = json.loads(line)
        return said

    def _exited(self) -> None:
        self._ended.set()
        if self.alive:
            self.alive = False
            self._on_exit(self)

    def _end_of_log(self) -> str:
        if not self.spec.log.exists():
            return ""
        lines = self.spec.log.read_text(errors="replace").splitlines()[-_LOG_LINES:]
        return f"; its log ends: {' | '.join(lines)}" if lines else ""


class _Report(asyncio.Protocol):
    """What a process says of itself, line by line; an empty line, and a call, when it has ended."""

    def __init__(self, on_end: Callable[[], None]) -> None:
        self.lines: asyncio.Queue[bytes] = asyncio.Queue()
        self._rest = b""
        self._on_end = on_end

    def data_received(self, data: bytes) -> None:
        """Cut into lines."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self.lines.put_nowait(line)

    def connection_lost(self, error: Exception | None) -> None:
        """The process is gone: nobody else holds the pipe."""
        self.lines.put_nowait(b"")
        self._on_end()


def _ignore(instance: Instance) -> None:
    """Whoever stops an instance knows that it ends."""
