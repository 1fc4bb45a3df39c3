"""Scaling and the updates and deletion of its endpoint stay out of each other's way as AWS documents."""

import pytest

from local.unverified import Unverified
from tests.unit.local.autoscaling_rig import NAMED, Scaling, refused, run
from tests.unit.local.test_hosting_rig import canary, production


def deploy(s: Scaling) -> None:
    """Start a canary deployment of another version on two instances."""
    update = {"EndpointName": "e", "EndpointConfigName": s.world.config(2, count=2), "DeploymentConfig": canary(600)}
    s.hosting.update_endpoint(update)


@pytest.mark.aws(
    "Autoscaling",
    "Scaling is blocked while the endpoint is updated, and goes on afterwards",
    "Developer guide: Update endpoints that use auto scaling",
)
def test_scaling_is_blocked_while_the_endpoint_is_updated_and_goes_on_after(tmp_path):
    async def test(s: Scaling) -> None:
        s.register()
        s.policy(100)
        deploy(s)
        s.minutes(250, 250, 250)
        [activity] = s.activities()
        assert activity["StatusCode"] == "Failed"
        assert activity["StatusMessage"].startswith(
            "Failed to set desired instance count to 5. Reason: Cannot update in-progress endpoint"
        )
        assert (await s.world.settled())["EndpointConfigName"] == "v2"
        assert s.capacity == 2
        s.minutes(250)
        assert (await s.settled())["StatusCode"] == "Successful"
        assert s.capacity == 5

    run(tmp_path, test, count=2)


def test_a_blocked_scaling_is_an_activity_that_did_not_scale_in_the_other_reading(tmp_path):
    async def test(s: Scaling) -> None:
        s.register()
        s.policy(100)
        deploy(s)
        s.minutes(250, 250, 250)
        assert s.activities() == []
        [activity] = s.activities(IncludeNotScaledActivities=True)
        assert activity["NotScaledReasons"] == [{"Code": "TargetServicePutResourceAsUnscalable"}]

    run(tmp_path, test, count=2, unverified=Unverified(scaling_while_updating="not_scaled"))


@pytest.mark.aws(
    "Autoscaling",
    "UpdateEndpoint is refused while a scaling is under way",
    "API: UpdateEndpoint",
)
def test_an_update_is_refused_while_a_scaling_is_under_way(tmp_path):
    async def test(s: Scaling) -> None:
        s.register()
        s.policy(100)
        s.minutes(250, 250, 250)
        assert "Cannot update in-progress endpoint" in refused("ValidationException", deploy, s)

    run(tmp_path, test)


@pytest.mark.aws(
    "Autoscaling",
    "An update that changes the instance type of a scaled variant, or removes it, is refused until it is deregistered",
    "Developer guide: Update endpoints that use auto scaling",
)
@pytest.mark.parametrize("changed", [{"InstanceType": "ml.c5.large"}, {"VariantName": "Other"}])
def test_an_update_that_takes_the_scaled_variant_away_is_refused_until_it_is_deregistered(tmp_path, changed):
    async def test(s: Scaling) -> None:
        s.register()
        s.world.config(2)
        variant = {**production("AllTraffic", "v2", 1), **changed}
        s.hosting.create_endpoint_config({"EndpointConfigName": "other", "ProductionVariants": [variant]})
        update = {"EndpointName": "e", "EndpointConfigName": "other"}
        said = refused("ValidationException", s.hosting.update_endpoint, update)
        assert '"[AllTraffic]" must be deregistered as scalable targets' in said
        assert s.world.describe()["EndpointStatus"] == "InService"
        s.service.deregister_scalable_target(NAMED)
        s.hosting.update_endpoint(update)
        assert (await s.world.settled())["EndpointConfigName"] == "other"

    run(tmp_path, test)


@pytest.mark.parametrize(("retain", "instances"), [(False, 1), (True, 3)])
@pytest.mark.aws(
    "Autoscaling",
    "An update without RetainAllVariantProperties takes a scaled variant back to its InitialInstanceCount",
    "Developer guide: Update endpoints that use auto scaling",
)
def test_an_update_takes_the_scaled_capacity_back_unless_it_is_retained(tmp_path, retain, instances):
    async def test(s: Scaling) -> None:
        s.register()
        s.policy(100)
        s.minutes(250, 250, 250)
        await s.settled()
        assert s.capacity == 3
        config = s.world.config(2, count=1)
        update = {"EndpointName": "e", "EndpointConfigName": config, "RetainAllVariantProperties": retain}
        s.hosting.update_endpoint(update)
        await s.world.settled()
        assert s.capacity == instances

    run(tmp_path, test)


@pytest.mark.aws(
    "Autoscaling",
    "DeleteEndpoint deregisters the targets of the endpoint",
    "Developer guide: Delete endpoints configured for auto scaling",
)
def test_deleting_an_endpoint_deregisters_its_targets_with_their_policies_and_alarms(tmp_path):
    async def test(s: Scaling) -> None:
        s.register()
        s.policy()
        s.hosting.delete_endpoint({"EndpointName": "e"})
        assert s.service.describe_scalable_targets({"ServiceNamespace": "sagemaker"})["ScalableTargets"] == []
        assert s.cloudwatch.describe_alarms({})["MetricAlarms"] == []

    run(tmp_path, test)
