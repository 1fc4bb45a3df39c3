"""Updates that go back: for which reasons, what is left of them, and what an endpoint says of it."""

import asyncio

import pytest
from deployment_rig import (
    FAILING,
    alarm,
    canary,
    fire,
    guarded,
    instances,
    messages,
    phases,
    statuses,
    traffic,
    update,
)
from test_hosting_rig import BROKEN, World, processes, until

from local.errors import AwsError
from local.unverified import Unverified

TOLD = Unverified(failure_reason_after_rollback="kept")
LONG = canary(instances(1), wait=3000)


async def baking(w: World, name: str = "stop") -> None:
    """An endpoint whose update to v2 is in its canary, guarded by one alarm."""
    await w.serve()
    update(w, 2, guarded(LONG, alarm(w, name, config="v2")))
    await until(lambda: "new Baking" in phases(w))


@pytest.mark.aws(
    "Deployments",
    "An alarm during a deployment sends all traffic back: the endpoint is InService on the old config",
    "Developer guide: Auto-rollback configuration and monitoring",
)
def test_an_alarm_on_the_new_fleet_takes_all_traffic_back(run):
    async def story(w: World) -> None:
        await w.serve()
        w.hosting.faults.put(FAILING, w.package(2))
        update(w, 2, guarded(canary(instances(1), wait=300), alarm(w, "errors", config="v2")))
        await traffic(w)
        described = await w.settled()
        assert (described["EndpointStatus"], described["EndpointConfigName"]) == ("InService", "v1")
        assert described["PendingDeploymentSummary"] is None
        assert [(await w.invoke()).status for _ in range(20)] == [200] * 20
        assert w.sums("Invocation5XXErrors", config="v1") == 0
        assert w.sums("Invocation5XXErrors", config="v2", stat="Average") == 1

    run(story)


def test_the_way_back_is_traffic_first_and_then_the_new_fleet_goes(run):
    async def story(w: World) -> None:
        await baking(w)
        fire(w, "stop")
        await w.settled()
        assert phases(w)[-2:] == ["old ActivatingTraffic", "new Deleting"]
        assert messages(w)[-2:] == [
            "Activating traffic on full capacity of 2 instance(s).",
            "Terminating 2 instance(s).",
        ]
        assert len(processes(w.hosting)) == 2

    run(story)


@pytest.mark.parametrize(("reading", "status"), [("RollingBack", "ROLLING_BACK"), ("Updating", "UPDATING")])
def test_a_rollback_shows_the_status_that_the_switch_says(run, reading, status):
    async def story(w: World) -> None:
        await baking(w)
        fire(w, "stop")
        await w.settled()
        assert statuses(w)[-3:] == ["UPDATING", status, "IN_SERVICE"]

    run(story, Unverified(rollback_status=reading))


def test_after_a_rollback_the_reason_is_gone_unless_the_switch_keeps_it(run):
    async def story(w: World) -> None:
        await baking(w)
        fire(w, "stop")
        await until(lambda: w.describe()["EndpointStatus"] == "RollingBack")
        assert "alarm stop is in ALARM state. an operator's wish" in w.describe()["FailureReason"]
        assert (await w.settled())["FailureReason"] is None

    run(story)


def test_after_a_rollback_the_reason_is_there_where_the_switch_keeps_it(run):
    async def story(w: World) -> None:
        await baking(w)
        fire(w, "stop")
        assert "an operator's wish" in (await w.settled())["FailureReason"]
        update(w, 3)
        assert (await w.settled())["FailureReason"] is None

    run(story, TOLD)


@pytest.mark.parametrize("reading", ["attempted", "previous"])
def test_after_a_rollback_the_last_deployment_is_the_one_that_the_switch_says(run, reading):
    async def story(w: World) -> None:
        await w.serve()
        update(w, 2, canary(instances(1), wait=10))
        first = (await w.settled())["LastDeploymentConfig"]
        second = guarded(LONG, alarm(w, "stop", config="v3"))
        update(w, 3, second)
        fire(w, "stop")
        described = await w.settled()
        assert described["EndpointConfigName"] == "v2"
        assert described["LastDeploymentConfig"] == (second if reading == "attempted" else first)

    run(story, Unverified(last_deployment_config_after_rollback=reading))


def test_an_alarm_set_by_hand_does_not_count_where_the_switch_says_so(run):
    async def story(w: World) -> None:
        await w.serve()
        update(w, 2, guarded(canary(instances(1), wait=600), alarm(w, "stop", config="v2")))
        await until(lambda: "new Baking" in phases(w))
        fire(w, "stop")
        assert (await w.settled())["EndpointConfigName"] == "v2"

    run(story, Unverified(alarm_set_by_hand="ignored"))


