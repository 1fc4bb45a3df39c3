"""UpdateEndpointWeightsAndCapacities: what it changes, what is said meanwhile, and what it refuses."""

import pytest
from deployment_rig import deployment_events, messages, statuses
from test_hosting_rig import World, processes, production, until

from local.errors import AwsError
from local.unverified import Unverified


def rescale(w: World, *wanted: dict) -> None:
    """UpdateEndpointWeightsAndCapacities of `e`."""
    w.hosting.update_endpoint_weights_and_capacities({"EndpointName": "e", "DesiredWeightsAndCapacities": list(wanted)})


async def two_variants(w: World) -> None:
    """An endpoint `e` with variants A and B of one model."""
    w.config(1, count=1)
    variants = [production("A", "v1", 1), production("B", "v1", 1)]
    w.hosting.create_endpoint_config({"EndpointConfigName": "both", "ProductionVariants": variants})
    w.hosting.create_endpoint({"EndpointName": "e", "EndpointConfigName": "both"})
    await w.settled()


@pytest.mark.aws(
    "Endpoints",
    "While capacity changes the endpoint is Updating, and desired and current values differ",
    "API: ProductionVariantSummary",
)
@pytest.mark.aws(
    "Events",
    "A change of capacity is an Endpoint Deployment State Change event with VariantStatus Updating",
    "Developer guide: Events that SageMaker sends to EventBridge",
)
def test_scaling_out_shows_what_is_desired_and_then_has_it(run):
    async def story(w: World) -> None:
        await w.serve(count=1)
        rescale(w, {"VariantName": "AllTraffic", "DesiredInstanceCount": 2, "DesiredWeight": 3.0})
        await until(lambda: bool(deployment_events(w)))
        described = w.describe()
        variant = described["ProductionVariants"][0]
        assert described["EndpointStatus"] == "Updating"
        assert (variant["CurrentInstanceCount"], variant["DesiredInstanceCount"]) == (1, 2)
        assert (variant["CurrentWeight"], variant["DesiredWeight"]) == (1.0, 3.0)
        variant = (await w.settled())["ProductionVariants"][0]
        assert (variant["CurrentInstanceCount"], variant["CurrentWeight"]) == (2, 3.0)
        assert messages(w) == ["Scaling out desired instance count to 2."]
        assert "PendingDeploymentSummary" not in deployment_events(w)[0]

    run(story)


def test_scaling_in_takes_instances_away(run):
    async def story(w: World) -> None:
        await w.serve(count=2)
        rescale(w, {"VariantName": "AllTraffic", "DesiredInstanceCount": 1})
        assert (await w.settled())["ProductionVariants"][0]["CurrentInstanceCount"] == 1
        assert len(processes(w.hosting)) == 1
        assert (await w.invoke()).status == 200

    run(story)


@pytest.mark.aws(
    "Endpoints",
    "A change of capacity that fails is RollingBack, then InService with the old capacity and weight",
    "API: DescribeEndpoint",
)
def test_scaling_out_without_capacity_goes_back(run):
    async def story(w: World) -> None:
        await w.serve(count=1)
        w.hosting.faults.put("capacity", "e")
        rescale(w, {"VariantName": "AllTraffic", "DesiredInstanceCount": 3, "DesiredWeight": 2.0})
        described = await w.settled()
        variant = described["ProductionVariants"][0]
        assert (variant["CurrentInstanceCount"], variant["DesiredInstanceCount"]) == (1, 1)
        assert (variant["CurrentWeight"], variant["DesiredWeight"]) == (1.0, 1.0)
        assert "InsufficientInstanceCapacity" in described["FailureReason"]
        assert statuses(w)[-3:] == ["UPDATING", "ROLLING_BACK", "IN_SERVICE"]
        assert len(processes(w.hosting)) == 1

    run(story, Unverified(failure_reason_after_rollback="kept"))


@pytest.mark.aws(
    "Requests",
    "A request changes the weights of any variants, or the capacity of one",
    "API: UpdateEndpointWeightsAndCapacities",
)
def test_the_weights_of_several_variants_change_at_once_but_the_capacity_of_one_only(run):
    async def story(w: World) -> None:
        await two_variants(w)
        with pytest.raises(AwsError, match="capacity of one variant only"):
            rescale(w, *({"VariantName": name, "DesiredInstanceCount": 2} for name in "AB"))
        rescale(w, {"VariantName": "A", "DesiredWeight": 0.0}, {"VariantName": "B", "DesiredWeight": 2.0})
        variants = (await w.settled())["ProductionVariants"]
        assert [variant["CurrentWeight"] for variant in variants] == [0.0, 2.0]
        assert deployment_events(w) == []

    run(story)


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ([{"VariantName": "C", "DesiredWeight": 1.0}], 'Could not find variant "C"'),
        ([{"VariantName": "A"}, {"VariantName": "A"}], "names variant A more than once"),
        ([{"VariantName": "A", "DesiredInstanceCount": 0}], "must be 1 or more"),
        ([{"VariantName": name, "DesiredWeight": 0.0} for name in "AB"], "keep a DesiredWeight above 0"),
        ([{"VariantName": "A", "ServerlessUpdateConfig": {"MaxConcurrency": 1}}], "is not serverless"),
    ],
)
def test_what_cannot_be_is_refused_and_changes_nothing(run, wanted, message):
    async def story(w: World) -> None:
        await two_variants(w)
        with pytest.raises(AwsError, match=message):
            rescale(w, *wanted)
        assert w.describe()["EndpointStatus"] == "InService"
        assert [variant["DesiredWeight"] for variant in w.describe()["ProductionVariants"]] == [1.0, 1.0]

    run(story)
