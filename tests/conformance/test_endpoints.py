"""An endpoint's life: created, described, updated, rescaled, deleted; and what it refuses on the way."""

import pytest

from tests.conformance.account import refusal
from tests.conformance.resources import VARIANT, variant


@pytest.mark.aws(
    "Endpoints", "An endpoint is Creating, then InService, and describes its variants", "API: DescribeEndpoint"
)
def test_an_endpoint_comes_into_service(account, resources, sagemaker):
    config = resources.config(variant(resources.model(), count=1))
    name = resources.endpoint(config)
    assert account.endpoint(name)["EndpointStatus"] in ("Creating", "InService")
    described = account.settled(name)
    assert described["EndpointStatus"] == "InService"
    assert described["EndpointConfigName"] == config
    shown = described["ProductionVariants"][0]
    assert (shown["VariantName"], shown["CurrentInstanceCount"], shown["DesiredInstanceCount"]) == (VARIANT, 1, 1)
    assert (shown["CurrentWeight"], shown["DesiredWeight"]) == (1.0, 1.0)
    assert "PendingDeploymentSummary" not in described
    sagemaker.delete_endpoint(EndpointName=name)
    account.until(lambda: not sagemaker.list_endpoints(NameContains=name)["Endpoints"], within=1800)
    refusal("ValidationException", sagemaker.describe_endpoint, EndpointName=name)


@pytest.mark.aws(
    "Endpoints", "A first creation whose container never answers ends Failed, with the reason", "API: DescribeEndpoint"
)
@pytest.mark.aws("Endpoints", "A Failed endpoint can only be deleted", "API: DescribeEndpoint")
def test_a_container_that_does_not_start_fails_the_creation(account, resources, sagemaker):
    broken = variant(resources.model("broken"), count=1, ContainerStartupHealthCheckTimeoutInSeconds=60)
    name = resources.endpoint(resources.config(broken))
    described = account.settled(name, within=7200)
    assert described["EndpointStatus"] == "Failed"
    assert described["FailureReason"]
    call, config = sagemaker.update_endpoint, resources.config()
    refusal("ValidationException", call, EndpointName=name, EndpointConfigName=config)


@pytest.mark.aws("Endpoints", "An endpoint's name is taken once", "API: CreateEndpoint")
def test_an_endpoints_name_is_taken_once(endpoint, sagemaker, account):
    config, call = account.endpoint(endpoint)["EndpointConfigName"], sagemaker.create_endpoint
    said = refusal("ValidationException", call, EndpointName=endpoint, EndpointConfigName=config)
    assert "existing" in said


@pytest.mark.aws("Endpoints", "A config or model that a live endpoint uses is not deleted", "API: DeleteEndpointConfig")
def test_a_config_in_use_stays(endpoint, sagemaker, account):
    config = account.endpoint(endpoint)["EndpointConfigName"]
    refusal("ValidationException", sagemaker.delete_endpoint_config, EndpointConfigName=config)


@pytest.mark.aws("Endpoints", "An endpoint is updated or deleted only when nothing is under way", "API: UpdateEndpoint")
def test_an_endpoint_that_is_updating_refuses_a_second_update(endpoint, sagemaker, account, resources):
    config = resources.config()
    sagemaker.update_endpoint(EndpointName=endpoint, EndpointConfigName=config)
    call = sagemaker.update_endpoint
    refusal("ValidationException", call, EndpointName=endpoint, EndpointConfigName=resources.config())
    refusal("ValidationException", sagemaker.delete_endpoint, EndpointName=endpoint)
    assert account.settled(endpoint)["EndpointConfigName"] == config


@pytest.mark.aws(
    "Endpoints",
    "Weights and capacities change without a new config: Updating, then InService with both as desired",
    "API: UpdateEndpointWeightsAndCapacities",
)
def test_weights_and_capacities_change(endpoint, sagemaker, account):
    config = account.endpoint(endpoint)["EndpointConfigName"]

    def rescale(**wanted):
        sagemaker.update_endpoint_weights_and_capacities(
            EndpointName=endpoint, DesiredWeightsAndCapacities=[{"VariantName": VARIANT, **wanted}]
        )
        assert account.endpoint(endpoint)["EndpointStatus"] in ("Updating", "InService")
        described = account.settled(endpoint)
        assert described["EndpointConfigName"] == config
        shown = described["ProductionVariants"][0]
        return shown["CurrentInstanceCount"], shown["CurrentWeight"]

    assert rescale(DesiredInstanceCount=1) == (1, 1.0)
    assert rescale(DesiredWeight=3.0) == (1, 3.0)
    assert rescale(DesiredInstanceCount=2, DesiredWeight=1.0) == (2, 1.0)


@pytest.mark.aws(
    "Endpoints",
    "RetainAllVariantProperties keeps the capacity that serves, else the config's counts",
    "API: UpdateEndpoint",
)
@pytest.mark.parametrize(("retain", "count"), [(True, 1), (False, 2)])
def test_an_update_keeps_the_capacity_when_told_to(endpoint, sagemaker, account, resources, retain, count):
    wanted = {"VariantName": VARIANT, "DesiredInstanceCount": 1}
    sagemaker.update_endpoint_weights_and_capacities(EndpointName=endpoint, DesiredWeightsAndCapacities=[wanted])
    account.settled(endpoint)
    sagemaker.update_endpoint(
        EndpointName=endpoint, EndpointConfigName=resources.config(), RetainAllVariantProperties=retain
    )
    assert account.settled(endpoint)["ProductionVariants"][0]["CurrentInstanceCount"] == count
