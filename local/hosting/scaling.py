"""UpdateEndpointWeightsAndCapacities: new weights, or another number of instances, for the fleet that serves.

It is no deployment and nothing guards it. Sources: the API reference of the operation and of ProductionVariantSummary;
the developer guide, "Events that SageMaker sends to EventBridge" (the messages). It must never start another fleet.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from local.errors import validation
from local.hosting.deployment import World
from local.hosting.endpoint import Endpoint
from local.hosting.fleet import Fleet
from local.hosting.launcher import LaunchError


def check(wanted: Sequence[Mapping[str, Any]], fleet: Fleet, arn: str) -> None:
    """Refuse what SageMaker refuses of DesiredWeightsAndCapacities. Raises AwsError ValidationException."""
    names = [item["VariantName"] for item in wanted]
    for item in wanted:
        name = item["VariantName"]
        if name not in fleet.variants:
            raise validation(f'Could not find variant "{name}" on endpoint "{arn}".')
        if names.count(name) > 1:
            raise validation(f"DesiredWeightsAndCapacities names variant {name} more than once.")
        if "ServerlessUpdateConfig" in item:
            raise validation(f"Variant {name} is not serverless: leave ServerlessUpdateConfig out.")
        if item.get("DesiredInstanceCount", 1) < 1:
            raise validation(
                f"DesiredInstanceCount of variant {name} must be 1 or more: only inference components go to 0."
            )
    if sum("DesiredInstanceCount" in item for item in wanted) > 1:
        raise validation("A request can change the capacity of one variant only: give one DesiredInstanceCount.")
    asked = {item["VariantName"]: item["DesiredWeight"] for item in wanted if "DesiredWeight" in item}
    if not any(asked.get(name, variant.desired_weight) for name, variant in fleet.production.items()):
        raise validation("At least one production variant must keep a DesiredWeight above 0.")


async def rescale(world: World, endpoint: Endpoint, weights: dict[str, float], counts: dict[str, int]) -> None:
    """New weights and instance counts of the fleet that serves. Ends InService, on a failure with the old ones."""
    fleet = endpoint.blue
    assert fleet is not None
    endpoint.failure_reason = None
    for name, weight in weights.items():
        fleet.variants[name].desired_weight = weight
    before = fleet.counts
    for name, count in counts.items():
        fleet.variants[name].desired_count = count
        way = "out" if count > before[name] else "in"
        fleet.show("Updating", {name: f"Scaling {way} desired instance count to {count}."})
    world.changed(endpoint)
    if counts and not fleet.guardrails_excluded:
        world.advanced(endpoint)
    try:
        await fleet.grow(counts)
    except LaunchError as error:
        endpoint.fail(str(error))
        endpoint.status = "RollingBack"
        world.changed(endpoint)
        for name in counts:
            fleet.variants[name].desired_count = before[name]
        for variant in fleet.variants.values():
            variant.desired_weight = variant.weight
        if world.unverified.failure_reason_after_rollback == "empty":
            endpoint.failure_reason = None
    else:
        await fleet.shrink(counts)
        fleet.activate(counts)
        for variant in fleet.variants.values():
            variant.weight = variant.desired_weight
    fleet.steady()
    endpoint.status = "InService"
    world.changed(endpoint)
