"""Rolling updates with real model servers: batches forward, batches back, and a rollback that fails as well."""

import asyncio
from typing import Any

import pytest
from deployment_rig import alarm, canary, fire, guarded, instances, messages, percent, phases, rolling, statuses, update
from test_hosting_rig import World, processes, until

from local.errors import AwsError
from local.unverified import Unverified

TOLD = Unverified(failure_reason_after_rollback="kept")


async def second_batch(w: World, **how: Any) -> None:
    """A rolling update of 3 instances, one by one and watched by alarm `stop`: two new ones and two old ones are up."""
    await w.serve(count=3)
    config = guarded(rolling(instances(1), wait=600, **how), alarm(w, "stop", config="v2"))
    update(w, 2, config, count=3)
    await until(lambda: phases(w).count("new Baking") == 2)


async def mixed(w: World) -> None:
    """An endpoint on both configs: neither the rolling update nor its rollback found capacity."""
    await second_batch(w)
    w.hosting.faults.put("capacity", "e")
    fire(w, "stop")
    await w.settled()


@pytest.mark.aws(
    "Deployments",
    "Each rolling batch is launched, gets its share of the traffic, bakes, and replaces as many old instances",
    "Developer guide: Rolling deployments",
)
def test_a_rolling_update_replaces_the_fleet_batch_by_batch(run):
    async def story(w: World) -> None:
        await w.serve(count=4)
        update(w, 2, rolling(percent(50), wait=60), count=4)
        described = await w.settled()
        assert described["EndpointConfigName"] == "v2"
        assert messages(w) == [
            "Launching 2 instance(s).",
            "Activating traffic on canary capacity of 2 instance(s).",
            "Baking for 60 seconds (WaitIntervalInSeconds) with traffic enabled on canary capacity of 2 instance(s).",
            "Terminating 2 instance(s).",
            "Launching 2 instance(s).",
            "Activating traffic on full capacity of 4 instance(s).",
            "Baking for 60 seconds (WaitIntervalInSeconds) with traffic enabled on full capacity of 4 instance(s).",
            "Terminating 2 instance(s).",
        ]
        assert len(processes(w.hosting)) == 4

    run(story)


@pytest.mark.aws(
    "Deployments",
    "A rolling update needs no more than a batch of extra instances",
    "Developer guide: Rolling deployments",
)
def test_while_a_batch_bakes_both_fleets_serve_by_capacity(run):
    async def story(w: World) -> None:
        await w.serve(count=4)
        update(w, 2, rolling(instances(1), wait=600), count=4)
        await until(lambda: phases(w).count("new Baking") == 2)
        described = w.describe()
        pending = described["PendingDeploymentSummary"]["ProductionVariants"][0]
        assert (pending["CurrentInstanceCount"], pending["DesiredInstanceCount"]) == (2, 4)
        assert described["ProductionVariants"][0]["CurrentInstanceCount"] == 3
        bodies = [(await w.invoke()).body for _ in range(200)]
        assert 70 < bodies.count(b"v2:x") < 130

    run(story)


def test_no_request_is_lost_in_a_rolling_update(run):
    async def story(w: World) -> None:
        await w.serve(count=2)
        update(w, 2, rolling(instances(1), wait=30), count=2)
        codes: list[int] = []

        async def client() -> None:
            while w.describe()["EndpointStatus"] != "InService":
                codes.append((await w.invoke()).status)

        await asyncio.gather(*(client() for _ in range(4)))
        assert len(codes) > 100
        assert set(codes) == {200}

    run(story)


@pytest.mark.aws(
    "Deployments",
    "A rolling update that an alarm stops brings the old fleet up again and ends InService on the old config",
    "API: RollingUpdatePolicy",
)
def test_a_rolling_update_is_rolled_back_at_once_unless_it_says_otherwise(run):
    async def story(w: World) -> None:
        await second_batch(w)
        so_far = len(messages(w))
        fire(w, "stop")
        described = await w.settled()
        assert (described["EndpointStatus"], described["EndpointConfigName"]) == ("InService", "v1")
        assert described["ProductionVariants"][0]["CurrentInstanceCount"] == 3
        assert messages(w)[so_far:] == [
            "Launching 1 instance(s).",
            "Activating traffic on full capacity of 3 instance(s).",
            "Terminating 2 instance(s).",
        ]
        assert {(await w.invoke()).body for _ in range(20)} == {b"v1:x"}

    run(story)


@pytest.mark.aws(
    "Deployments",
    "RollbackMaximumBatchSize says in which batches a rolling update is rolled back",
    "API: RollingUpdatePolicy",
)
def test_a_rolling_update_is_rolled_back_in_the_batches_that_it_says(run):
    async def story(w: World) -> None:
        await second_batch(w, rollback=instances(1))
        so_far = len(messages(w))
        fire(w, "stop")
        assert (await w.settled())["EndpointConfigName"] == "v1"
        assert messages(w)[so_far:] == [
            "Activating traffic on canary capacity of 2 instance(s).",
            "Terminating 1 instance(s).",
            "Launching 1 instance(s).",
            "Activating traffic on full capacity of 3 instance(s).",
            "Terminating 1 instance(s).",
        ]

    run(story)


