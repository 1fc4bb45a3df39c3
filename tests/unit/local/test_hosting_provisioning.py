"""Instances that are hard to get, do not come up, or die: what becomes of the endpoint."""

import os
import signal
import threading

import pytest
from deployment_rig import statuses, update
from test_hosting_rig import BROKEN, World, processes, until

from local.errors import AwsError


@pytest.mark.aws(
    "Endpoints",
    "An endpoint that cannot be created is Failed, says why, and can only be deleted",
    "API: DescribeEndpoint",
)
def test_an_endpoint_whose_first_fleet_does_not_come_up_is_failed_and_can_only_be_deleted(run):
    async def story(w: World) -> None:
        w.hosting.create_endpoint({"EndpointName": "e", "EndpointConfigName": w.config(1, code=BROKEN)})
        described = await w.settled()
        assert described["EndpointStatus"] == "Failed"
        assert "did not pass the ping health check" in described["FailureReason"]
        assert "weights are missing" in described["FailureReason"]
        assert processes(w.hosting) == []
        with pytest.raises(AwsError, match="can only be deleted"):
            update(w, 2)
        w.hosting.delete_endpoint({"EndpointName": "e"})
        await until(lambda: not w.hosting.list_endpoints({})["Endpoints"])
        assert statuses(w) == ["CREATING", "FAILED", "DELETING"]

    run(story)


def test_a_creation_for_which_there_is_no_capacity_fails(run):
    async def story(w: World) -> None:
        w.hosting.faults.put("capacity", "e")
        w.hosting.create_endpoint({"EndpointName": "e", "EndpointConfigName": w.config(1)})
        described = await w.settled()
        assert described["EndpointStatus"] == "Failed"
        assert "InsufficientInstanceCapacity" in described["FailureReason"]

    run(story)


@pytest.mark.aws(
    "Endpoints",
    "A capacity shortage is waited out for VariantInstanceProvisionTimeoutInSeconds",
    "API: ProductionVariant",
)
def test_a_passing_shortage_is_waited_out_where_the_variant_says_so(run):
    async def story(w: World) -> None:
        w.hosting.faults.put("capacity:0:60", "e")
        await w.serve(VariantInstanceProvisionTimeoutInSeconds=600)

    run(story)


def test_a_lasting_shortage_is_not_waited_out_for_longer_than_the_variant_says(run):
    async def story(w: World) -> None:
        w.hosting.faults.put("capacity", "e")
        config = w.config(1, VariantInstanceProvisionTimeoutInSeconds=300)
        began = w.clock.time()
        w.hosting.create_endpoint({"EndpointName": "e", "EndpointConfigName": config})
        assert (await w.settled())["EndpointStatus"] == "Failed"
        assert w.clock.time() - began >= 300

    run(story)


@pytest.mark.aws(
    "Endpoints",
    "An instance that dies is replaced, and the endpoint stays in service meanwhile",
    "Developer guide: Best practices for endpoints",
)
def test_an_instance_that_dies_is_replaced(run):
    async def story(w: World) -> None:
        await w.serve(count=2)
        dead, alive = processes(w.hosting)
        os.kill(dead, signal.SIGKILL)
        await until(lambda: w.describe()["ProductionVariants"][0]["CurrentInstanceCount"] == 1)
        assert w.describe()["EndpointStatus"] == "InService"
        assert (await w.invoke()).status == 200
        await until(lambda: w.describe()["ProductionVariants"][0]["CurrentInstanceCount"] == 2)
        assert alive in processes(w.hosting)
        assert dead not in processes(w.hosting)

    run(story)


def test_an_instance_is_replaced_once_there_is_capacity_again(run):
    async def story(w: World) -> None:
        await w.serve(count=1)
        w.hosting.faults.put("capacity:0:120", "e")
        began = w.clock.time()
        before = processes(w.hosting)
        os.kill(before[0], signal.SIGKILL)
        await until(lambda: processes(w.hosting) != before)
        assert w.clock.time() - began >= 120
        assert (await w.invoke()).status == 200

    run(story)


@pytest.mark.aws(
    "Endpoints",
    "A container that is not healthy within ContainerStartupHealthCheckTimeoutInSeconds fails its endpoint",
    "API: ProductionVariant",
)
def test_a_container_that_takes_too_long_to_start_fails_the_creation(run):
    async def story(w: World) -> None:
        slow = "import time\ndef model_fn(model_dir):\n    time.sleep(60)\n"
        config = w.config(1, code=slow, count=1, ContainerStartupHealthCheckTimeoutInSeconds=0.2)
        w.hosting.create_endpoint({"EndpointName": "e", "EndpointConfigName": config})
        described = await w.settled()
        assert described["EndpointStatus"] == "Failed"
        assert "it was not healthy within 0.2 seconds" in described["FailureReason"]

    run(story)


@pytest.mark.aws(
    "Endpoints",
    "Model data that do not arrive within ModelDataDownloadTimeoutInSeconds fail their endpoint",
    "API: ProductionVariant",
)
def test_model_data_that_take_too_long_to_arrive_fail_the_creation(run):
    async def story(w: World) -> None:
        arrived = threading.Event()
        w.hosting._launcher._fetch = lambda url, destination: arrived.wait(60) and None
        config = w.config(1, count=1, ModelDataDownloadTimeoutInSeconds=0.05)
        w.hosting.create_endpoint({"EndpointName": "e", "EndpointConfigName": config})
        described = await w.settled()
        arrived.set()
        assert described["EndpointStatus"] == "Failed"
        assert "did not arrive within ModelDataDownloadTimeoutInSeconds (0.05)" in described["FailureReason"]

    run(story)


@pytest.mark.aws(
    "Endpoints",
    "While an endpoint is created its fleet is in PendingDeploymentSummary",
    "API: PendingDeploymentSummary",
)
def test_what_is_being_created_is_pending(run):
    async def story(w: World) -> None:
        w.hosting.create_endpoint({"EndpointName": "e", "EndpointConfigName": w.config(1)})
        await until(lambda: bool(statuses(w)))
        pending = w.describe()["PendingDeploymentSummary"]
        assert pending["EndpointConfigName"] == "v1"
        (status,) = pending["ProductionVariants"][0]["VariantStatus"]
        assert (status["Status"], status["StatusMessage"]) == ("Creating", "Launching 2 instance(s).")
        assert (await w.settled())["PendingDeploymentSummary"] is None

    run(story)
