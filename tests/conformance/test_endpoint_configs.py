"""Endpoint configs: what is refused, what is filled in, and that one in use stays."""

import pytest

from tests.conformance.account import refusal
from tests.conformance.resources import variant


@pytest.fixture(scope="module")
def model(resources):
    """A model to name in configs."""
    return resources.model()


def _create(sagemaker, resources, *variants, **more):
    return refusal(
        "ValidationException",
        sagemaker.create_endpoint_config,
        EndpointConfigName=resources.name("refused"),
        ProductionVariants=list(variants),
        **more,
    )


@pytest.mark.aws("Endpoints", "InitialVariantWeight is 1.0 unless given", "API: ProductionVariant")
def test_a_weight_is_one_unless_given(sagemaker, resources, model):
    config = resources.config(variant(model))
    described = sagemaker.describe_endpoint_config(EndpointConfigName=config)
    assert described["ProductionVariants"][0]["InitialVariantWeight"] == 1.0


@pytest.mark.aws("Endpoints", "An endpoint config's name is taken once", "API: CreateEndpointConfig")
def test_a_configs_name_is_taken_once(sagemaker, resources, model):
    config, again = resources.config(variant(model)), [variant(model)]
    call = sagemaker.create_endpoint_config
    said = refusal("ValidationException", call, EndpointConfigName=config, ProductionVariants=again)
    assert "existing" in said


@pytest.mark.aws("Endpoints", "Variants of one config have names of their own", "API: CreateEndpointConfig")
def test_two_variants_of_one_name_are_refused(sagemaker, resources, model):
    _create(sagemaker, resources, variant(model), variant(model))


@pytest.mark.aws("Endpoints", "A config has at most 10 production variants", "API: CreateEndpointConfig")
def test_an_eleventh_variant_is_refused(sagemaker, resources, model):
    _create(sagemaker, resources, *(variant(model, name=f"v{number}") for number in range(11)))


@pytest.mark.aws("Endpoints", "A config names models that exist", "API: CreateEndpointConfig")
def test_a_model_that_does_not_exist_is_refused(sagemaker, resources):
    assert "nobody" in _create(sagemaker, resources, variant("nobody"))


@pytest.mark.aws("Endpoints", "An endpoint has an endpoint config that exists", "API: CreateEndpoint")
def test_a_config_that_does_not_exist_is_refused(sagemaker, resources):
    name, call = resources.name("endpoint"), sagemaker.create_endpoint
    assert "nobody" in refusal("ValidationException", call, EndpointName=name, EndpointConfigName="nobody")


@pytest.mark.aws("Endpoints", "A config that is deleted is gone", "API: DeleteEndpointConfig")
def test_a_deleted_config_is_gone(sagemaker, resources, model):
    config = resources.config(variant(model))
    sagemaker.delete_endpoint_config(EndpointConfigName=config)
    refusal("ValidationException", sagemaker.describe_endpoint_config, EndpointConfigName=config)


@pytest.mark.aws("Endpoints", "Configs are listed newest first, by a part of their name", "API: ListEndpointConfigs")
def test_configs_are_listed_newest_first(sagemaker, resources, model):
    made = [resources.config(variant(model)) for _ in range(2)]
    listed = sagemaker.list_endpoint_configs(NameContains=f"{resources.prefix}-config", MaxResults=2)["EndpointConfigs"]
    assert [summary["EndpointConfigName"] for summary in listed] == made[::-1]
