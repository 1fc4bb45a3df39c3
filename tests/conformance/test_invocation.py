"""InvokeEndpoint: which variant answers, what a container's failure becomes, how large a request may be."""

import json

import pytest

from tests.conformance.account import refusal
from tests.conformance.resources import VARIANT, variant

LARGEST = 6 * 1024 * 1024


@pytest.fixture(scope="module")
def two_variants(account, resources):
    """An endpoint of two variants, weighted 3 to 1, on an instance each."""
    models = [resources.model(), resources.model()]
    endpoint = resources.endpoint(
        resources.config(
            variant(models[0], name="A", count=1, InitialVariantWeight=3.0),
            variant(models[1], name="B", count=1, InitialVariantWeight=1.0),
        )
    )
    assert account.settled(endpoint)["EndpointStatus"] == "InService"
    return endpoint


def _failure(account, endpoint, body):
    runtime = account.client("sagemaker-runtime")
    with pytest.raises(runtime.exceptions.ModelError) as caught:
        account.invoke(endpoint, body)
    return caught.value.response


@pytest.mark.aws("Serving", "The answer names the variant that gave it", "API: InvokeEndpoint")
@pytest.mark.aws("Serving", "TargetVariant overrides the distribution of traffic", "API: InvokeEndpoint")
@pytest.mark.parametrize("name", ["A", "B"])
def test_a_target_variant_answers(account, two_variants, name):
    answers = [account.invoke(two_variants, TargetVariant=name)["InvokedProductionVariant"] for _ in range(10)]
    assert set(answers) == {name}


@pytest.mark.aws("Serving", "Requests are distributed over variants by their weights", "API: ProductionVariant")
def test_traffic_follows_the_weights(account, two_variants):
    answers = [account.invoke(two_variants)["InvokedProductionVariant"] for _ in range(200)]
    assert 115 <= answers.count("A") <= 185, "three quarters of 200, within six standard deviations"


@pytest.mark.aws("Serving", "A variant of weight 0 gets no traffic", "API: UpdateEndpointWeightsAndCapacities")
def test_a_variant_without_weight_gets_no_traffic(account, sagemaker, two_variants):
    def weigh(weight):
        wanted = [{"VariantName": "B", "DesiredWeight": weight}]
        sagemaker.update_endpoint_weights_and_capacities(EndpointName=two_variants, DesiredWeightsAndCapacities=wanted)
        account.settled(two_variants)

    weigh(0.0)
    answers = {account.invoke(two_variants)["InvokedProductionVariant"] for _ in range(60)}
    weigh(1.0)
    assert answers == {"A"}


@pytest.mark.aws("Serving", "TargetVariant must be a variant of the endpoint", "API: InvokeEndpoint")
def test_an_unknown_target_variant_is_refused(account, two_variants):
    refusal("ValidationError", account.invoke, name=two_variants, TargetVariant="C")


@pytest.mark.aws("Serving", "An endpoint that does not exist is a ValidationError", "API: InvokeEndpoint")
def test_an_unknown_endpoint_is_refused(account):
    refusal("ValidationError", account.invoke, name="nobody")


@pytest.mark.aws("Serving", "The container's answer is returned with its content type", "API: InvokeEndpoint")
def test_an_answer_keeps_its_content_type(account, endpoint):
    answer = account.invoke(endpoint, "1,2", Accept="text/csv")
    assert answer["Body"].endswith(":1,2")
    assert answer["ContentType"].startswith("text/csv")


@pytest.mark.aws(
    "Serving",
    "A container's error is a ModelError, HTTP 424, with the original status and message",
    "API: InvokeEndpoint",
)
@pytest.mark.parametrize(("body", "status"), [("fail", 500), ("refuse", 422)])
def test_a_containers_error_is_a_model_error(account, endpoint, body, status):
    response = _failure(account, endpoint, body)
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 424
    assert response["Error"]["Code"] == "ModelError"
    assert response["OriginalStatusCode"] == status
    assert endpoint in response["LogStreamArn"]


@pytest.mark.aws("Serving", "OriginalMessage is what the container said", "API: InvokeEndpoint")
def test_a_containers_words_are_passed_on(account, endpoint):
    assert _failure(account, endpoint, "refuse")["OriginalMessage"] == "refused"


@pytest.mark.aws("Serving", "A request body of up to 6 MiB is served, a larger one is refused", "API: InvokeEndpoint")
def test_a_body_is_at_most_six_mebibytes(account, endpoint):
    assert account.invoke(endpoint, "x" * LARGEST)["Body"].endswith("x")
    with pytest.raises(account.client("sagemaker-runtime").exceptions.ClientError) as caught:
        account.invoke(endpoint, "x" * (LARGEST + 1))
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] in (400, 413)


@pytest.mark.aws("Serving", "CustomAttributes reach the container", "API: InvokeEndpoint")
def test_custom_attributes_are_accepted(account, endpoint):
    assert account.invoke(endpoint, "1", CustomAttributes=json.dumps({"trace": 1}))["Body"].endswith(":1")


@pytest.mark.aws(
    "Serving",
    "A container's log is in group /aws/sagemaker/Endpoints/<endpoint>, a stream <variant>/<instance> each",
    "Developer guide: Log groups and streams that Amazon SageMaker sends to CloudWatch Logs",
)
def test_what_a_container_says_is_in_its_log_stream(account, endpoint):
    logs, group = account.client("logs"), f"/aws/sagemaker/Endpoints/{endpoint}"
    _failure(account, endpoint, "fail")

    def told() -> bool:
        if not logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]:
            return False
        streams = [stream["logStreamName"] for stream in logs.describe_log_streams(logGroupName=group)["logStreams"]]
        assert all(name.startswith(f"{VARIANT}/") for name in streams)
        said = [
            event["message"]
            for name in streams
            for event in logs.get_log_events(logGroupName=group, logStreamName=name, startFromHead=True)["events"]
        ]
        return any("Traceback" in message for message in said)

    account.until(told, within=600)
