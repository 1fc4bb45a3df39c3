"""Blue/green deployments with real model servers: what is promoted, what is rolled back, and what is said of it."""

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from test_hosting_rig import BROKEN, World, canary, is_running, processes, until, world

from local.errors import AwsError

FAILING = "errors:1"


def alarm(w: World, name: str, *, config: str | None, threshold: float = 0.2) -> str:
    """An alarm on the error rate of one fleet, or of both."""
    dimensions = {"EndpointName": "e", "VariantName": "AllTraffic", "EndpointConfigName": config}
    w.cloudwatch.put_metric_alarm(
        {
            "AlarmName": name,
            "Namespace": "AWS/SageMaker",
            "MetricName": "Invocation5XXErrors",
            "Dimensions": [{"Name": key, "Value": value} for key, value in dimensions.items() if value],
            "Statistic": "Average",
            "Period": 60,
            "EvaluationPeriods": 1,
            "Threshold": threshold,
            "ComparisonOperator": "GreaterThanThreshold",
            "TreatMissingData": "notBreaching",
        }
    )
    return name


def update(w: World, version: int, deployment: dict[str, Any] | None, **how: Any) -> None:
    """Start an update of `e` to v<version>."""
    request = {"EndpointName": "e", "EndpointConfigName": w.config(version, **how)}
    w.hosting.update_endpoint(request | ({"DeploymentConfig": deployment} if deployment else {}))


async def traffic(w: World) -> None:
    """Requests, one after the other, until the endpoint is settled."""
    while w.describe()["EndpointStatus"] != "InService":
        await w.invoke()
        await asyncio.sleep(0.002)


def phases(w: World) -> list[str]:
    """The VariantStatus of the new fleet in each deployment event."""
    details = [detail for kind, detail in w.events if kind == "SageMaker Endpoint Deployment State Change"]
    variants = [detail["PendingDeploymentSummary"]["ProductionVariants"][0] for detail in details]
    return [variant["VariantStatus"][0]["Status"] if "VariantStatus" in variant else "" for variant in variants]


@pytest.fixture
def run(tmp_path: Path) -> Callable[[Callable[[World], Coroutine[Any, Any, None]]], None]:
    """Runs a story in a world of its own."""

    def runner(story: Callable[[World], Coroutine[Any, Any, None]], speed: float = 240.0) -> None:
        async def go() -> None:
            async with world(tmp_path, speed) as w:
                await story(w)

        asyncio.run(go())

    return runner


def test_a_canary_that_keeps_quiet_is_promoted_and_the_old_fleet_goes(run):
    async def story(w: World) -> None:
        await w.serve()
        old = processes(w.hosting)
        update(w, 2, canary(bake=120, final=60, alarms=(alarm(w, "errors", config="v2"),)))
        await traffic(w)
        described = await w.settled()
        assert described["EndpointConfigName"] == "v2"
        assert described["PendingDeploymentSummary"] is None
        assert described["FailureReason"] is None
        assert described["LastDeploymentConfig"]["BlueGreenUpdatePolicy"]["TerminationWaitInSeconds"] == 60
        assert not any(map(is_running, old))
        assert (await w.invoke()).body == b"v2:x"
        assert w.sums("Invocation5XXErrors") == 0

    run(story)


def test_the_old_fleet_stays_in_the_description_until_the_new_one_has_taken_over(run):
    async def story(w: World) -> None:
        await w.serve()
        update(w, 2, canary(bake=240))
        await until(lambda: "Baking" in phases(w))
        described = w.describe()
        assert described["EndpointConfigName"] == "v1"
        pending = described["PendingDeploymentSummary"]
        status = pending["ProductionVariants"][0]["VariantStatus"][0]
        assert pending["EndpointConfigName"] == "v2"
        assert status["StatusMessage"] == (
            "Baking for 240 seconds (WaitIntervalInSeconds) with traffic enabled on canary capacity of 1 instance(s)"
        )
        await w.settled()
        assert phases(w) == ["Creating", "ActivatingTraffic", "Baking", "ActivatingTraffic", "Baking", ""]

    run(story)


def test_a_canary_of_one_in_two_instances_gets_half_of_the_traffic(run):
    async def story(w: World) -> None:
        await w.serve()
        update(w, 2, canary(bake=3000))
        await until(lambda: "Baking" in phases(w))
        bodies = [(await w.invoke()).body for _ in range(200)]
        assert w.describe()["EndpointStatus"] == "Updating"
        assert 70 < bodies.count(b"v2:x") < 130
        assert 70 < w.sums("Invocations", config="v2") < 130

    run(story)


def test_an_alarm_on_the_new_fleet_takes_all_traffic_back(run):
    async def story(w: World) -> None:
        await w.serve()
        w.hosting.faults.put(FAILING, w.package(2))
        update(w, 2, canary(bake=300, alarms=(alarm(w, "errors", config="v2"),)))
        await traffic(w)
        described = await w.settled()
        assert (described["EndpointStatus"], described["EndpointConfigName"]) == ("InService", "v1")
        assert "alarm errors is in ALARM state" in described["FailureReason"]
        assert described["PendingDeploymentSummary"] is None
        assert "AutoRollbackConfiguration" in described["LastDeploymentConfig"]
        assert [(await w.invoke()).status for _ in range(20)] == [200] * 20
        statuses = [detail["EndpointStatus"] for kind, detail in w.events if kind == "SageMaker Endpoint State Change"]
        assert statuses[-3:] == ["UPDATING", "ROLLING_BACK", "IN_SERVICE"]
        assert w.sums("Invocation5XXErrors", config="v1") == 0
        assert w.sums("Invocation5XXErrors", config="v2", stat="Average") == 1

    run(story)


