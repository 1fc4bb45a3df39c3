"""Blue/green deployments with real model servers: what is promoted, and what is said of it on the way."""

import asyncio

import pytest
from deployment_rig import (
    FAILING,
    alarm,
    blue_green,
    canary,
    deployment_events,
    guarded,
    instances,
    linear,
    messages,
    percent,
    phases,
    rolling,
    statuses,
    traffic,
    update,
)
from test_hosting_rig import World, is_running, processes, production, until

from local.errors import AwsError
from local.unverified import Unverified

ONE = canary(instances(1), wait=120, timeout=3600)


@pytest.mark.aws(
    "Deployments",
    "An update that no alarm stops ends InService on the new config, and the old fleet goes",
    "API: UpdateEndpoint",
)
def test_a_canary_that_keeps_quiet_is_promoted_and_the_old_fleet_goes(run):
    async def story(w: World) -> None:
        await w.serve()
        old = processes(w.hosting)
        config = guarded(canary(instances(1), wait=120, final=60), alarm(w, "errors", config="v2"))
        update(w, 2, config)
        await traffic(w)
        described = await w.settled()
        assert described["EndpointConfigName"] == "v2"
        assert described["PendingDeploymentSummary"] is None
        assert described["FailureReason"] is None
        assert described["LastDeploymentConfig"] == config
        assert not any(map(is_running, old))
        assert (await w.invoke()).body == b"v2:x"
        assert w.sums("Invocation5XXErrors") == 0

    run(story)


@pytest.mark.aws(
    "Deployments",
    "Until it completes, EndpointConfigName and ProductionVariants are the old fleet's and the new one is pending",
    "API: DescribeEndpoint",
)
def test_the_old_fleet_stays_in_the_description_until_the_new_one_has_taken_over(run):
    async def story(w: World) -> None:
        await w.serve()
        update(w, 2, ONE)
        await until(lambda: "new Baking" in phases(w))
        described = w.describe()
        pending = described["PendingDeploymentSummary"]
        assert (described["EndpointConfigName"], pending["EndpointConfigName"]) == ("v1", "v2")
        (old,), (new,) = described["ProductionVariants"], pending["ProductionVariants"]
        assert (old["CurrentInstanceCount"], new["CurrentInstanceCount"]) == (2, 2)
        assert new["InstanceType"] == "ml.m5.large"
        assert new["VariantStatus"][0]["StartTime"] >= pending["StartTime"]

    run(story)


@pytest.mark.aws(
    "Deployments",
    "A variant's status goes Creating, ActivatingTraffic, Baking, Deleting",
    "Developer guide: Events that SageMaker sends to EventBridge",
)
@pytest.mark.aws(
    "Events",
    "Each step of a deployment is an Endpoint Deployment State Change event",
    "Developer guide: Events that SageMaker sends to EventBridge",
)
def test_each_step_is_told_in_awss_words(run):
    async def story(w: World) -> None:
        await w.serve()
        update(w, 2, canary(instances(1), wait=60, final=30))
        await w.settled()
        shift = ["new ActivatingTraffic", "new Baking"]
        assert phases(w) == ["new Creating", *shift, *shift, "old Deleting"]
        assert messages(w) == [
            "Launching 2 instance(s).",
            "Activating traffic on canary capacity of 1 instance(s).",
            "Baking for 60 seconds (WaitIntervalInSeconds) with traffic enabled on canary capacity of 1 instance(s).",
            "Activating traffic on full capacity of 2 instance(s).",
            "Baking for 30 seconds (TerminationWaitInSeconds) with traffic enabled on full capacity of 2 instance(s).",
            "Terminating 2 instance(s).",
        ]
        assert statuses(w) == ["CREATING", "IN_SERVICE", "UPDATING", "IN_SERVICE"]

    run(story)


