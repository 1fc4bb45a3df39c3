"""The canary: some whole instances of the new fleet take traffic, bake, and the rest follows for a final bake.

Duration: canary bake + final bake, plus the minutes SageMaker needs to provision the new fleet.
Real share: the canary's instances over the fleet's, because SageMaker spreads requests evenly over instances.
The size is sent as INSTANCE_COUNT: how SageMaker rounds CAPACITY_PERCENT is not documented.
Limits: AWS API reference, TrafficRoutingConfig and BlueGreenUpdatePolicy. Pure.
"""

from dataclasses import dataclass
from typing import Any

from deploy.policy import Policy


@dataclass(frozen=True)
class Step:
    """A part of the rollout: `instances` of the new fleet's `of` take traffic for `seconds`."""

    name: str
    instances: int
    of: int
    seconds: int

    @property
    def share(self) -> float:
        """Share of the endpoint's requests that the new fleet answers."""
        return self.instances / self.of


def canary_instances(policy: Policy, instances: int) -> int:
    """Whole instances of a fleet of that size that the canary is made of; 0 when the share is too small for one."""
    return int(policy.rollout.canary.percent * instances / 100 + 1e-9)


def steps(policy: Policy, instances: int) -> tuple[Step, ...]:
    """What happens, in order, once the new fleet is up."""
    return (
        Step("canary", canary_instances(policy, instances), instances, _seconds(policy.rollout.canary.bake_minutes)),
        Step("whole fleet", instances, instances, _seconds(policy.rollout.final_bake_minutes)),
    )


def problem(policy: Policy, instances: int) -> str:
    """Why a fleet of that size cannot give the canary its share; empty when it can."""
    if canary_instances(policy, instances) >= 1:
        return ""
    percent = policy.rollout.canary.percent
    if instances == 1:
        return f"rollout.canary.percent is {percent:g}, but 1 instance cannot be divided: a canary needs 2 or more"
    smallest = 100 / instances
    return (
        f"rollout.canary.percent is {percent:g}, which is {percent * instances / 100:.2g} of {instances} instances; "
        f"the canary is made of whole instances, so its smallest share there is {smallest:.4g} %"
    )


def deployment_config(policy: Policy, instances: int, alarms: list[str]) -> dict[str, Any]:
    """UpdateEndpoint's DeploymentConfig."""
    canary, whole = steps(policy, instances)
    return {
        "BlueGreenUpdatePolicy": {
            "TrafficRoutingConfiguration": {
                "Type": "CANARY",
                "CanarySize": {"Type": "INSTANCE_COUNT", "Value": canary.instances},
                "WaitIntervalInSeconds": canary.seconds,
            },
            "TerminationWaitInSeconds": whole.seconds,
            "MaximumExecutionTimeoutInSeconds": _seconds(policy.rollout.timeout_minutes),
        },
        "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": name} for name in alarms]},
    }


def _seconds(minutes: float) -> int:
    return round(minutes * 60)
