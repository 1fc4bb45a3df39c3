"""Faults of hosting: what happens to a release although its containers are well. The target is an endpoint's name."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from local.faults.answers import AnswerFault
from local.faults.fault import Fault, within


@dataclass
class HostingFault(Fault):
    """Something that goes wrong around the containers of an endpoint."""

    scope: ClassVar[str] = "hosting"


@dataclass
class Capacity(HostingFault, name="capacity"):
    """Only so many more instances (0) can be had, for so many AWS seconds (for good): a capacity shortage."""

    instances: int = within(0, default=0)
    seconds: float = within(0, default=float("inf"))
    _had = 0

    def grant(self) -> bool:
        """Whether one more instance can be had; if so it has been taken."""
        if self.age() >= self.seconds:
            return True
        self._had += 1
        return self._had <= self.instances


@dataclass
class CommonCause(HostingFault, name="common-cause"):
    """A fault of answers in every fleet of the endpoint, old and new, as when something that both need is broken."""

    fault: Fault

    def check(self) -> None:
        if not isinstance(self.fault, AnswerFault):
            raise ValueError(f"{self.fault.name} is no fault of a container's answers, such as errors or slow")

    def start(self, now: Callable[[], float]) -> None:
        super().start(now)
        self.fault.start(now)

    async def before(self, body: bytes) -> None:
        """What happens to a request before its container gets it: a wait, or RequestFailedError."""
        assert isinstance(self.fault, AnswerFault)
        await self.fault.before(body)


@dataclass
class Split(HostingFault, name="split"):
    """A new fleet that is to have a part of the traffic gets that share (0 to 1), whatever share its instances are."""

    expect = "promoted"

    share: float = within(0, 1)
