"""The faults of one running stand-in: what is wrong now, and with whom. Services ask it where something could go wrong.

It must never do harm itself, nor know what a service does with a fault.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from local.faults.fault import Fault, parse

F = TypeVar("F", bound=Fault)


@dataclass(frozen=True, eq=False)
class Active:
    """A fault in force. `target` is whom it is about (its scope says what that is); None: everybody."""

    fault: Fault
    target: str | None


class Faults:
    """Faults that come and go. `now` tells AWS's time in seconds."""

    def __init__(self, now: Callable[[], float] = lambda: 0.0) -> None:
        self._now = now
        self._active: list[Active] = []

    def put(self, text: str, target: str | None = None) -> Active:
        """Begin a fault; one that is in force on the same target begins anew. Raises FaultError."""
        made = parse(text)
        made.start(self._now)
        others = [a for a in self._active if (str(a.fault), a.target) != (str(made), target)]
        self._active = [*others, Active(made, target)]
        return self._active[-1]

    def end(self, active: Active) -> None:
        """End a fault, if it is still in force."""
        self._active = [a for a in self._active if a is not active]

    def clear(self, text: str | None = None, target: str | None = None) -> None:
        """End the faults with this text and this target; None: any. Raises FaultError."""
        ended = text and str(parse(text))
        self._active = [a for a in self._active if ended not in (None, str(a.fault)) or target not in (None, a.target)]

    def listed(self) -> list[Active]:
        """What is in force, the oldest first."""
        return list(self._active)

    def of(self, kind: type[F], target: str) -> list[F]:
        """The faults of a kind that are about a target."""
        return [a.fault for a in self._active if isinstance(a.fault, kind) and a.target in (None, target)]