def test_an_update_whose_alarm_is_in_alarm_already_is_refused(run):
    async def story(w: World) -> None:
        await w.serve(count=1)
        fire(w, alarm(w, "stop", config="v2"))
        with pytest.raises(AwsError, match="alarm stop, which is in ALARM state already"):
            update(w, 2, guarded({}, "stop"), count=1)
        assert w.describe()["EndpointStatus"] == "InService"

    run(story)


def test_an_update_whose_alarm_is_in_alarm_already_goes_straight_back_where_the_switch_says_so(run):
    async def story(w: World) -> None:
        await w.serve(count=1)
        fire(w, alarm(w, "stop", config="v2"))
        update(w, 2, guarded({}, "stop"), count=1)
        assert (await w.settled())["EndpointConfigName"] == "v1"
        assert "new ActivatingTraffic" not in phases(w)

    run(story, Unverified(alarm_in_alarm_at_start="roll_back"))


def test_an_alarm_that_was_in_alarm_already_counts_once_it_has_left_it_where_the_switch_ignores_it(run):
    async def story(w: World) -> None:
        await w.serve()
        fire(w, alarm(w, "stop", config="v2"))
        update(w, 2, guarded(LONG, "stop"))
        await until(lambda: "new Baking" in phases(w))
        fire(w, "stop", "OK")
        await w.clock.sleep(30)
        assert w.describe()["EndpointStatus"] == "Updating"
        fire(w, "stop")
        assert (await w.settled())["EndpointConfigName"] == "v1"

    run(story, Unverified(alarm_in_alarm_at_start="ignore"))


def test_an_alarm_that_does_not_exist_is_ignored_where_the_switch_says_so(run):
    async def story(w: World) -> None:
        await w.serve(count=1)
        update(w, 2, guarded({}, "ghost"), count=1)
        assert (await w.settled())["EndpointConfigName"] == "v2"

    run(story, Unverified(missing_alarm_at_start="ignore"))


@pytest.mark.aws(
    "Deployments",
    "An update whose instances fail the health check leaves the old fleet in service",
    "Developer guide: Auto-rollback configuration and monitoring",
)
@pytest.mark.parametrize(
    ("code", "faults", "reason"),
    [(BROKEN, (), "weights are missing"), ("x", ("crash",), "its process ended while it started")],
    ids=["model_fn raises", "process dies"],
)
def test_a_fleet_that_does_not_come_up_leaves_the_old_one_in_service(run, code, faults, reason):
    async def story(w: World) -> None:
        await w.serve()
        for fault in faults:
            w.hosting.faults.put(fault, w.package(2))
        update(w, 2, code=code)
        described = await w.settled()
        assert described["EndpointConfigName"] == "v1"
        assert "did not pass the ping health check" in described["FailureReason"]
        assert reason in described["FailureReason"]
        assert (await w.invoke()).body == b"v1:x"
        assert len(processes(w.hosting)) == 2

    run(story, TOLD)


def test_missing_model_data_are_a_failure_that_names_the_url(run):
    async def story(w: World) -> None:
        await w.serve()
        config = w.config(2)
        w.code.clear()
        w.hosting.update_endpoint({"EndpointName": "e", "EndpointConfigName": config})
        assert "s3://bucket/2/model.tar.gz" in (await w.settled())["FailureReason"]

    run(story, TOLD)


@pytest.mark.aws(
    "Deployments",
    "A deployment that outlasts MaximumExecutionTimeoutInSeconds is rolled back",
    "API: RollingUpdatePolicy",
)
def test_a_deployment_that_outlasts_its_timeout_is_rolled_back(run):
    async def story(w: World) -> None:
        await w.serve()
        update(w, 2, canary(instances(1), wait=590, timeout=600))
        described = await w.settled()
        assert described["EndpointConfigName"] == "v1"
        assert "MaximumExecutionTimeoutInSeconds (600)" in described["FailureReason"]

    run(story, TOLD)


def test_no_request_is_lost_while_an_update_goes_back(run):
    async def story(w: World) -> None:
        await baking(w)
        codes: list[int] = []

        async def client() -> None:
            while w.describe()["EndpointStatus"] != "InService":
                codes.append((await w.invoke()).status)

        clients = [asyncio.create_task(client()) for _ in range(3)]
        await until(lambda: len(codes) > 50)
        fire(w, "stop")
        await asyncio.gather(*clients)
        assert set(codes) == {200}

    run(story)
