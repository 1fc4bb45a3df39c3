"""Inference experiments at work: what they do to an endpoint, by schedule and by hand, with real model servers."""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from test_experiment import variant
from test_hosting_capture import S3, config
from test_hosting_rig import BROKEN, ECHO, World, production, until, world

from local.errors import AwsError
from local.unverified import DEFAULTS, Unverified

HOUR = timedelta(hours=1)
ROLE = "arn:aws:iam::111122223333:role/r"
NAMED = {"Name": "trial"}


def request(w: World, *, percentage: int = 100, name: str = "trial", **members: Any) -> dict[str, Any]:
    """CreateInferenceExperiment of v2 in the shadow of v1."""
    shadow = {"ShadowModelVariantName": "S", "SamplingPercentage": percentage}
    return {
        "Name": name,
        "Type": "ShadowMode",
        "RoleArn": ROLE,
        "EndpointName": "e",
        "ModelVariants": [variant("AllTraffic", "v1"), variant("S", "v2")],
        "ShadowModeConfig": {"SourceModelVariantName": "AllTraffic", "ShadowModelVariants": [shadow]},
        **members,
    }


def create(w: World, **how: Any) -> str:
    return str(w.hosting.experiments.create_inference_experiment(request(w, **how))["InferenceExperimentArn"])


def described(w: World) -> dict[str, Any]:
    return w.hosting.experiments.describe_inference_experiment(NAMED)


async def reached(w: World, *statuses: str) -> dict[str, Any]:
    """DescribeInferenceExperiment once it has one of these statuses."""
    await until(lambda: described(w)["Status"] in statuses)
    return described(w)


def stop(w: World, production: str, shadow: str, **members: Any) -> None:
    actions = {"AllTraffic": production, "S": shadow}
    w.hosting.experiments.stop_inference_experiment({**NAMED, "ModelVariantActions": actions, **members})


def in_hours(w: World, start: int, end: int) -> dict[str, Any]:
    """A Schedule."""
    now = w.clock.now()
    return {"StartTime": now + start * HOUR, "EndTime": now + end * HOUR}


def variants(w: World) -> dict[str, str]:
    return {item["VariantName"]: item["Status"] for item in described(w)["ModelVariants"]}


