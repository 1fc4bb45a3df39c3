"""Linear: traffic moves to the new fleet in equal steps of whole instances, each of which bakes.

Duration: (steps - 1) x bake_minutes + final_bake_minutes, and the minutes SageMaker needs to start the whole new fleet;
there are fleet / step steps, rounded up.
Real share: after each step its instances over the fleet's.
Limits: AWS API reference, TrafficRoutingConfig (LinearStepSize is 10 to 50 % of the fleet) and BlueGreenUpdatePolicy.
"""

from typing import Any

from deploy.settings import seconds, setting
from deploy.strategies.shift import (
    Problem,
    Shift,
    Step,
    blue_green,
    count,
    even_steps,
    indivisible,
    part,
    whole,
)

SMALLEST = 0.1
KEY = "rollout.linear.bake_minutes"


class Linear(Shift):
    """Traffic moves in equal steps, each of which is watched."""

    percent: float = setting(
        "share of the new fleet's instances that each step adds; rounded down to whole instances, one at least",
        example=25,
        limit="SageMaker allows 10 to 50 (LinearStepSize, AWS API reference TrafficRoutingConfig)",
        ge=10,
        le=50,
    )
    bake_minutes: float = setting(
        "how long each step is watched before the next",
        example=5,
        limit="SageMaker allows up to 60 (WaitIntervalInSeconds, AWS API reference TrafficRoutingConfig)",
        gt=0,
        le=60,
    )

    def _step(self, instances: int) -> int:
        return max(part(self.percent, instances), 1)

    def steps(self, instances: int, final_bake: int) -> tuple[Step, ...]:
        """Equal steps; the last one bakes as the final bake says."""
        equal = even_steps("step", self._step(instances), instances, seconds(self.bake_minutes), KEY)
        return (*equal[:-1], whole(instances, final_bake))

    def update_policy(self, instances: int, final_bake: int, timeout: int) -> dict[str, Any]:
        """Traffic routing of type LINEAR."""
        routing = {
            "Type": "LINEAR",
            "LinearStepSize": count(self._step(instances)),
            "WaitIntervalInSeconds": seconds(self.bake_minutes),
        }
        return blue_green(routing, final_bake, timeout)

    def problem(self, instances: int) -> Problem | None:
        """A fleet of one, or one whose steps SageMaker finds too small."""
        if instances == 1:
            return indivisible("rollout.linear.percent", "a linear shift")
        if self._step(instances) / instances < SMALLEST:
            said = f"rollout.linear.percent {self.percent:g} of {instances} instances is {self._step(instances)}"
            return Problem(
                f"{said}, less than the 10 % that SageMaker allows", "Write a larger rollout.linear.percent."
            )
        return None
