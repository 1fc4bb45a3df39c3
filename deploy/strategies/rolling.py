"""Rolling: the fleet is replaced batch by batch, so that both fleets together are never much more than one.

Duration: batches x (bake_minutes, and the minutes SageMaker needs to start a batch); there are fleet / batch batches,
rounded up. There is no final bake: the last batch's bake is the last time an alarm brings the old fleet back.
Real share: after each batch its instances over the fleet's.
Limits: AWS API reference, RollingUpdatePolicy (a batch is 5 to 50 % of the fleet; one production variant).
"""

from typing import Any

from deploy.settings import seconds, setting
from deploy.strategies.shift import Problem, Shift, Step, count, even_steps, indivisible, part

SMALLEST = 0.05
KEY = "rollout.rolling.bake_minutes"


class Rolling(Shift):
    """The fleet is replaced batch by batch, each of which is watched."""

    percent: float = setting(
        "share of the fleet's instances that each batch replaces; rounded down to whole instances, one at least",
        example=25,
        limit="SageMaker allows 5 to 50 (MaximumBatchSize, AWS API reference RollingUpdatePolicy)",
        ge=5,
        le=50,
    )
    bake_minutes: float = setting(
        "how long each batch is watched before the next",
        example=5,
        limit="SageMaker allows up to 60 (WaitIntervalInSeconds, AWS API reference RollingUpdatePolicy)",
        gt=0,
        le=60,
    )
    rollback_percent: float = setting(
        "share of the fleet that a rollback brings back at a time",
        example=100,
        limit="SageMaker allows 5 to 100 (RollbackMaximumBatchSize, AWS API reference RollingUpdatePolicy)",
        ge=5,
        le=100,
        default=100.0,
    )

    def _batch(self, instances: int) -> int:
        return max(part(self.percent, instances), 1)

    def steps(self, instances: int, final_bake: int) -> tuple[Step, ...]:
        """The batches."""
        return even_steps("batch", self._batch(instances), instances, seconds(self.bake_minutes), KEY)

    def update_policy(self, instances: int, final_bake: int, timeout: int) -> dict[str, Any]:
        """A RollingUpdatePolicy."""
        return {
            "RollingUpdatePolicy": {
                "MaximumBatchSize": count(self._batch(instances)),
                "RollbackMaximumBatchSize": count(max(part(self.rollback_percent, instances), 1)),
                "WaitIntervalInSeconds": seconds(self.bake_minutes),
                "MaximumExecutionTimeoutInSeconds": timeout,
            }
        }

    def problem(self, instances: int) -> Problem | None:
        """A fleet of one, or one whose batches SageMaker finds too small."""
        if instances == 1:
            return indivisible("rollout.rolling.percent", "a rolling update")
        if self._batch(instances) / instances < SMALLEST:
            said = f"rollout.rolling.percent {self.percent:g} of {instances} instances is {self._batch(instances)}"
            return Problem(
                f"{said}, less than the 5 % that SageMaker allows", "Write a larger rollout.rolling.percent."
            )
        return None
