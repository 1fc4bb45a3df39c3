"""Shadow variants: they get a copy of the requests, and no client waits for them or sees them."""

from datetime import timedelta

import pytest

from tests.conformance.account import refusal
from tests.conformance.resources import VARIANT, variant

SHADOW = "Shadow"


@pytest.fixture(scope="module")
def shadowed(account, resources):
    """An endpoint whose shadow fails every request, and gets a copy of each."""
    config = resources.config(
        variant(resources.model(), count=1, InitialVariantWeight=1.0),
        ShadowProductionVariants=[
            variant(resources.model("failing"), name=SHADOW, count=1, InitialVariantWeight=1.0),
        ],
    )
    name = resources.endpoint(config)
    assert account.settled(name)["EndpointStatus"] == "InService"
    return name


def _total(account, endpoint, name, metric):
    now = account.now()
    answer = account.client("cloudwatch").get_metric_statistics(
        Namespace="AWS/SageMaker",
        MetricName=metric,
        Dimensions=[{"Name": "EndpointName", "Value": endpoint}, {"Name": "VariantName", "Value": name}],
        StartTime=now - timedelta(hours=12),
        EndTime=now + timedelta(minutes=1),
        Period=86400,
        Statistics=["Sum"],
    )
    return sum(point["Sum"] for point in answer["Datapoints"])


@pytest.mark.aws(
    "Shadow tests", "DescribeEndpoint shows the shadow beside the production variant", "API: DescribeEndpoint"
)
def test_a_shadow_is_shown(account, shadowed):
    described = account.endpoint(shadowed)
    assert [shown["VariantName"] for shown in described["ProductionVariants"]] == [VARIANT]
    assert [shown["VariantName"] for shown in described["ShadowProductionVariants"]] == [SHADOW]


@pytest.mark.aws(
    "Shadow tests",
    "The production variant answers every request, whatever the shadow does",
    "Developer guide: Shadow variants",
)
@pytest.mark.aws(
    "Shadow tests",
    "The shadow's requests and errors are metrics under its own variant name",
    "Developer guide: Shadow variants",
)
def test_a_failing_shadow_is_not_noticed(account, shadowed):
    answers = {account.invoke(shadowed, str(number))["InvokedProductionVariant"] for number in range(20)}
    assert answers == {VARIANT}
    account.until(lambda: _total(account, shadowed, SHADOW, "Invocation5XXErrors") >= 20, within=900)
    assert _total(account, shadowed, SHADOW, "Invocations") == _total(account, shadowed, VARIANT, "Invocations")
    assert _total(account, shadowed, VARIANT, "Invocation5XXErrors") == 0


@pytest.mark.aws("Shadow tests", "A config has one production variant with one shadow", "API: CreateEndpointConfig")
@pytest.mark.parametrize(("production", "shadows"), [(2, 1), (1, 2)])
def test_a_second_variant_beside_a_shadow_is_refused(sagemaker, resources, production, shadows):
    model = resources.model()
    refusal(
        "ValidationException",
        sagemaker.create_endpoint_config,
        EndpointConfigName=resources.name("refused"),
        ProductionVariants=[variant(model, name=f"p{number}") for number in range(production)],
        ShadowProductionVariants=[variant(model, name=f"s{number}") for number in range(shadows)],
    )