@pytest.mark.aws(
    "Events",
    "Endpoint events have times in epoch milliseconds, tags, and what is pending",
    "Developer guide: Events that SageMaker sends to EventBridge",
)
def test_an_event_of_a_deployment_is_complete(run):
    async def story(w: World) -> None:
        tags = [{"Key": "stage", "Value": "staging"}]
        w.hosting.create_endpoint({"EndpointName": "e", "EndpointConfigName": w.config(1), "Tags": tags})
        await w.settled()
        update(w, 2)
        await w.settled()
        event = deployment_events(w)[0]
        created = w.describe()["CreationTime"]
        assert event["EndpointStatus"] == "UPDATING"
        assert event["Tags"] == {"stage": "staging"}
        assert event["CreationTime"] == round(created.timestamp() * 1000)
        pending = event["PendingDeploymentSummary"]
        assert pending["EndpointConfigName"] == "v2"
        assert isinstance(pending["StartTime"], int)
        assert isinstance(pending["ProductionVariants"][0]["VariantStatus"][0]["StartTime"], int)

    run(story)


@pytest.mark.aws(
    "Deployments",
    "A canary is a share of capacity: one of two instances gets half of the traffic",
    "API: TrafficRoutingConfig",
)
def test_a_canary_of_one_in_two_instances_gets_half_of_the_traffic(run):
    async def story(w: World) -> None:
        await w.serve()
        update(w, 2, canary(instances(1), wait=3000))
        await until(lambda: "new Baking" in phases(w))
        bodies = [(await w.invoke()).body for _ in range(200)]
        assert w.describe()["EndpointStatus"] == "Updating"
        assert 70 < bodies.count(b"v2:x") < 130
        assert 70 < w.sums("Invocations", config="v2") < 130

    run(story)


@pytest.mark.aws(
    "Metrics",
    "Without the EndpointConfigName dimension a canary's errors are diluted by the old fleet",
    "Developer guide: Auto-rollback configuration and monitoring",
)
def test_the_same_failure_is_diluted_by_the_old_fleet_in_an_alarm_on_both(run):
    """One dead instance of five is a fifth of the errors: an alarm at 50 % on two dimensions sleeps through it."""

    async def story(w: World) -> None:
        await w.serve(count=5)
        w.hosting.faults.put(FAILING, w.package(2))
        name = alarm(w, "both", config=None, threshold=0.5)
        update(w, 2, guarded(canary(instances(1), wait=3000), name), count=5)
        while w.sums("Invocations", config="v2") < 10:
            await w.invoke()
        while w.cloudwatch.alarm_state(name)[0] == "INSUFFICIENT_DATA":
            await w.invoke()
            await asyncio.sleep(0.002)
        assert w.cloudwatch.alarm_state(name)[0] == "OK"
        assert w.sums("Invocation5XXErrors", config="v2", stat="Average") == 1
        assert w.sums("Invocation5XXErrors", stat="Average") < 0.5

    run(story)


def test_linear_traffic_goes_up_step_by_step(run):
    async def story(w: World) -> None:
        await w.serve(count=4)
        update(w, 2, linear(percent(25), wait=10, final=10), count=4)
        assert (await w.settled())["EndpointConfigName"] == "v2"
        assert phases(w).count("new Baking") == 4

    run(story)


def test_a_canary_of_a_single_instance_is_that_instance_where_the_switch_says_so(run):
    async def story(w: World) -> None:
        await w.serve(count=1)
        update(w, 2, canary(percent(10), wait=60), count=1)
        assert (await w.settled())["EndpointConfigName"] == "v2"
        assert "Activating traffic on full capacity of 1 instance(s)." in messages(w)

    run(story, Unverified(percentage_of_one_instance="whole"))


def test_an_update_without_a_policy_is_all_at_once_and_may_rename_the_variant(run):
    async def story(w: World) -> None:
        await w.serve()
        update(w, 2, variant="Other")
        described = await w.settled()
        assert described["EndpointConfigName"] == "v2"
        assert described["ProductionVariants"][0]["VariantName"] == "Other"
        assert described["LastDeploymentConfig"] is None
        assert phases(w) == ["new Creating", "new ActivatingTraffic", "old Deleting"]

    run(story)


