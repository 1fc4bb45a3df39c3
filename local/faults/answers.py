"""Faults of a container's answers: some fail, some are slow. Seconds are AWS's; milliseconds are real time.

ModelLatency is measured, and models do not run faster when AWS's clock does. A wait is as behind a slow dependency:
no request queues for another.
"""

import asyncio
from dataclasses import dataclass, field

from local.faults.container import ContainerFault, RequestFailedError
from local.faults.fault import within
from local.faults.slices import slice_of


@dataclass
class AnswerFault(ContainerFault):
    """What goes wrong with requests one by one: from `after` seconds on, and `only` with a slice of them."""

    after: float = within(0, default=0.0, kw_only=True)
    only: str = field(default="", kw_only=True)

    def check(self) -> None:
        self._in_slice = slice_of(self.only)

    async def before(self, body: bytes) -> None:
        if self.age() >= self.after and self._in_slice(body):
            await self.harm()

    async def harm(self) -> None:
        """What happens to a request of the slice."""


@dataclass
class Errors(AnswerFault, name="errors"):
    """That share of the requests (0 to 1) is answered 500 without asking the model."""

    rate: float = within(0, 1)
    seed: int = 0

    async def harm(self) -> None:
        if self._random.random() < self.rate:
            raise RequestFailedError


@dataclass
class Slow(AnswerFault, name="slow"):
    """Every request takes that much longer: the whole distribution shifts."""

    milliseconds: float = within(0)

    async def harm(self) -> None:
        await asyncio.sleep(self.milliseconds / 1000)


@dataclass
class Tail(AnswerFault, name="tail"):
    """That share of the requests (0 to 1) takes that much longer; the others are as quick as ever."""

    share: float = within(0, 1)
    milliseconds: float = within(0)
    seed: int = 0

    async def harm(self) -> None:
        if self._random.random() < self.share:
            await asyncio.sleep(self.milliseconds / 1000)


@dataclass
class Slowing(AnswerFault, name="slowing"):
    """Each request takes that much longer than the one before, as when something leaks."""

    milliseconds: float = within(0)
    _requests = 0

    async def harm(self) -> None:
        self._requests += 1
        await asyncio.sleep(self._requests * self.milliseconds / 1000)


@dataclass
class Warming(AnswerFault, name="warming"):
    """For so many seconds from its first request on, every request takes that much longer: caches are cold."""

    expect = "promoted"

    seconds: float = within(0)
    milliseconds: float = within(0)
    _first = float("inf")

    async def harm(self) -> None:
        self._first = min(self._first, self.age())
        if self.age() < self._first + self.seconds:
            await asyncio.sleep(self.milliseconds / 1000)
