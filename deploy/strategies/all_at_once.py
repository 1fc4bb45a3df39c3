"""All at once: the whole new fleet takes all traffic in one step, and the old one stays for the final bake.

Duration: final_bake_minutes, and the minutes SageMaker needs to start the whole new fleet.
Real share: everything. An alarm that fires in the final bake brings the old fleet back; without a final bake, or
without an alarm, nothing does, which a stage has to allow in words (`rollout.allow_unguarded`).
Limits: AWS API reference, BlueGreenUpdatePolicy.
"""

from typing import Any

from deploy.strategies.shift import Shift, Step, blue_green, whole


class AllAtOnce(Shift):
    """The whole new fleet takes all traffic in one step."""

    def steps(self, instances: int, final_bake: int) -> tuple[Step, ...]:
        """One step."""
        return (whole(instances, final_bake),)

    def update_policy(self, instances: int, final_bake: int, timeout: int) -> dict[str, Any]:
        """Traffic routing of type ALL_AT_ONCE."""
        return blue_green({"Type": "ALL_AT_ONCE"}, final_bake, timeout)
