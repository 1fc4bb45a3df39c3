"""AWS's clock in a rehearsal: it starts at the real time and runs `speed` times as fast.

Nothing else in `local` may read the wall clock for an AWS timestamp or sleep for an AWS duration.
"""

import asyncio
import time
from datetime import UTC, datetime


class Clock:
    """A clock that started at the real now and has run `speed` times as fast ever since."""

    def __init__(self, speed: float = 1.0) -> None:
        if speed <= 0:
            raise ValueError(f"speed is {speed}; it must be above 0 (1 is real time)")
        self.speed = speed
        self._origin = time.time()
        self._started = time.monotonic()

    def time(self) -> float:
        """AWS time in seconds since the epoch."""
        return self._origin + (time.monotonic() - self._started) * self.speed

    def now(self) -> datetime:
        """AWS time, aware, UTC."""
        return datetime.fromtimestamp(self.time(), UTC)

    async def sleep(self, seconds: float) -> None:
        """Wait that many AWS seconds."""
        await asyncio.sleep(max(seconds, 0.0) / self.speed)
