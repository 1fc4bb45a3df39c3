"""AWS's clock in a rehearsal: it starts at the real time and runs `speed` times as fast.

While `keep` runs, time in which this process could not run (stopped with Ctrl-Z, a machine that sleeps, an event loop
that something held up) does not pass on it: a bake must not end, nor a minute be evaluated, in which nothing could have
happened. Nothing else in `local` may read the wall clock for an AWS timestamp or sleep for an AWS duration.
"""

import asyncio
import math
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime

LONGEST_STEP_SECONDS = 0.25
"""Real seconds: the most that the clock goes on between two looks at it while it is kept."""

BEAT_SECONDS = 0.05
"""Real seconds between the looks of `keep`, which cost a thousandth of a core."""


class Clock:
    """A clock that started at the real now and has run `speed` times as fast ever since. Threads may share it.

    `held_seconds` is how long, in real seconds, it stood still because this process could not run.
    """

    def __init__(self, speed: float = 1.0, monotonic: Callable[[], float] = time.monotonic) -> None:
        if speed <= 0:
            raise ValueError(f"speed is {speed}; it must be above 0 (1 is real time)")
        self.speed = speed
        self.held_seconds = 0.0
        self._monotonic = monotonic
        self._origin = time.time()
        self._passed = 0.0
        self._looked = monotonic()
        self._longest = math.inf
        self._lock = threading.Lock()

    def elapsed(self) -> float:
        """Real seconds since it started, without those in which it stood still: for what models and networks take."""
        with self._lock:
            now = self._monotonic()
            step = min(now - self._looked, self._longest)
            self.held_seconds += now - self._looked - step
            self._passed += step
            self._looked = now
            return self._passed

    def time(self) -> float:
        """AWS time in seconds since the epoch."""
        return self._origin + self.elapsed() * self.speed

    def now(self) -> datetime:
        """AWS time, aware, UTC."""
        return datetime.fromtimestamp(self.time(), UTC)

    async def sleep(self, seconds: float) -> None:
        """Wait that many AWS seconds."""
        end = self.time() + seconds
        await asyncio.sleep(max(seconds, 0.0) / self.speed)
        while (left := end - self.time()) > 0:  # noqa: ASYNC110 - it stood still meanwhile; nobody announces time
            await asyncio.sleep(left / self.speed)

    async def keep(self) -> None:
        """Look at the clock again and again, until cancelled, so that it sees when this process could not run."""
        self._longest = LONGEST_STEP_SECONDS
        try:
            while True:
                self.time()
                await asyncio.sleep(BEAT_SECONDS)
        finally:
            self._longest = math.inf
