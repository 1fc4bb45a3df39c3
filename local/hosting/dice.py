"""The dice that requests are routed with, so that the same seed routes the n-th request of an endpoint the same again.

A roll is a function of the seed, the endpoint, the number of the request there, and what is decided with it. So no
decision shifts another: a variant more, a canary or a sampled capture changes no roll but its own. It must never be
asked for anything but chance.
"""

import random
from collections import Counter
from collections.abc import Sequence
from hashlib import blake2b
from typing import TypeVar

_BITS = 53
"""As many as a float between 0 and 1 holds, so that no roll is rounded up to 1."""

T = TypeVar("T")


class Dice:
    """The dice of one request."""

    __slots__ = ("_key",)

    def __init__(self, key: str) -> None:
        self._key = key

    def roll(self, decision: str) -> float:
        """A number from 0 up to, not including, 1; for one decision always the same."""
        digest = blake2b(f"{self._key} {decision}".encode(), digest_size=8).digest()
        return (int.from_bytes(digest) >> (64 - _BITS)) / float(1 << _BITS)


class Croupier:
    """Hands each request of an endpoint its dice, by number. Without a seed nobody can repeat them."""

    def __init__(self, seed: int | None) -> None:
        self._seed = random.SystemRandom().getrandbits(64) if seed is None else seed
        self._requests: Counter[str] = Counter()

    def dice(self, endpoint: str) -> Dice:
        """The dice of the endpoint's next request."""
        self._requests[endpoint] += 1
        return Dice(f"{self._seed} {endpoint} {self._requests[endpoint]}")


def chosen(options: Sequence[T], roll: float, weights: Sequence[float] | None = None) -> T:
    """One of the options: each as likely as another, or by weights of which one at least is above 0."""
    if weights is None:
        return options[int(roll * len(options))]
    left = roll * sum(weights)
    for option, weight in zip(options, weights, strict=True):
        if left < weight:
            return option
        left -= weight
    return next(option for option, weight in zip(reversed(options), reversed(weights), strict=True) if weight)
