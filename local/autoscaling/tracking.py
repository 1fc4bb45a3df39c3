"""Target tracking: how many instances a variant should have, from what one of them is asked in a minute. Pure.

Sources: the Application Auto Scaling user guide, "How target tracking scaling works" (cooldown periods among it), and
the API reference of TargetTrackingScalingPolicyConfiguration. It must never read a metric, an alarm or a clock.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

_ROUNDING = 1e-9
"""Relative: a quotient that is whole but for the last bits of a float is not another instance."""


@dataclass(frozen=True)
class Policy:
    """What a policy asks for; cooldowns in AWS seconds."""

    target: float
    scale_out_cooldown: float
    scale_in_cooldown: float
    scales_in: bool


@dataclass(frozen=True)
class Variant:
    """What is to be scaled: its instances now, and between how many they are to stay."""

    capacity: int
    minimum: int
    maximum: int

    def bounded(self, wanted: int) -> int:
        """The nearest allowed number of instances."""
        return min(max(wanted, self.minimum), self.maximum)


@dataclass(frozen=True)
class Scaled:
    """The last scaling in one direction: when it was complete (AWS seconds), and the instances there were before it."""

    at: float
    before: int


def needed(capacity: int, measured: float, target: float) -> int:
    """Instances that bring what each of `capacity` was measured to have down to the target, or just below it."""
    exact = capacity * measured / target
    return math.ceil(exact * (1 - _ROUNDING))


def scale_out(policy: Policy, variant: Variant, measured: float, now: float, last: Scaled | None) -> int:
    """The instances the variant should have when its metric is above the target: never fewer than it has.

    During the cooldown the instances that were just added are part of the answer: only what is needed beyond them, as
    the metric of those before asks for it, is added.
    """
    cooling = last is not None and now - last.at < policy.scale_out_cooldown
    base = last.before if cooling and last is not None else variant.capacity
    return max(variant.capacity, variant.bounded(needed(base, measured, policy.target)))


def scale_in(
    policy: Policy, variant: Variant, measured: float, now: float, last: Scaled | None, *, one_by_one: bool = False
) -> int:
    """The instances the variant should have when its metric is below the target: never more than it has.

    During the cooldown, and when the policy does not scale in, as many as now. `one_by_one`: take one away at a time.
    """
    if not policy.scales_in or (last is not None and now - last.at < policy.scale_in_cooldown):
        return variant.capacity
    wanted = needed(variant.capacity, measured, policy.target)
    if one_by_one:
        wanted = max(wanted, variant.capacity - 1)
    return min(variant.capacity, variant.bounded(wanted))


def combined(outward: Sequence[int], inward: Sequence[int | None], capacity: int) -> int:
    """What several policies come to: the largest capacity that any asks for, fewer only when all of them ask for fewer.

    `outward` holds what policies that see too much ask for, `inward` what each policy that may scale in asks for, None
    where it sees no reason to.
    """
    if outward:
        return max(outward)
    asked = [wanted for wanted in inward if wanted is not None]
    return max(asked) if asked and len(asked) == len(inward) else capacity