@pytest.mark.aws(
    "Deployments",
    "On Inf1 instances an update is all at once, without a bake, alarms or deployment events",
    "Developer guide: Deployment guardrails, Exclusions",
)
def test_what_guardrails_exclude_is_updated_all_at_once_and_unwatched(run):
    async def story(w: World) -> None:
        await w.serve(InstanceType="ml.inf1.xlarge")
        config = guarded(canary(instances(1), wait=3000), alarm(w, "errors", config="v2"))
        update(w, 2, config, InstanceType="ml.inf1.xlarge")
        assert (await w.settled())["EndpointConfigName"] == "v2"
        assert deployment_events(w) == []

    run(story)


@pytest.mark.aws(
    "Deployments",
    "RetainAllVariantProperties keeps the desired counts and weights, but for ExcludeRetainedVariantProperties",
    "API: UpdateEndpoint",
)
def test_retained_properties_survive_an_update_and_the_rest_come_from_the_config(run):
    async def story(w: World) -> None:
        await w.serve(count=1)
        wanted = {"VariantName": "AllTraffic", "DesiredInstanceCount": 2, "DesiredWeight": 3.0}
        w.hosting.update_endpoint_weights_and_capacities({"EndpointName": "e", "DesiredWeightsAndCapacities": [wanted]})
        variant = (await w.settled())["ProductionVariants"][0]
        assert (variant["CurrentInstanceCount"], variant["CurrentWeight"]) == (2, 3.0)
        w.hosting.update_endpoint(
            {
                "EndpointName": "e",
                "EndpointConfigName": w.config(2, count=1),
                "RetainAllVariantProperties": True,
                "ExcludeRetainedVariantProperties": [{"VariantPropertyType": "DesiredWeight"}],
            }
        )
        variant = (await w.settled())["ProductionVariants"][0]
        assert (variant["CurrentInstanceCount"], variant["CurrentWeight"]) == (2, 1.0)

    run(story)


@pytest.mark.aws(
    "Deployments",
    "A DeploymentConfig given at creation guards nothing then, and RetainDeploymentConfig reuses it for an update",
    "Developer guide: Canary traffic shifting",
)
def test_a_configuration_kept_at_creation_is_reused_by_an_update_that_asks_for_it(run):
    async def story(w: World) -> None:
        creation = {"EndpointName": "e", "EndpointConfigName": w.config(1), "DeploymentConfig": ONE}
        w.hosting.create_endpoint(creation)
        await w.settled()
        assert phases(w) == []
        w.hosting.update_endpoint(
            {"EndpointName": "e", "EndpointConfigName": w.config(2), "RetainDeploymentConfig": True}
        )
        assert (await w.settled())["LastDeploymentConfig"] == ONE
        assert phases(w).count("new ActivatingTraffic") == 2

    run(story)


@pytest.mark.aws("Deployments", "There is no availability loss during an update", "API: UpdateEndpoint")
def test_no_request_is_lost_while_fleets_change(run):
    async def story(w: World) -> None:
        await w.serve()
        update(w, 2, canary(instances(1), wait=60))
        statuses: list[int] = []

        async def client() -> None:
            while w.describe()["EndpointStatus"] != "InService":
                statuses.append((await w.invoke()).status)

        await asyncio.gather(*(client() for _ in range(4)))
        assert len(statuses) > 100
        assert set(statuses) == {200}

    run(story)


def test_no_request_is_lost_when_an_update_takes_a_variant_away(run):
    async def story(w: World) -> None:
        w.config(1, count=1)
        w.config(2, count=1, variant="Other")
        both = [production("AllTraffic", "v1", 1), production("Other", "v2", 1)]
        w.hosting.create_endpoint_config({"EndpointConfigName": "both", "ProductionVariants": both})
        w.hosting.create_endpoint({"EndpointName": "e", "EndpointConfigName": "both"})
        await w.settled()
        w.hosting.update_endpoint({"EndpointName": "e", "EndpointConfigName": "v1"})
        statuses: list[int] = []
        while w.describe()["EndpointStatus"] != "InService":
            statuses.append((await w.invoke()).status)
        assert len(statuses) > 20
        assert set(statuses) == {200}

    run(story)


