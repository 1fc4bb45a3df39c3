"""Faults of a container's process: it starts late or not at all, grows, or dies.

What dies does so without a word to anybody, as a process that was killed. Memory is really used, within a limit that
a machine with several such containers can bear.
"""

import os
import signal
import threading
import time
from dataclasses import dataclass
from typing import Any

from local.faults.container import ContainerFault
from local.faults.fault import within

_MEGABYTE = 1024 * 1024
_LOOK_EVERY_SECONDS = 0.005


@dataclass
class Cold(ContainerFault, name="cold"):
    """The container needs so many AWS seconds before it begins to load the model: a cold start."""

    expect = "promoted"

    seconds: float = within(0)

    def at_start(self) -> None:
        while self.age() < self.seconds:
            time.sleep(_LOOK_EVERY_SECONDS)


@dataclass
class Crash(ContainerFault, name="crash"):
    """The container exits while it starts, so that its instance never becomes healthy."""

    def at_start(self) -> None:
        os._exit(1)


@dataclass
class CrashLoop(ContainerFault, name="crash-loop"):
    """The container exits at its nth request, or after so many AWS seconds, as often as it is started again."""

    requests: int = within(0, default=0)
    seconds: float = within(0, default=0.0)

    def check(self) -> None:
        if not (self.requests or self.seconds):
            raise ValueError("it says neither after how many requests nor after how many seconds")
        self._left = self.requests

    def at_start(self) -> None:
        if self.seconds:
            threading.Thread(target=self._exit_in_time, daemon=True).start()

    def _exit_in_time(self) -> None:
        while self.age() < self.seconds:
            time.sleep(_LOOK_EVERY_SECONDS)
        os._exit(1)

    async def before(self, body: bytes) -> None:
        self._left -= 1
        if self._left == 0:
            os._exit(1)


@dataclass
class MemoryLeak(ContainerFault, name="memory-leak"):
    """Each request leaves so many megabytes (1) in memory, up to a limit (256): MemoryUtilization rises and stays."""

    expect = "promoted"

    megabytes: float = within(0, default=1.0)
    limit: float = within(0, 1024, default=256.0)

    def check(self) -> None:
        self._kept: list[Any] = []

    async def before(self, body: bytes) -> None:
        if (len(self._kept) + 1) * self.megabytes <= self.limit:
            self._kept.append(b"x" * int(self.megabytes * _MEGABYTE))
        else:
            self.full()

    def full(self) -> None:
        """What happens at the limit: nothing more."""


@dataclass
class OutOfMemory(MemoryLeak, name="out-of-memory"):
    """As memory-leak, but beyond the limit (64) the process is ended as by the kernel (SIGKILL), and started again."""

    expect = "rolled_back"

    limit: float = within(0, 1024, default=64.0)

    def full(self) -> None:
        os.kill(os.getpid(), signal.SIGKILL)
