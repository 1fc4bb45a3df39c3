"""Scales endpoint variants: what their policies' alarms ask for, minute by minute, through SageMaker's own operation.

It changes capacity as any client would, with UpdateEndpointWeightsAndCapacities, so an endpoint that is being updated
refuses it. Sources: the Application Auto Scaling user guide, "Target tracking scaling policies" and "Scaling
activities"; the developer guide, "Update endpoints that use auto scaling". How many instances is `tracking`'s decision.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from local.autoscaling import tracking
from local.autoscaling.activities import Activities
from local.autoscaling.policies import HIGH, LOW, ScalingPolicy
from local.autoscaling.targets import Target
from local.autoscaling.tracking import Scaled, Variant
from local.cloudwatch import CloudWatch
from local.context import Context, Response
from local.errors import AwsError
from local.hosting import Hosting

_LOOK_SECONDS = 5.0
"""How often it looks whether SageMaker has done what it was asked (AWS seconds)."""

_FEWEST = 1
"""Only inference components and asynchronous endpoints go down to no instance, and neither is offered here."""


@dataclass(frozen=True)
class _Ask:
    """What one policy's alarm comes to."""

    wanted: int
    cause: str


class Scaler:
    """Evaluates the targets, and sees each change of capacity through."""

    def __init__(self, context: Context, cloudwatch: CloudWatch, hosting: Hosting, activities: Activities) -> None:
        self._clock = context.clock
        self._unverified = context.unverified
        self._cloudwatch = cloudwatch
        self._hosting = hosting
        self._activities = activities
        self._changing: dict[str, asyncio.Task[None]] = {}

    async def close(self) -> None:
        """Stop watching changes that are under way."""
        for task in self._changing.values():
            task.cancel()
        await asyncio.gather(*self._changing.values(), return_exceptions=True)

    def variant(self, target: Target) -> Response | None:
        """The variant as DescribeEndpoint shows it; None when there is no such endpoint or variant."""
        try:
            described = self._hosting.describe_endpoint({"EndpointName": target.endpoint})
        except AwsError:
            return None
        return next((v for v in described["ProductionVariants"] if v["VariantName"] == target.variant), None)

    def adjust(self, target: Target) -> None:
        """Bring the capacity within the target's bounds, if it is outside of them and its endpoint is in service."""
        variant = self._sized(target)
        if variant is None or self._status(target) != "InService":
            return
        wanted = variant.bounded(variant.capacity)
        if wanted != variant.capacity:
            bound = ("minimum", target.minimum) if wanted > variant.capacity else ("maximum", target.maximum)
            self._change(target, variant, wanted, "{} capacity was set to {}".format(*bound))

    def evaluate(self, target: Target, policies: Sequence[ScalingPolicy], end: int) -> None:
        """Do what a target's policies ask for after the minute that ended at `end` (epoch seconds)."""
        variant = self._sized(target)
        if variant is None or target.resource in self._changing:
            return
        outward = [ask for policy in policies if (ask := self._outward(target, policy, variant, end))]
        able = [policy for policy in policies if policy.tracking.scales_in]
        inward = [self._inward(target, policy, variant, end) for policy in able]
        numbers = [ask.wanted if ask else None for ask in inward]
        wanted = tracking.combined([ask.wanted for ask in outward], numbers, variant.capacity)
        deciding = [ask for ask in outward or inward if ask and ask.wanted == wanted]
        if not deciding:
            return
        if wanted != variant.capacity:
            self._change(target, variant, wanted, deciding[0].cause)
        else:
            self._explain(target, variant, deciding[0].cause, outwards=bool(outward))

    def _outward(self, target: Target, policy: ScalingPolicy, variant: Variant, end: int) -> _Ask | None:
        if target.suspended["DynamicScalingOutSuspended"]:
            return None

        def decide(measured: float) -> int:
            return tracking.scale_out(policy.tracking, variant, measured, self._clock.time(), target.scaled_out)

        return self._ask(policy, HIGH, end, decide)

    def _inward(self, target: Target, policy: ScalingPolicy, variant: Variant, end: int) -> _Ask | None:
        if target.suspended["DynamicScalingInSuspended"]:
            return None
        one_by_one = self._unverified.scale_in_step == "one_by_one"

        def decide(measured: float) -> int:
            now = self._clock.time()
            return tracking.scale_in(policy.tracking, variant, measured, now, target.scaled_in, one_by_one=one_by_one)

        return self._ask(policy, LOW, end, decide)

    def _ask(self, policy: ScalingPolicy, kind: str, end: int, decide: Callable[[float], int]) -> _Ask | None:
        """What the policy makes of the last minute, if that alarm of it is in ALARM and the minute was measured."""
        alarm = policy.alarms.get(kind, "")
        if not self._acts(alarm):
            return None
        measured = self._measured(policy, end)
        if measured is None:
            return None
        return _Ask(decide(measured), f"monitor alarm {alarm} in state ALARM triggered policy {policy.name}")

    def _acts(self, alarm: str) -> bool:
        """Whether there is such an alarm, in ALARM, and nobody disabled its actions."""
        found = self._cloudwatch.describe_alarms({"AlarmNames": [alarm], "StateValue": "ALARM"})["MetricAlarms"]
        return bool(alarm and found and found[0]["ActionsEnabled"])

    def _measured(self, policy: ScalingPolicy, end: int) -> float | None:
        metric: dict[str, Any] = policy.metric()
        statistic = metric.pop("Statistic")
        answer = self._cloudwatch.get_metric_statistics(
            {
                **metric,
                "StartTime": datetime.fromtimestamp(end - 60, UTC),
                "EndTime": datetime.fromtimestamp(end, UTC),
                "Period": 60,
                "Statistics": [statistic],
            }
        )
        points = answer["Datapoints"]
        return float(points[0][statistic]) if points else None

    def _explain(self, target: Target, variant: Variant, cause: str, *, outwards: bool) -> None:
        """Why an alarm led to nothing: there can be no more, there can be no fewer, or there are as many as needed."""
        if outwards and variant.capacity >= variant.maximum:
            self._activities.not_scaled(target, cause, "AlreadyAtMaxCapacity", MaxCapacity=variant.maximum)
        elif not outwards and variant.capacity <= variant.minimum:
            self._activities.not_scaled(target, cause, "AlreadyAtMinCapacity", MinCapacity=variant.minimum)
        else:
            self._activities.not_scaled(target, cause, "AlreadyAtDesiredCapacity", CurrentCapacity=variant.capacity)

    def _change(self, target: Target, variant: Variant, wanted: int, cause: str) -> None:
        if self._status(target) != "InService" and self._unverified.scaling_while_updating == "not_scaled":
            self._activities.not_scaled(target, cause, "TargetServicePutResourceAsUnscalable")
            return
        change = {"VariantName": target.variant, "DesiredInstanceCount": wanted}
        try:
            self._hosting.update_endpoint_weights_and_capacities(
                {"EndpointName": target.endpoint, "DesiredWeightsAndCapacities": [change]}
            )
        except AwsError as refused:
            self._activities.failed(target, wanted, cause, refused.message)
            return
        activity = self._activities.begin(target, wanted, cause)
        task = asyncio.create_task(self._see_through(target, variant, wanted, activity))
        self._changing[target.resource] = task
        task.add_done_callback(lambda _: self._changing.pop(target.resource, None))

    async def _see_through(self, target: Target, before: Variant, wanted: int, activity: Response) -> None:
        while self._status(target) in ("Updating", "RollingBack"):
            await self._clock.sleep(_LOOK_SECONDS)
        after = self._sized(target)
        asked = f"Successfully set desired instance count to {wanted}."
        if after is None or after.capacity != wanted:
            self._activities.end(activity, "Unfulfilled", f"{asked} Change could not be fulfilled by sagemaker.")
            return
        self._activities.end(activity, "Successful", f"{asked} Change successfully fulfilled by sagemaker.")
        scaled = Scaled(self._clock.time(), before.capacity)
        if wanted > before.capacity:
            target.scaled_out, target.scaled_in = scaled, None
        else:
            target.scaled_in = scaled

    def _sized(self, target: Target) -> Variant | None:
        shown = self.variant(target)
        if shown is None:
            return None
        return Variant(shown["DesiredInstanceCount"], max(target.minimum, _FEWEST), max(target.maximum, _FEWEST))

    def _status(self, target: Target) -> str | None:
        try:
            return str(self._hosting.describe_endpoint({"EndpointName": target.endpoint})["EndpointStatus"])
        except AwsError:
            return None