@pytest.mark.aws(
    "Deployments",
    "When a rolling update and its rollback both fail the endpoint is UpdateRollbackFailed and serves both configs",
    "API: DescribeEndpoint",
)
def test_a_rollback_that_fails_leaves_both_configs_in_service(run):
    async def story(w: World) -> None:
        await mixed(w)
        described = w.describe()
        assert (described["EndpointStatus"], described["EndpointConfigName"]) == ("UpdateRollbackFailed", "v1")
        assert described["PendingDeploymentSummary"] is None
        assert "alarm stop is in ALARM state" in described["FailureReason"]
        assert "The rollback failed as well: Unable to provision" in described["FailureReason"]
        answers = [await w.invoke() for _ in range(60)]
        assert {answer.status for answer in answers} == {200}
        assert {answer.body for answer in answers} == {b"v1:x", b"v2:x"}
        assert statuses(w)[-2:] == ["ROLLING_BACK", "UPDATE_ROLLBACK_FAILED"]

    run(story)


def test_what_both_configs_of_a_failed_rollback_use_cannot_be_deleted(run):
    async def story(w: World) -> None:
        await mixed(w)
        for name in ("v1", "v2"):
            with pytest.raises(AwsError, match="while an endpoint uses it"):
                w.hosting.delete_endpoint_config({"EndpointConfigName": name})

    run(story)


@pytest.mark.aws(
    "Deployments",
    "UpdateEndpoint brings an UpdateRollbackFailed endpoint back InService, on the old config or another one",
    "Developer guide: Rolling deployments",
)
@pytest.mark.parametrize("config", ["v1", "v3"])
def test_an_update_brings_an_endpoint_on_both_configs_back_to_one(run, config):
    async def story(w: World) -> None:
        await mixed(w)
        w.config(3)
        w.hosting.faults.clear()
        w.hosting.update_endpoint({"EndpointName": "e", "EndpointConfigName": config})
        described = await w.settled()
        assert (described["EndpointStatus"], described["EndpointConfigName"]) == ("InService", config)
        assert {(await w.invoke()).body for _ in range(20)} == {f"{config}:x".encode()}
        assert len(processes(w.hosting)) == described["ProductionVariants"][0]["CurrentInstanceCount"]

    run(story)


def test_an_endpoint_on_both_configs_stays_so_when_the_next_update_fails(run):
    async def story(w: World) -> None:
        await mixed(w)
        update(w, 3)
        await until(lambda: w.describe()["EndpointStatus"] != "UpdateRollbackFailed")
        assert (await w.settled())["EndpointStatus"] == "UpdateRollbackFailed"
        assert {(await w.invoke()).body for _ in range(60)} == {b"v1:x", b"v2:x"}

    run(story)


def test_an_endpoint_on_both_configs_is_not_rolled_or_scaled_and_can_be_deleted(run):
    async def story(w: World) -> None:
        await mixed(w)
        with pytest.raises(AwsError, match="serves two configurations: use BlueGreenUpdatePolicy"):
            update(w, 3, rolling(percent(50)))
        scale = [{"VariantName": "AllTraffic", "DesiredInstanceCount": 1}]
        with pytest.raises(AwsError, match="UpdateEndpoint must bring it back to one configuration"):
            w.hosting.update_endpoint_weights_and_capacities(
                {"EndpointName": "e", "DesiredWeightsAndCapacities": scale}
            )
        w.hosting.delete_endpoint({"EndpointName": "e"})
        await until(lambda: not w.hosting.list_endpoints({})["Endpoints"])

    run(story)


def test_a_batch_that_does_not_come_up_sends_a_rolling_update_back(run):
    async def story(w: World) -> None:
        await w.serve(count=2)
        update(w, 2, rolling(instances(1), wait=60), count=2)
        await until(lambda: "new Baking" in phases(w))
        w.hosting.faults.put("capacity", "e")
        await until(lambda: w.describe()["EndpointStatus"] == "RollingBack")
        w.hosting.faults.clear()
        described = await w.settled()
        assert (described["EndpointStatus"], described["EndpointConfigName"]) == ("InService", "v1")
        assert "InsufficientInstanceCapacity" in described["FailureReason"]

    run(story, TOLD)


def test_a_canary_never_ends_on_both_configs(run):
    """Its old fleet is whole until the end: there is nothing to launch on the way back."""

    async def story(w: World) -> None:
        await w.serve()
        update(w, 2, guarded(canary(instances(1), wait=600), alarm(w, "stop", config="v2")))
        await until(lambda: "new Baking" in phases(w))
        w.hosting.faults.put("capacity", "e")
        fire(w, "stop")
        assert (await w.settled())["EndpointStatus"] == "InService"

    run(story)
