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
        self._full = False
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

    async def _copy(self, exchange: Exchange) -> None:
        event_id = exchange.event_id if self._unverified.shadow_event_id == "shared" else None
        await self._ask(self._shadow, exchange.body, exchange.headers, exchange.dice, event_id)

    def _has_room(self, size: int) -> bool:
        full = len(self._copies) >= MOST_COPIES or self._bytes + size > MOST_BYTES
        if full and not self._full:
            place = self._shadow.place
            what = f"shadow variant {place.variant} of endpoint {place.endpoint} does not keep up"
            _log.warning("%s: nothing is copied to it while %d copies are under way", what, len(self._copies))
        self._full = full
        return not full

    def _ended(self, copy: asyncio.Task[None]) -> None:
        self._bytes -= self._copies.pop(copy)
        if not copy.cancelled() and copy.exception() is not None:
            _log.error("a copy to shadow variant %s failed: %r", self._shadow.place.variant, copy.exception())
