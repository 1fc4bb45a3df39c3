"""The canary: some whole instances of the new fleet take traffic first, bake, and the rest follows for a final bake.

Duration: bake_minutes + final_bake_minutes, and the minutes SageMaker needs to start the whole new fleet.
Real share: the canary's instances over the fleet's; then all.
Limits: AWS API reference, TrafficRoutingConfig (CanarySize is at most half of the fleet) and BlueGreenUpdatePolicy.
"""

import math
from typing import Any

from deploy.settings import seconds, setting
from deploy.strategies.shift import Problem, Shift, Step, blue_green, count, part, whole

KEY = "rollout.canary.bake_minutes"


class Canary(Shift):
    """A part of the new fleet takes traffic first, is watched, and then the rest follows."""

    percent: float = setting(
        "share of the new fleet's instances that takes traffic first; rounded down to whole instances",
        example=50,
        limit="SageMaker allows 1 to 50 (CanarySize, AWS API reference TrafficRoutingConfig)",
        ge=1,
        le=50,
    )
    bake_minutes: float = setting(
        "how long the canary is watched before the rest follows",
        example=10,
        limit="SageMaker allows up to 60 (WaitIntervalInSeconds, AWS API reference TrafficRoutingConfig)",
        gt=0,
        le=60,
    )

    def steps(self, instances: int, final_bake: int) -> tuple[Step, ...]:
        """The canary, then everything."""
        first = Step("canary", part(self.percent, instances), instances, seconds(self.bake_minutes), KEY)
        return (first, whole(instances, final_bake))

    def update_policy(self, instances: int, final_bake: int, timeout: int) -> dict[str, Any]:
        """Traffic routing of type CANARY."""
        canary, _ = self.steps(instances, final_bake)
        routing = {"Type": "CANARY", "CanarySize": count(canary.instances), "WaitIntervalInSeconds": canary.seconds}
        return blue_green(routing, final_bake, timeout)

    def problem(self, instances: int) -> Problem | None:
        """A share that is less than one instance."""
        if part(self.percent, instances) >= 1:
            return None
        said = f"rollout.canary.percent is {self.percent:g}"
        enough = math.ceil(100 / self.percent)
        if instances == 1:
            return Problem(
                f"{said}, but 1 instance cannot be divided: a canary needs 2 or more",
                f"Write endpoint.instance_count: {enough}.",
            )
        smallest = 100 / instances
        return Problem(
            (
                f"{said}, which is {self.percent * instances / 100:.2g} of {instances} instances; "
                f"the canary is made of whole instances, so its smallest share there is {smallest:.4g} %"
            ),
            f"Write rollout.canary.percent: {math.ceil(smallest)}, or endpoint.instance_count: {enough}.",
        )
