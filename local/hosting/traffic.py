"""How an update replaces one fleet by another: a DeploymentConfig as a sequence of steps, forward and back. Pure.

The four kinds of shifting differ in two things only: the stairs that the new fleet's traffic climbs, in whole
instances, and whether the fleets change size with it (rolling) or stand side by side until the end (blue/green).
Sources: the API reference of BlueGreenUpdatePolicy, RollingUpdatePolicy and CapacitySize; the developer guide,
"Deployment guardrails". It must never wait, move traffic, or refuse anything: `rules` does the last.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

DeploymentConfig = Mapping[str, Any]
Counts = Mapping[str, int]
"""Instances by variant."""

Rounding = Literal["down", "up"]

_ALL_AT_ONCE: Mapping[str, Any] = {"TrafficRoutingConfiguration": {"Type": "ALL_AT_ONCE"}}
_EVERYTHING: Mapping[str, Any] = {"Type": "CAPACITY_PERCENT", "Value": 100}


@dataclass(frozen=True)
class Step:
    """How the two fleets stand while a step bakes.

    `old` and `new` are the instances that are up, `active` how many of the new ones have traffic; the old fleet has the
    rest of it. `bake_seconds` (AWS seconds) is what the policy's member `wait` says.
    """

    old: Counts
    new: Counts
    active: Counts
    bake_seconds: float = 0
    wait: str = ""


def policy(config: DeploymentConfig) -> Mapping[str, Any]:
    """The update policy; none at all is blue/green, ALL_AT_ONCE, as SageMaker has it."""
    chosen: Mapping[str, Any] = config.get("RollingUpdatePolicy") or config.get("BlueGreenUpdatePolicy", _ALL_AT_ONCE)
    return chosen


def forward(config: DeploymentConfig, old: Counts, new: Counts, rounding: Rounding) -> tuple[Step, ...]:
    """The steps from the old fleet to the new one; after the last, the old one is gone and nothing bakes."""
    stairs = _stairs(config, new, rounding)
    chosen = policy(config)
    if "RollingUpdatePolicy" in config:
        before = [_none(new), *stairs]
        wait = chosen["WaitIntervalInSeconds"]
        steps = [
            Step(_kept(config, old, new, was), active, active, wait, "WaitIntervalInSeconds")
            for was, active in zip(before, stairs, strict=False)
        ]
    else:
        wait = chosen["TrafficRoutingConfiguration"].get("WaitIntervalInSeconds", 0)
        final = chosen.get("TerminationWaitInSeconds", 0)
        steps = [Step(old, new, active, wait, "WaitIntervalInSeconds") for active in stairs[:-1]]
        steps.append(Step(old, new, new, final, "TerminationWaitInSeconds"))
    return (*steps, Step(_none(old), new, new))


def back(
    config: DeploymentConfig, old: Counts, new: Counts, up: Counts, active: Counts, rounding: Rounding
) -> tuple[Step, ...]:
    """The steps back to the old fleet, when `up` instances of the new one are up and `active` of them have traffic.

    Blue/green goes back at once; rolling in batches of RollbackMaximumBatchSize, which is everything unless given.
    """
    size = policy(config).get("RollbackMaximumBatchSize", _EVERYTHING)
    batches = {name: whole(size, count, rounding) for name, count in new.items()}
    steps = []
    while any(active.values()):
        fewer = {name: max(0, count - batches[name]) for name, count in active.items()}
        steps.append(Step(_kept(config, old, new, fewer), up, fewer))
        up = active = fewer
    return (*steps, Step(old, _none(new), _none(new)))


def whole(size: Mapping[str, Any], count: int, rounding: Rounding, times: int = 1) -> int:
    """A CapacitySize, so many times, in whole instances of `count`: no less than one, no more than all."""
    if size["Type"] == "INSTANCE_COUNT":
        wanted = size["Value"] * times
    else:
        hundredths = count * size["Value"] * times
        wanted = hundredths // 100 if rounding == "down" else math.ceil(hundredths / 100)
    return int(min(count, max(1, wanted)))


def _stairs(config: DeploymentConfig, new: Counts, rounding: Rounding) -> Sequence[Counts]:
    """How many new instances have traffic, step by step, up to all of them."""
    chosen = policy(config)
    if "RollingUpdatePolicy" in config:
        size = chosen["MaximumBatchSize"]
        return _climb({name: _batches(whole(size, count, rounding), count) for name, count in new.items()})
    routing = chosen["TrafficRoutingConfiguration"]
    if routing["Type"] == "CANARY":
        canary = {name: whole(routing["CanarySize"], count, rounding) for name, count in new.items()}
        return (canary, new)
    if routing["Type"] == "LINEAR":
        size = routing["LinearStepSize"]
        return _climb({name: _shares(size, count, rounding) for name, count in new.items()})
    return (new,)


def _batches(batch: int, count: int) -> list[int]:
    return [min(count, batch * step) for step in range(1, math.ceil(count / batch) + 1)]


def _shares(size: Mapping[str, Any], count: int, rounding: Rounding) -> list[int]:
    whole_size = count if size["Type"] == "INSTANCE_COUNT" else 100
    return [whole(size, count, rounding, step) for step in range(1, math.ceil(whole_size / size["Value"]) + 1)]


def _climb(stairs: Mapping[str, list[int]]) -> Sequence[Counts]:
    """The stairs of several variants as one; who is up first waits for the others."""
    height = max(map(len, stairs.values()))
    return [{name: own[min(step, len(own) - 1)] for name, own in stairs.items()} for step in range(height)]


def _kept(config: DeploymentConfig, old: Counts, new: Counts, active: Counts) -> Counts:
    """The old instances that are up when so many new ones have traffic: all of them unless the update is rolling."""
    if "RollingUpdatePolicy" not in config:
        return old
    return {name: count - count * active[name] // new[name] if name in new else count for name, count in old.items()}


def _none(counts: Counts) -> Counts:
    return dict.fromkeys(counts, 0)
