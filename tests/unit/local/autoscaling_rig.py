"""The rig of the autoscaling tests: an endpoint on a real fleet, and a CloudWatch whose minutes pass by hand."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from local.autoscaling import AutoScaling
from local.cloudwatch.store import MINUTE
from local.context import Response
from local.errors import AwsError
from local.unverified import DEFAULTS, Unverified
from tests.unit.local.test_hosting_rig import World, until

NAMED = {
    "ServiceNamespace": "sagemaker",
    "ResourceId": "endpoint/e/variant/AllTraffic",
    "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
}
DIMENSIONS = (("EndpointName", "e"), ("VariantName", "AllTraffic"))


class Scaling:
    """An endpoint `e` in service, Application Auto Scaling beside it, and a CloudWatch whose minutes pass by hand."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.hosting = world.hosting
        self.cloudwatch = world.cloudwatch
        self.service = AutoScaling(world.context, world.cloudwatch, world.hosting, seed=1)
        self.end = int(world.clock.time()) // MINUTE * MINUTE - 1000 * MINUTE

    def register(self, minimum: int | None = 1, maximum: int | None = 5, **more: Any) -> str:
        bounds = {"MinCapacity": minimum, "MaxCapacity": maximum}
        given = {name: value for name, value in bounds.items() if value is not None}
        return self.service.register_scalable_target({**NAMED, **given, **more})["ScalableTargetARN"]

    def policy(self, target: float = 100.0, name: str = "keep", **more: Any) -> Response:
        metric = {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"}
        configuration = {"TargetValue": target, "PredefinedMetricSpecification": metric, **more}
        return self.service.put_scaling_policy(
            {
                **NAMED,
                "PolicyName": name,
                "PolicyType": "TargetTrackingScaling",
                "TargetTrackingScalingPolicyConfiguration": configuration,
            }
        )

    def minutes(self, *invocations: float) -> None:
        """Minutes with so many invocations of each instance, and after each the evaluation of the alarms."""
        for count in invocations:
            key = ("AWS/SageMaker", "InvocationsPerInstance", DIMENSIONS)
            self.cloudwatch._store.samples(key, self.end).add(count)
            self.end += MINUTE
            self.cloudwatch.evaluate(self.end)

    def activities(self, **more: Any) -> list[Response]:
        asked = {"ServiceNamespace": "sagemaker", **more}
        return self.service.describe_scaling_activities(asked)["ScalingActivities"]

    @property
    def capacity(self) -> int:
        return self.world.describe()["ProductionVariants"][0]["DesiredInstanceCount"]

    async def settled(self) -> Response:
        """The newest activity once nothing is under way."""
        await until(lambda: not self.service._scaler._changing)
        return self.activities()[0]


@asynccontextmanager
async def scaling(folder: Path, *, count: int = 1, unverified: Unverified = DEFAULTS) -> AsyncIterator[Scaling]:
    world = World(folder, 2400.0, unverified, None)
    made = Scaling(world)
    try:
        await world.serve(count=count)
        yield made
    finally:
        await made.service.close()
        await world.hosting.close()


def run(tmp_path: Path, test: Callable[[Scaling], Awaitable[None]], **how: Any) -> None:
    """Run a test on an endpoint `e` in service."""

    async def go() -> None:
        async with scaling(tmp_path, **how) as s:
            await test(s)

    asyncio.run(go())


def refused(code: str, call: Callable[..., Any], *arguments: Any, **more: Any) -> str:
    """The message of the AwsError with that code which the call raises."""
    with pytest.raises(AwsError) as caught:
        call(*arguments, **more)
    assert caught.value.code == code
    return caught.value.message
