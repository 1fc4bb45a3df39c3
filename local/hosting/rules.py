"""What SageMaker refuses of a DeploymentConfig, beyond what the model of the request says. Pure.

Sources: the API reference of DeploymentConfig, BlueGreenUpdatePolicy, RollingUpdatePolicy and TrafficRoutingConfig; the
developer guide, "Deployment guardrails" and its exclusions. It must never look at alarms or endpoints.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from local.errors import AwsError, validation
from local.hosting import traffic
from local.hosting.traffic import Counts, DeploymentConfig
from local.unverified import Unverified

_CANARY = (0.0, 0.5)
_LINEAR_STEP = (0.1, 0.5)
_BATCH = (0.05, 0.5)


def alarms(config: DeploymentConfig) -> Sequence[str]:
    """The names of the alarms that roll the deployment back."""
    return [alarm["AlarmName"] for alarm in config.get("AutoRollbackConfiguration", {}).get("Alarms", [])]


def timeout_seconds(config: DeploymentConfig, unverified: Unverified) -> int:
    """How long the deployment may take, in AWS seconds."""
    omitted = int(unverified.timeout_when_omitted)
    return int(traffic.policy(config).get("MaximumExecutionTimeoutInSeconds", omitted))


def check(config: DeploymentConfig, counts: Counts, unverified: Unverified, *, shadowed: bool = False) -> None:
    """Refuse a DeploymentConfig that SageMaker refuses.

    `counts` are the instances of each production variant of the new fleet; `shadowed` is whether the endpoint, or its
    new config, has a shadow variant. Raises AwsError ValidationException.
    """
    names = alarms(config)
    if len(set(names)) < len(names):
        raise validation("AutoRollbackConfiguration names an alarm more than once.")
    if "BlueGreenUpdatePolicy" in config and "RollingUpdatePolicy" in config:
        raise validation("DeploymentConfig has two update policies: give BlueGreenUpdatePolicy or RollingUpdatePolicy.")
    kind = _kind(config)
    if kind != "ALL_AT_ONCE":
        _check_shiftable(kind, counts, unverified, shadowed=shadowed)
    if "RollingUpdatePolicy" in config:
        _check_rolling(config["RollingUpdatePolicy"], counts, unverified)
    elif "BlueGreenUpdatePolicy" in config:
        _check_blue_green(config["BlueGreenUpdatePolicy"], counts, unverified)
    timeout = timeout_seconds(config, unverified)
    steps = traffic.forward(config, counts, counts, unverified.canary_rounding)
    waits = sum(step.bake_seconds for step in steps)
    if waits >= timeout:
        raise validation(
            f"MaximumExecutionTimeoutInSeconds is {timeout}; it must be more than the {waits:g} seconds that the "
            "deployment waits in all."
        )


def _kind(config: DeploymentConfig) -> str:
    if "RollingUpdatePolicy" in config:
        return "RollingUpdatePolicy"
    return str(traffic.policy(config)["TrafficRoutingConfiguration"]["Type"])


def _check_shiftable(kind: str, counts: Counts, unverified: Unverified, *, shadowed: bool) -> None:
    if len(counts) > 1 and (kind == "RollingUpdatePolicy" or unverified.shifting_many_variants == "refuse"):
        raise validation(
            f"{kind} is not allowed for an endpoint with {len(counts)} production variants: use ALL_AT_ONCE."
        )
    if shadowed and unverified.shifting_with_shadow == "refuse":
        raise validation(f"{kind} is not allowed for an endpoint with a shadow variant: use ALL_AT_ONCE.")


def _check_rolling(policy: Mapping[str, Any], counts: Counts, unverified: Unverified) -> None:
    _check_size("MaximumBatchSize", policy["MaximumBatchSize"], counts, _BATCH, unverified)
    back = policy.get("RollbackMaximumBatchSize", {})
    if back.get("Type") == "CAPACITY_PERCENT" and back["Value"] > 100:
        raise validation(f"RollbackMaximumBatchSize is {back['Value']} CAPACITY_PERCENT; it must be 100 or less.")


def _check_blue_green(policy: Mapping[str, Any], counts: Counts, unverified: Unverified) -> None:
    routing = policy["TrafficRoutingConfiguration"]
    for member, kind, limits in (("CanarySize", "CANARY", _CANARY), ("LinearStepSize", "LINEAR", _LINEAR_STEP)):
        size, needed = routing.get(member), routing["Type"] == kind
        if (size is not None) != needed:
            raise validation(
                f"{member} must {'' if needed else 'not '}be given for traffic routing type {routing['Type']}."
            )
        if size is not None:
            _check_size(member, size, counts, limits, unverified)


def _check_size(
    member: str, size: Mapping[str, Any], counts: Counts, limits: tuple[float, float], unverified: Unverified
) -> None:
    low, high = limits
    percent = size["Type"] == "CAPACITY_PERCENT"
    for variant, count in counts.items():
        share = size["Value"] / (100 if percent else count)
        divisible = count > 1 or not percent or unverified.percentage_of_one_instance == "whole"
        if not (low <= share <= high and divisible):
            raise _size_error(member, size, variant, count, limits)


def _size_error(
    member: str, size: Mapping[str, Any], variant: str, count: int, limits: tuple[float, float]
) -> AwsError:
    low, high = limits
    allowed = f"{low:.0%} to {high:.0%}" if low else f"at most {high:.0%}"
    return validation(
        f"{member} of {size['Value']} {size['Type']} is not allowed for variant {variant} with {count} instance(s): "
        f"it must be {allowed} of the variant's capacity, in whole instances."
    )