def test_the_same_failure_is_diluted_by_the_old_fleet_in_an_alarm_on_both(run):
    """One dead instance of five is a fifth of the errors: an alarm at 50 % on two dimensions sleeps through it."""

    async def story(w: World) -> None:
        await w.serve(count=5)
        w.hosting.faults.put(FAILING, w.package(2))
        name = alarm(w, "both", config=None, threshold=0.5)
        update(w, 2, canary(bake=3000, alarms=(name,)), count=5)
        while w.sums("Invocations", config="v2") < 10:
            await w.invoke()
        while w.cloudwatch.alarm_state(name)[0] == "INSUFFICIENT_DATA":
            await w.invoke()
            await asyncio.sleep(0.002)
        assert w.cloudwatch.alarm_state(name)[0] == "OK"
        assert w.sums("Invocation5XXErrors", config="v2", stat="Average") == 1
        assert w.sums("Invocation5XXErrors", stat="Average") < 0.5

    run(story)


def test_an_alarm_set_by_hand_aborts_a_deployment(run):
    async def story(w: World) -> None:
        await w.serve()
        update(w, 2, canary(bake=3000, alarms=(alarm(w, "stop", config="v2"),)))
        await until(lambda: "Baking" in phases(w))
        w.cloudwatch.set_alarm_state({"AlarmName": "stop", "StateValue": "ALARM", "StateReason": "an operator's wish"})
        described = await w.settled()
        assert described["EndpointConfigName"] == "v1"
        assert "an operator's wish" in described["FailureReason"]

    run(story)


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
        update(w, 2, None, code=code)
        described = await w.settled()
        assert described["EndpointConfigName"] == "v1"
        assert "did not pass the ping health check" in described["FailureReason"]
        assert reason in described["FailureReason"]
        assert (await w.invoke()).body == b"v1:x"
        assert len(processes(w.hosting)) == 2

    run(story)


def test_an_endpoint_whose_first_fleet_does_not_come_up_is_failed_and_can_only_be_deleted(run):
    async def story(w: World) -> None:
        w.hosting.create_endpoint({"EndpointName": "e", "EndpointConfigName": w.config(1, code=BROKEN)})
        described = await w.settled()
        assert described["EndpointStatus"] == "Failed"
        assert "weights are missing" in described["FailureReason"]
        with pytest.raises(AwsError, match="can only be deleted"):
            update(w, 2, None)
        w.hosting.delete_endpoint({"EndpointName": "e"})

    run(story)


def test_missing_model_data_are_a_failure_that_names_the_url(run):
    async def story(w: World) -> None:
        await w.serve()
        config = w.config(2)
        w.code.clear()
        w.hosting.update_endpoint({"EndpointName": "e", "EndpointConfigName": config})
        assert "s3://bucket/2/model.tar.gz" in (await w.settled())["FailureReason"]

    run(story)


def test_a_deployment_that_outlasts_its_timeout_is_rolled_back(run):
    async def story(w: World) -> None:
        await w.serve()
        update(w, 2, canary(bake=590, timeout=600))
        described = await w.settled()
        assert described["EndpointConfigName"] == "v1"
        assert "MaximumExecutionTimeoutInSeconds (600)" in described["FailureReason"]

    run(story)


def test_linear_traffic_goes_up_step_by_step(run):
    async def story(w: World) -> None:
        await w.serve(count=4)
        policy = {
            "TrafficRoutingConfiguration": {
                "Type": "LINEAR",
                "LinearStepSize": {"Type": "CAPACITY_PERCENT", "Value": 25},
                "WaitIntervalInSeconds": 10,
            },
            "MaximumExecutionTimeoutInSeconds": 900,
        }
        update(w, 2, {"BlueGreenUpdatePolicy": policy}, count=4)
        assert (await w.settled())["EndpointConfigName"] == "v2"
        assert phases(w).count("Baking") == 4

    run(story)


def test_an_update_without_a_policy_is_all_at_once_and_may_rename_the_variant(run):
    async def story(w: World) -> None:
        await w.serve()
        update(w, 2, None, variant="Other")
        described = await w.settled()
        assert described["EndpointConfigName"] == "v2"
        assert described["ProductionVariants"][0]["VariantName"] == "Other"
        assert described["LastDeploymentConfig"] is None

    run(story)


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


def test_no_request_is_lost_while_fleets_change(run):
    async def story(w: World) -> None:
        await w.serve()
        update(w, 2, canary(bake=60))
        statuses: list[int] = []

        async def client() -> None:
            while w.describe()["EndpointStatus"] != "InService":
                statuses.append((await w.invoke()).status)

        await asyncio.gather(*(client() for _ in range(4)))
        assert len(statuses) > 100
        assert set(statuses) == {200}

    run(story)
