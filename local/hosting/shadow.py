"""Shadow variants: a share of what a production variant is asked is asked of its shadow too, behind the client's back.

Sources: the API reference of CreateEndpointConfig (ShadowProductionVariants); the developer guide, "Shadow variants".
A client must never wait for a shadow, nor see it: one that hangs or fails costs nothing but its own metrics.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Literal

from local.hosting.dice import Dice
from local.hosting.exchange import Exchange, Reply
from local.hosting.fleet import Fleet, Variant
from local.unverified import Unverified

MOST_COPIES = 128
"""How many copies may be under way at once; further ones are not sent."""

MOST_BYTES = 64 * 1024 * 1024
"""How many bytes the bodies of the copies under way may have together; further ones are not sent."""

Ask = Callable[[Variant, bytes, Mapping[str, str], Dice, str | None], Awaitable[Reply]]
"""Asks a variant, measures it, tells its observers: (variant, body, headers, dice, event id or None for a new one)."""

_log = logging.getLogger(__name__)


def share(shadow: float, production: float, reading: Literal["ratio", "absolute"]) -> float:
    """The share of the requests that is copied, 0 to 1, by the weights of the two variants."""
    if reading == "ratio" and production:
        return min(1.0, shadow / production)
    return min(1.0, shadow)


def mirror(fleet: Fleet, ask: Ask, unverified: Unverified) -> None:
    """Have a fleet's shadow, when it has one, follow its production variant from now on."""
    if fleet.shadow is not None:
        (production,) = fleet.production.values()
        fleet.mirror = Mirror(production, fleet.shadow, ask, unverified)
        production.observers.append(fleet.mirror.observe)


class Mirror:
    """Observes a production variant and copies requests to a shadow variant.

    The copy leaves once the production variant has replied, so that the two do not compete for this machine's cores.
    """

    def __init__(self, production: Variant, shadow: Variant, ask: Ask, unverified: Unverified) -> None:
        self._production = production
        self._shadow = shadow
        self._ask = ask
        self._unverified = unverified
        self._copies: dict[asyncio.Task[None], int] = {}
        self._bytes = 0
        self._dropped = 0
        self._closed = False

    def observe(self, exchange: Exchange) -> None:
        """Copy the request or not, at random, by the weights as they are now."""
        wanted = share(self._shadow.weight, self._production.weight, self._unverified.shadow_share)
        size = len(exchange.body)
        if self._closed or exchange.dice.roll("copy") >= wanted or not self._has_room(size):
            return
        copy = asyncio.create_task(self._copy(exchange))
        self._copies[copy] = size
        self._bytes += size
        copy.add_done_callback(self._ended)

    async def close(self) -> None:
        """Give up the copies under way, unmeasured, and make no more."""
        self._closed = True
        copies = list(self._copies)
        for copy in copies:
            copy.cancel()
        await asyncio.gather(*copies, return_exceptions=True)
        if self._dropped:
            _log.warning("%s did not keep up: %d requests were not copied to it", self._name, self._dropped)

    async def _copy(self, exchange: Exchange) -> None:
        event_id = exchange.event_id if self._unverified.shadow_event_id == "shared" else None
        await self._ask(self._shadow, exchange.body, exchange.headers, exchange.dice, event_id)

    def _has_room(self, size: int) -> bool:
        if len(self._copies) < MOST_COPIES and self._bytes + size <= MOST_BYTES:
            return True
        if not self._dropped:
            _log.warning("%s does not keep up: nothing is copied while %d are under way", self._name, len(self._copies))
        self._dropped += 1
        return False

    def _ended(self, copy: asyncio.Task[None]) -> None:
        self._bytes -= self._copies.pop(copy)
        if not copy.cancelled() and copy.exception() is not None:
            _log.error("a copy to %s failed: %r", self._name, copy.exception())

    @property
    def _name(self) -> str:
        return f"shadow variant {self._shadow.place.variant} of endpoint {self._shadow.place.endpoint}"
