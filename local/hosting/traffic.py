"""How a blue/green deployment shifts traffic: the steps of a DeploymentConfig, and the rules it must follow. Pure.

Sources: the API reference of BlueGreenUpdatePolicy, TrafficRoutingConfig and CapacitySize; the developer guide,
"Deployment guardrails" and its exclusions. It must never wait or move traffic.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from local.errors import AwsError, validation

DeploymentConfig = Mapping[str, Any]

DEFAULT_TIMEOUT_SECONDS = 28_800
"""MaximumExecutionTimeoutInSeconds when none is given. AWS documents no default; this is the most it allows."""

_TIMEOUTS = (600, 28_800)
_LARGEST_WAIT = 3_600
_MOST_ALARMS = 10
_LARGEST_CANARY = 0.5
_LINEAR_STEP = (0.1, 0.5)


@dataclass(frozen=True)
class Shift:
    """One step: how many green instances of each variant get traffic, and how long that bakes in AWS seconds.

    `name` is the member of the policy that says how long.
    """

    active: Mapping[str, int]
    bake_seconds: float
    name: str


def check(config: DeploymentConfig, counts: Mapping[str, int]) -> None:
    """Refuse a DeploymentConfig that SageMaker refuses. `counts`: instances of each variant of the new fleet.

    Raises AwsError ValidationException.
    """
    _check_alarms(alarms(config))
    if "RollingUpdatePolicy" in config:
        raise validation("RollingUpdatePolicy is not offered here yet: use BlueGreenUpdatePolicy.")
    policy = config.get("BlueGreenUpdatePolicy")
    if policy is None:
        return
    routing = policy["TrafficRoutingConfiguration"]
    _check_between("WaitIntervalInSeconds", routing["WaitIntervalInSeconds"], 0, _LARGEST_WAIT)
    _check_between("TerminationWaitInSeconds", policy.get("TerminationWaitInSeconds", 0), 0, _LARGEST_WAIT)
    _check_between("MaximumExecutionTimeoutInSeconds", timeout_seconds(config), *_TIMEOUTS)
    kind = routing["Type"]
    _check_size(routing, "CanarySize", kind == "CANARY", counts, (0.0, _LARGEST_CANARY))
    _check_size(routing, "LinearStepSize", kind == "LINEAR", counts, _LINEAR_STEP)
    waits = sum(shift.bake_seconds for shift in shifts(config, counts))
    if waits >= timeout_seconds(config):
        raise validation(
            f"MaximumExecutionTimeoutInSeconds is {timeout_seconds(config)}; it must be more than the {waits:g} "
            "seconds that the deployment waits in all."
        )


def alarms(config: DeploymentConfig) -> Sequence[str]:
    """The names of the alarms that roll the deployment back."""
    return [alarm["AlarmName"] for alarm in config.get("AutoRollbackConfiguration", {}).get("Alarms", [])]


def timeout_seconds(config: DeploymentConfig) -> int:
    """How long the deployment may take, in AWS seconds."""
    policy = config.get("BlueGreenUpdatePolicy", {})
    return int(policy.get("MaximumExecutionTimeoutInSeconds", DEFAULT_TIMEOUT_SECONDS))


def shifts(config: DeploymentConfig, counts: Mapping[str, int]) -> tuple[Shift, ...]:
    """The steps in order. The last one puts all traffic on the new fleet and bakes for TerminationWaitInSeconds.

    No policy at all is ALL_AT_ONCE, as SageMaker has it.
    """
    policy = config.get("BlueGreenUpdatePolicy", {})
    routing = policy.get("TrafficRoutingConfiguration", {"Type": "ALL_AT_ONCE"})
    everything = Shift(counts, policy.get("TerminationWaitInSeconds", 0), "TerminationWaitInSeconds")
    if routing["Type"] == "ALL_AT_ONCE":
        return (everything,)
    name = "CanarySize" if routing["Type"] == "CANARY" else "LinearStepSize"
    size, wait = routing[name], routing["WaitIntervalInSeconds"]
    steps = 2 if name == "CanarySize" else max(_linear_steps(size, count) for count in counts.values())
    parts = [
        Shift(
            {variant: _instances(size, count, step) for variant, count in counts.items()}, wait, "WaitIntervalInSeconds"
        )
        for step in range(1, steps)
    ]
    return (*parts, everything)


def _linear_steps(size: Mapping[str, Any], count: int) -> int:
    whole = count if size["Type"] == "INSTANCE_COUNT" else 100
    return math.ceil(whole / int(size["Value"]))


def _instances(size: Mapping[str, Any], count: int, step: int) -> int:
    """Whole instances after `step` steps of a size: a percentage is rounded down, to no less than one.

    How SageMaker rounds is not documented; rounding down keeps a canary within its 50 %.
    """
    wanted = size["Value"] * step
    if size["Type"] == "CAPACITY_PERCENT":
        wanted = count * size["Value"] * step // 100
    return int(min(count, max(1, wanted)))


def _check_alarms(names: Sequence[str]) -> None:
    if len(names) > _MOST_ALARMS:
        raise validation(f"AutoRollbackConfiguration has {len(names)} alarms; it must have 1 to {_MOST_ALARMS}.")
    if len(set(names)) < len(names):
        raise validation("AutoRollbackConfiguration names an alarm more than once.")


def _check_size(
    routing: Mapping[str, Any], member: str, needed: bool, counts: Mapping[str, int], limits: tuple[float, float]
) -> None:
    size = routing.get(member)
    if (size is not None) != needed:
        raise validation(
            f"{member} must {'' if needed else 'not '}be given for traffic routing type {routing['Type']}."
        )
    if size is None:
        return
    low, high = limits
    for variant, count in counts.items():
        share = size["Value"] / (100 if size["Type"] == "CAPACITY_PERCENT" else count)
        if not low <= share <= high:
            raise _size_error(member, size, variant, count, limits)


def _size_error(
    member: str, size: Mapping[str, Any], variant: str, count: int, limits: tuple[float, float]
) -> AwsError:
    low, high = limits
    allowed = f"{low:.0%} to {high:.0%}" if low else f"at most {high:.0%}"
    return validation(
        f"{member} of {size['Value']} {size['Type']} is not allowed for variant {variant} with {count} instance(s): "
        f"it must be {allowed} of the variant's capacity."
    )


def _check_between(member: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise validation(f"{member} is {value:g}; it must be between {low:g} and {high:g}.")
