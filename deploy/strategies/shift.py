"""What a guarded shift is: traffic moves from the old fleet to the new one in steps, each of whole instances.

SageMaker moves the traffic and rolls it back when an alarm fires; a shift only says how. Every shift is a section of
the stage file (`rollout.<name>`) that knows its own steps. Pure.
"""

import math
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from deploy.settings import Settings

FINAL_BAKE = "rollout.final_bake_minutes"


@dataclass(frozen=True)
class Step:
    """A part of the rollout: `instances` of the new fleet's `of` take traffic for `seconds`, which `key` says."""

    name: str
    instances: int
    of: int
    seconds: int
    key: str

    @property
    def share(self) -> float:
        """Share of the endpoint's requests that the new fleet answers: SageMaker spreads them over instances evenly."""
        return self.instances / self.of


@dataclass(frozen=True)
class Problem:
    """Why a fleet cannot be shifted so, and what to write in the stage file instead."""

    what: str
    fix: str


class Shift(Settings):
    """A guarded shift. Every method is given the size of the new fleet; times are in seconds."""

    @abstractmethod
    def steps(self, instances: int, final_bake: int) -> tuple[Step, ...]:
        """What happens, in order, once the new fleet (of a rolling update: its first batch) is up."""

    @abstractmethod
    def update_policy(self, instances: int, final_bake: int, timeout: int) -> dict[str, Any]:
        """The member of UpdateEndpoint's DeploymentConfig that says so."""

    def problem(self, instances: int) -> Problem | None:
        """Why a fleet of that size does not suit; None when it does."""
        return None

    def told(self, instances: int) -> str:
        """The shift in a few words."""
        sizes = " → ".join(str(step.instances) for step in self.steps(instances, 0))
        return f"{sizes} of {instances} instances"


def whole(instances: int, final_bake: int) -> Step:
    """The last step of every blue/green shift: all traffic on the new fleet, the old one still there to return to."""
    return Step("whole fleet", instances, instances, final_bake, FINAL_BAKE)


def blue_green(routing: Mapping[str, Any], final_bake: int, timeout: int) -> dict[str, Any]:
    """A BlueGreenUpdatePolicy: the new fleet comes up beside the old one and takes its traffic as `routing` says."""
    return {
        "BlueGreenUpdatePolicy": {
            "TrafficRoutingConfiguration": {"WaitIntervalInSeconds": 0, **routing},
            "TerminationWaitInSeconds": final_bake,
            "MaximumExecutionTimeoutInSeconds": timeout,
        }
    }


def count(instances: int) -> dict[str, Any]:
    """A size as INSTANCE_COUNT: how SageMaker rounds CAPACITY_PERCENT is not documented."""
    return {"Type": "INSTANCE_COUNT", "Value": instances}


def part(percent: float, instances: int) -> int:
    """Whole instances of a share of the fleet, rounded down; 0 when the share is too small for one."""
    return int(percent * instances / 100 + 1e-9)


def even_steps(name: str, batch: int, instances: int, wait: int, key: str) -> tuple[Step, ...]:
    """Steps of `batch` instances each until all of them have traffic; the last one may be smaller."""
    total = math.ceil(instances / batch)
    return tuple(
        Step(f"{name} {number} of {total}", min(batch * number, instances), instances, wait, key)
        for number in range(1, total + 1)
    )


def indivisible(key: str, what: str) -> Problem:
    """A single instance cannot be shifted in parts."""
    said = f"{key} is given, but 1 instance cannot be divided: {what} needs 2 or more"
    return Problem(said, "Write endpoint.instance_count: 2, or rollout.strategy: all_at_once.")