def test_the_update_to_the_config_that_serves_starts_a_new_fleet_where_the_switch_allows_it(run):
    async def story(w: World) -> None:
        await w.serve(count=1)
        before = processes(w.hosting)
        w.hosting.update_endpoint({"EndpointName": "e", "EndpointConfigName": "v1"})
        assert (await w.settled())["EndpointConfigName"] == "v1"
        assert not set(before) & set(processes(w.hosting))

    run(story, Unverified(same_config_update="allow"))


def test_all_at_once_has_its_final_bake(run):
    async def story(w: World) -> None:
        await w.serve(count=1)
        update(w, 2, blue_green("ALL_AT_ONCE", final=60), count=1)
        await w.settled()
        assert phases(w) == ["new Creating", "new ActivatingTraffic", "new Baking", "old Deleting"]

    run(story)


def fleet_config(w: World, version: int, served: tuple[str, ...], shadow: tuple[str, ...] = ()) -> str:
    """An endpoint config of production and shadow variants, two instances each, of v<version>'s model."""
    w.config(version)
    name = f"fleet-{version}"
    members = {"ProductionVariants": served, "ShadowProductionVariants": shadow}
    variants = {
        member: [production(variant, f"v{version}", 2) for variant in names]
        for member, names in members.items()
        if names
    }
    w.hosting.create_endpoint_config({"EndpointConfigName": name, **variants})
    return name


@pytest.mark.parametrize(
    ("served", "shadow", "policy"),
    [
        (("A", "B"), (), canary(percent(50), wait=60)),
        (("A",), ("S",), canary(percent(50), wait=60)),
        (("A",), ("S",), rolling(percent(50), wait=60)),
    ],
    ids=["two variants", "a canary beside a shadow", "rolling beside a shadow"],
)
def test_where_the_switches_allow_it_all_variants_shift_together(run, served, shadow, policy):
    async def story(w: World) -> None:
        old, new = (fleet_config(w, version, served, shadow) for version in (1, 2))
        w.hosting.create_endpoint({"EndpointName": "e", "EndpointConfigName": old})
        await w.settled()
        w.hosting.update_endpoint({"EndpointName": "e", "EndpointConfigName": new, "DeploymentConfig": policy})
        await until(lambda: "new Baking" in phases(w))
        pending = w.describe()["PendingDeploymentSummary"]
        variants = pending["ProductionVariants"] + (pending["ShadowProductionVariants"] or [])
        said = [variant["VariantStatus"][0]["StatusMessage"] for variant in variants]
        assert all(message.endswith("canary capacity of 1 instance(s).") for message in said)
        assert len(said) == 2
        assert (await w.settled())["EndpointConfigName"] == new
        assert {(await w.invoke()).body for _ in range(10)} == {b"v2:x"}

    run(story, Unverified(shifting_many_variants="allow", shifting_with_shadow="allow"))


def test_an_endpoint_with_a_shadow_is_only_replaced_all_at_once(run):
    async def story(w: World) -> None:
        old, new = fleet_config(w, 1, ("A",), ("S",)), fleet_config(w, 2, ("A",))
        w.hosting.create_endpoint({"EndpointName": "e", "EndpointConfigName": old})
        await w.settled()
        request = {"EndpointName": "e", "EndpointConfigName": new}
        with pytest.raises(AwsError, match="not allowed for an endpoint with a shadow variant"):
            w.hosting.update_endpoint({**request, "DeploymentConfig": canary(percent(50))})
        w.hosting.update_endpoint({**request, "DeploymentConfig": blue_green("ALL_AT_ONCE")})
        assert (await w.settled())["EndpointConfigName"] == new

    run(story)