Run = Callable[..., None]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Runs a story in a world whose endpoint `e` serves v1, beside a model v2."""

    def runner(
        story: Callable[[World], Coroutine[Any, Any, None]],
        *,
        code: str = ECHO,
        count: int = 1,
        speed: float = 240.0,
        moto: str | None = None,
        unverified: Unverified = DEFAULTS,
    ) -> None:
        async def go() -> None:
            async with world(tmp_path, speed, moto=moto, unverified=unverified) as w:
                await w.serve(1, count=count)
                w.config(2, count=1, code=code)
                await story(w)

        asyncio.run(go())

    return runner


@pytest.mark.aws(
    "Shadow tests",
    "An experiment puts its shadow on the endpoint and copies requests; StopInferenceExperiment takes it off again",
    "API: CreateInferenceExperiment, StopInferenceExperiment",
)
def test_an_experiment_copies_requests_and_leaves_the_endpoint_as_it_was(run):
    async def story(w: World) -> None:
        arn = create(w)
        assert described(w)["Status"] == "Creating"
        seen = await reached(w, "Running")
        assert seen["Arn"] == arn
        assert arn == "arn:aws:sagemaker:us-east-1:111122223333:inference-experiment/trial"
        assert seen["EndpointMetadata"]["EndpointStatus"] == "InService"
        assert seen["EndpointMetadata"]["EndpointConfigName"] not in ("v1", "v2")
        assert variants(w) == {"AllTraffic": "InService", "S": "InService"}
        assert {(await w.invoke()).body for _ in range(5)} == {b"v1:x"}
        await until(lambda: w.sums("Invocations", variant="S") == 5)
        stop(w, "Retain", "Remove", Reason="seen enough")
        assert described(w)["Status"] == "Stopping"
        assert variants(w) == {"AllTraffic": "InService", "S": "Deleting"}
        ended = await reached(w, "Cancelled")
        assert (ended["StatusReason"], ended["Schedule"]["EndTime"]) == ("seen enough", ended["CompletionTime"])
        assert variants(w) == {"AllTraffic": "InService", "S": "Deleted"}
        assert w.describe()["EndpointConfigName"] == "v1"
        assert w.describe()["ShadowProductionVariants"] is None

    run(story)


@pytest.mark.aws(
    "Shadow tests",
    "At the end of its schedule an experiment is Completed and the endpoint reverts to the state it was in before",
    "Developer guide: Create a shadow test",
)
def test_at_the_end_of_its_schedule_the_endpoint_has_the_config_weights_and_counts_of_before(run):
    async def story(w: World) -> None:
        wanted = {"VariantName": "AllTraffic", "DesiredWeight": 3.0, "DesiredInstanceCount": 2}
        w.hosting.update_endpoint_weights_and_capacities({"EndpointName": "e", "DesiredWeightsAndCapacities": [wanted]})
        await w.settled()
        create(w, Schedule=in_hours(w, 0, 1))
        ended = await reached(w, "Completed", "Cancelled")
        assert (ended["Status"], ended["StatusReason"]) == ("Completed", None)
        assert ended["CompletionTime"] >= ended["Schedule"]["EndTime"]
        pending = [detail.get("PendingDeploymentSummary", {}) for _, detail in w.events]
        names = [summary["EndpointConfigName"] for summary in pending if summary]
        assert names[0].startswith("trial-")
        assert names[-1] == w.describe()["EndpointConfigName"] == "v1"
        (item,) = w.describe()["ProductionVariants"]
        assert (item["CurrentWeight"], item["CurrentInstanceCount"]) == (3.0, 2)

    run(story, speed=1200.0)


@pytest.mark.aws("Shadow tests", "Promote serves the shadow's model in production", "API: StopInferenceExperiment")
@pytest.mark.parametrize("name", ["shadow", "production"])
def test_a_promoted_shadow_answers_the_clients(run, name):
    async def story(w: World) -> None:
        create(w)
        await reached(w, "Running")
        stop(w, "Remove", "Promote", DesiredModelVariants=[variant("S", "v2", 2)], DesiredState="Completed")
        await reached(w, "Completed")
        answer = await w.invoke()
        served = "S" if name == "shadow" else "AllTraffic"
        assert answer.body == b"v2:x"
        assert answer.headers["x-Amzn-Invoked-Production-Variant"] == served
        (item,) = w.describe()["ProductionVariants"]
        assert (item["VariantName"], item["CurrentInstanceCount"]) == (served, 2)
        assert sorted(variants(w).values()) == ["Deleted", "InService"]

    run(story, unverified=Unverified(promoted_variant_name=name))


def test_a_shadow_that_is_retained_goes_on_when_the_experiment_is_over(run):
    async def story(w: World) -> None:
        create(w)
        running = await reached(w, "Running")
        stop(w, "Retain", "Retain", DesiredState="Completed")
        ended = await reached(w, "Completed")
        assert ended["EndpointMetadata"] == running["EndpointMetadata"]
        assert variants(w) == {"AllTraffic": "InService", "S": "InService"}
        w.hosting.update_endpoint({"EndpointName": "e", "EndpointConfigName": "v1"})
        await w.settled()

    run(story)


@pytest.mark.aws(
    "Shadow tests",
    "An experiment whose endpoint cannot be changed is Cancelled, and StatusReason says why",
    "API: DescribeInferenceExperiment",
)
def test_a_shadow_that_does_not_come_up_cancels_the_experiment_and_production_serves_on(run):
    async def story(w: World) -> None:
        create(w)
        ended = await reached(w, "Running", "Cancelled")
        assert ended["Status"] == "Cancelled"
        assert ended["StatusReason"].startswith("Endpoint e was rolled back from endpoint configuration trial-")
        assert variants(w) == {"AllTraffic": "InService", "S": "Deleted"}
        assert (await w.invoke()).body == b"v1:x"
        assert w.describe()["EndpointConfigName"] == "v1"
        w.hosting.update_endpoint({"EndpointName": "e", "EndpointConfigName": "v2"})

    run(story, code=BROKEN)


@pytest.mark.aws(
    "Shadow tests",
    "A running experiment's sampling and end are changed in place",
    "API: UpdateInferenceExperiment",
)
def test_sampling_and_end_of_a_running_experiment_are_changed_without_a_new_fleet(run):
    async def story(w: World) -> None:
        create(w, percentage=0)
        before = await reached(w, "Running")
        await w.invoke()
        end = before["Schedule"]["EndTime"] + HOUR
        mode = request(w, percentage=100)["ShadowModeConfig"]
        w.hosting.experiments.update_inference_experiment(
            {**NAMED, "Description": "all of it", "Schedule": {"EndTime": end}, "ShadowModeConfig": mode}
        )
        assert described(w)["Status"] == "Updating"
        after = await reached(w, "Running")
        assert after["EndpointMetadata"] == before["EndpointMetadata"]
        assert (after["Schedule"]["EndTime"], after["Description"]) == (end, "all of it")
        assert w.sums("Invocations", variant="S") == 0
        await w.invoke()
        await until(lambda: w.sums("Invocations", variant="S") == 1)

    run(story)


def test_a_new_description_or_end_leaves_the_endpoint_alone(run):
    async def story(w: World) -> None:
        create(w)
        end = (await reached(w, "Running"))["Schedule"]["EndTime"] + HOUR
        modified = w.describe()["LastModifiedTime"]
        w.hosting.experiments.update_inference_experiment(
            {**NAMED, "Description": "a day more", "Schedule": {"EndTime": end}}
        )
        assert (await reached(w, "Running"))["Description"] == "a day more"
        assert w.describe()["LastModifiedTime"] == modified

    run(story)


@pytest.mark.aws(
    "Shadow tests",
    "A scheduled experiment waits for its start; it can be changed, started early, or stopped before",
    "API: StartInferenceExperiment, UpdateInferenceExperiment",
)
def test_a_scheduled_experiment_waits_until_it_is_started(run):
    async def story(w: World) -> None:
        later = in_hours(w, 100, 200)
        create(w, Schedule=later)
        await reached(w, "Created")
        assert w.describe()["EndpointConfigName"] == "v1"
        w.hosting.experiments.update_inference_experiment(
            {**NAMED, "ModelVariants": [variant("AllTraffic", "v1"), variant("S", "v2", 2)]}
        )
        await reached(w, "Created")
        w.hosting.experiments.start_inference_experiment(NAMED)
        started = await reached(w, "Running")
        assert started["Schedule"]["StartTime"] < later["StartTime"]
        (shadow,) = w.describe()["ShadowProductionVariants"]
        assert shadow["CurrentInstanceCount"] == 2

    run(story)


def test_an_experiment_that_is_brought_forward_starts_by_itself_and_one_stopped_before_leaves_no_trace(run):
    async def story(w: World) -> None:
        later = in_hours(w, 100, 200)
        create(w, Schedule=later)
        await reached(w, "Created")
        with pytest.raises(AwsError, match="cannot be promoted: its status is Created"):
            stop(w, "Remove", "Promote")
        stop(w, "Retain", "Remove", DesiredState="Cancelled")
        await reached(w, "Cancelled")
        assert w.describe()["EndpointConfigName"] == "v1"
        w.hosting.experiments.delete_inference_experiment(NAMED)
        create(w, Schedule=later)
        await reached(w, "Created")
        sooner = in_hours(w, 0, 100)
        w.hosting.experiments.update_inference_experiment({**NAMED, "Schedule": sooner})
        await reached(w, "Running")

    run(story)


def test_an_endpoint_is_not_changed_behind_the_back_of_an_experiment(run):
    async def story(w: World) -> None:
        create(w)
        await reached(w, "Starting")
        scaled = {"VariantName": "AllTraffic", "DesiredWeight": 1.0}
        changes: list[tuple[Any, dict[str, Any]]] = [
            (w.hosting.update_endpoint, {"EndpointConfigName": "v2"}),
            (w.hosting.update_endpoint_weights_and_capacities, {"DesiredWeightsAndCapacities": [scaled]}),
            (w.hosting.delete_endpoint, {}),
        ]
        for status in ("Starting", "Running"):
            await reached(w, status)
            for operation, members in changes:
                with pytest.raises(AwsError, match=r"while inference experiment .*/trial\" is (Starting|Running)"):
                    operation({"EndpointName": "e", **members})
        for operation, name in (("endpoint_config", {"EndpointConfigName": "v1"}), ("model", {"ModelName": "v1"})):
            with pytest.raises(AwsError, match="use"):
                getattr(w.hosting, f"delete_{operation}")(name)

    run(story)


def test_an_endpoint_that_is_deleted_under_that_reading_cancels_its_experiment(run):
    async def story(w: World) -> None:
        create(w)
        await reached(w, "Running")
        w.hosting.delete_endpoint({"EndpointName": "e"})
        stop(w, "Retain", "Remove")
        ended = await reached(w, "Cancelled")
        assert "Could not find endpoint" in ended["StatusReason"]
        assert ended["EndpointMetadata"]["EndpointName"] == "e"
        assert set(variants(w).values()) == {"Deleted"}

    run(story, unverified=Unverified(endpoint_change_during_experiment="allow"))


@pytest.mark.aws(
    "Shadow tests",
    "A name is taken once, an endpoint has one experiment at a time: ResourceInUse otherwise",
    "API: CreateInferenceExperiment",
)
def test_names_and_endpoints_are_taken_once_and_what_is_missing_is_named(run):
    async def story(w: World) -> None:
        later = in_hours(w, 1, 3)
        create(w, Schedule=later)
        for name, message in (("TRIAL", "already exists"), ("other", "Endpoint e has inference experiment")):
            with pytest.raises(AwsError, match=message) as caught:
                create(w, name=name)
            assert caught.value.code == "ResourceInUse"
        with pytest.raises(AwsError, match=r"Could not find endpoint .*/ghost"):
            create(w, name="other", EndpointName="ghost")
        await reached(w, "Created")
        stop(w, "Retain", "Remove")
        await reached(w, "Cancelled")
        with pytest.raises(AwsError, match=r"Could not find model .*/v9"):
            create(w, name="other", ModelVariants=[variant("AllTraffic", "v1"), variant("S", "v9")])
        with pytest.raises(AwsError, match=r"must be s3://bucket"):
            create(w, name="other", DataStorageConfig={"Destination": "https://b.s3.amazonaws.com/p"})
        w.hosting.update_endpoint({"EndpointName": "e", "EndpointConfigName": "v2"})
        with pytest.raises(AwsError, match="Endpoint e is Updating; it must be InService"):
            create(w, name="other")
        assert [
            item["Name"] for item in w.hosting.experiments.list_inference_experiments({})["InferenceExperiments"]
        ] == ["trial"]

    run(story)


def test_what_the_status_does_not_allow_is_a_conflict_and_what_is_not_there_is_not_found(run):
    async def story(w: World) -> None:
        operations = w.hosting.experiments
        create(w)
        actions = {"ModelVariantActions": {"AllTraffic": "Retain", "S": "Remove"}}
        calls: dict[str, Callable[[], object]] = {
            "started": lambda: operations.start_inference_experiment(NAMED),
            "updated": lambda: operations.update_inference_experiment(NAMED),
            "stopped": lambda: operations.stop_inference_experiment(NAMED | actions),
            "deleted": lambda: operations.delete_inference_experiment(NAMED),
        }
        for what, call in calls.items():
            with pytest.raises(AwsError, match=f"cannot be {what}: its status is Creating") as caught:
                call()
            assert caught.value.code == "ConflictException"
        with pytest.raises(AwsError, match=r"Could not find inference experiment .*/ghost") as caught:
            operations.describe_inference_experiment({"Name": "ghost"})
        assert caught.value.code == "ResourceNotFound"

    run(story)


def test_lists_are_filtered_sorted_and_paged(run):
    async def story(w: World) -> None:
        operations = w.hosting.experiments
        w.hosting.create_endpoint_config(
            {"EndpointConfigName": "more", "ProductionVariants": [production("AllTraffic", "v1", 1)]}
        )
        w.hosting.create_endpoint({"EndpointName": "f", "EndpointConfigName": "more"})
        later = in_hours(w, 100, 101)
        create(w, name="one", Schedule=later, Tags=[{"Key": "k", "Value": "v"}])
        await until(lambda: w.hosting.describe_endpoint({"EndpointName": "f"})["EndpointStatus"] == "InService")
        arn = create(w, name="two", EndpointName="f", Schedule=later)

        def names(**asked: Any) -> list[str]:
            return [item["Name"] for item in operations.list_inference_experiments(asked)["InferenceExperiments"]]

        assert names() == ["two", "one"]
        assert names(SortBy="Name", SortOrder="Ascending") == ["one", "two"]
        assert names(NameContains="TW") == ["two"]
        assert names(StatusEquals="Running") == []
        first = operations.list_inference_experiments({"MaxResults": 1})
        assert [item["Name"] for item in first["InferenceExperiments"]] == ["two"]
        assert names(MaxResults=1, NextToken=first["NextToken"]) == ["one"]
        assert w.hosting.tags[arn.replace("two", "one")] == [{"Key": "k", "Value": "v"}]

    run(story)


def test_data_storage_captures_both_variants_while_the_experiment_runs(run, server):
    s3 = S3(server, "experiment")
    storage = {"Destination": "s3://experiment/captured", "ContentType": config("x")["CaptureContentTypeHeader"]}

    async def story(w: World) -> None:
        create(w, DataStorageConfig=storage)
        assert (await reached(w, "Running"))["DataStorageConfig"] == storage
        await w.invoke(X_Amzn_SageMaker_Inference_Id="flight-7")
        await until(lambda: w.sums("Invocations", variant="S") == 1)
        stop(w, "Retain", "Remove")
        await reached(w, "Cancelled")
        assert w.describe()["DataCaptureConfig"] is None

    run(story, moto=server)
    captured = [line for name in ("AllTraffic", "S") for line in s3.lines(name)]
    assert [line["captureData"]["endpointOutput"]["data"] for line in captured] == ["v1:x", "v2:x"]
    assert {line["eventMetadata"]["inferenceId"] for line in captured} == {"flight-7"}
