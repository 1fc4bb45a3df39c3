"""A request to a variant and what its container replied: what the data capture and the shadow of a fleet go by.

It must never hold anything that a client has not sent or a container has not said.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from local.hosting.dice import Dice


@dataclass(frozen=True)
class Reply:
    """What came back from a container, status 0 when nothing did, and the seconds from sending to the last byte."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    seconds: float

    @property
    def good(self) -> bool:
        """Whether the container answered 2XX."""
        return 200 <= self.status < 300


@dataclass(frozen=True)
class Exchange:
    """One request, its headers found whatever their case, and the reply; what else happens to it is up to its `dice`.

    `event_id` is its name in captured data.
    """

    event_id: str
    body: bytes
    headers: Mapping[str, str]
    reply: Reply
    dice: Dice
