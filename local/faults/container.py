"""What every fault of a container is: something that a bad release does, between the server and the model.

It is served, measured and alarmed on like the real thing. A container's process makes its faults from their text when
it starts. They must never touch what is outside their process, and load nothing that the container does not have.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import ClassVar

from local.faults.fault import Fault, parse


class RequestFailedError(Exception):
    """The container answers this request with an internal error."""


@dataclass
class ContainerFault(Fault):
    """Something wrong in a container."""

    scope: ClassVar[str] = "container"

    def at_start(self) -> None:
        """What happens in the container's process before the model is loaded, even its end; here nothing."""

    async def before(self, body: bytes) -> None:
        """What happens to a request before the model is asked: a wait, or RequestFailedError; here nothing."""


def begin(texts: Iterable[str], now: Callable[[], float]) -> list[ContainerFault]:
    """The faults of a container that starts, in force from now on. Raises FaultError."""
    faults = [fault for fault in map(parse, texts) if isinstance(fault, ContainerFault)]
    for fault in faults:
        fault.start(now)
        fault.at_start()
    return faults
