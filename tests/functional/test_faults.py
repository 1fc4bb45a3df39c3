"""Faults of a stand-in that runs, set from outside as a person or a rehearsal in another process sets them."""

import json
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable
from typing import Any

import boto3.session
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError

from local.faults import FaultError, parse
from tests.functional.conftest import start


@pytest.fixture
def fault(standin):
    """Sends a request to /_rehearsal/fault; whatever is set is ended afterwards."""

    def send(method: str, body: object = None, query: str = "") -> object:
        url = f"{standin['AWS_ENDPOINT_URL']}/_rehearsal/fault{query}"
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        request = urllib.request.Request(url, data, method=method)  # noqa: S310 - http, as the stand-in said
        with urllib.request.urlopen(request) as answer:  # noqa: S310 - same
            return json.load(answer)["faults"]

    yield send
    send("DELETE")


@pytest.fixture
def under(fault, standin) -> Callable[..., Any]:
    """A client whose calls, and nobody else's, have a fault; how often it tries, how long it waits."""

    def make(text: str, service: str = "sagemaker", attempts: int = 1, seconds: float = 30) -> Any:
        key = f"caller-{uuid.uuid4().hex[:8]}"
        fault("PUT", {"fault": text, "target": key})
        session = boto3.session.Session(key, standin["AWS_SECRET_ACCESS_KEY"], region_name=standin["AWS_REGION"])
        retries = {"mode": "standard", "total_max_attempts": attempts}
        config = Config(retries=retries, read_timeout=seconds, s3={"addressing_style": "path"})
        return session.client(service, endpoint_url=standin["AWS_ENDPOINT_URL"], config=config)

    return make


def groups(client) -> list[str]:
    """The names of the model package groups there are."""
    pages = client("sagemaker").get_paginator("list_model_package_groups").paginate()
    return [group["ModelPackageGroupName"] for page in pages for group in page["ModelPackageGroupSummaryList"]]


def name() -> str:
    """A name that nobody has."""
    return f"group-{uuid.uuid4().hex[:12]}"


def refusal(call: Callable[..., object], **request: object) -> tuple[str, int]:
    """Error code and HTTP status of a call that is refused."""
    with pytest.raises(ClientError) as refused:
        call(**request)
    answer = refused.value.response
    return answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]


def test_faults_are_set_several_at_once_listed_and_ended(fault):
    put = [{"fault": "errors:0.3", "target": "arn:one"}, {"fault": "slow:5"}]
    listed = [
        {"fault": "errors:0.3", "scope": "container", "target": "arn:one", "happened": None},
        {"fault": "slow:5", "scope": "container", "target": None, "happened": None},
    ]
    assert fault("PUT", put) == fault("GET") == listed
    assert fault("DELETE", query="?fault=slow:5") == listed[:1]
    assert fault("DELETE") == []


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ([{"fault": "slow:5"}, {"fault": "eror:1"}], "did you mean errors:RATE"),
        ([{"target": "arn:one"}], "Write {"),
        ("slow:5", "Write {"),
        (b"not JSON", "Write {"),
    ],
)
def test_a_request_with_something_wrong_sets_nothing(fault, body, said):
    with pytest.raises(urllib.error.HTTPError) as refused:
        fault("PUT", body)
    assert refused.value.code == 400
    assert said in refused.value.read().decode()
    assert fault("GET") == []


def test_a_person_sets_lists_and_ends_faults(standin, fault):
    port = standin["AWS_ENDPOINT_URL"].rpartition(":")[2]

    def run(*arguments: str) -> tuple[int, str]:
        process = start("fault", "--port", port, *arguments)
        out, said = process.communicate(timeout=60)
        return process.returncode, out + said

    assert run() == (0, "nothing is wrong\n")
    assert run("errors:0.3", "slow:5", "--on", "arn:one")[0] == 0
    assert run("lost:CreateModel")[1].splitlines() == [
        "errors:0.3 (container) on arn:one",
        "slow:5 (container) on arn:one",
        "lost:CreateModel (api) on everybody, happened 0 times",
    ]
    assert run("slow:5", "--end")[1].count("\n") == 2
    assert run("eror:0.3") == (2, f"python -m local: {parse_error('eror:0.3')}\n")
    assert run("--end") == (0, "nothing is wrong\n")


def parse_error(text: str) -> str:
    """What is said of a fault that cannot be."""
    with pytest.raises(FaultError) as refused:
        parse(text)
    return str(refused.value)


@pytest.mark.aws("Requests", "A call beyond the rate limit is a ThrottlingException, HTTP 400", "API: Common Errors")
def test_a_throttled_call_is_refused_and_not_performed(under, client):
    wanted = name()
    call = under("throttle:CreateModelPackageGroup:1").create_model_package_group
    assert refusal(call, ModelPackageGroupName=wanted) == ("ThrottlingException", 400)
    assert wanted not in groups(client)


@pytest.mark.aws("Requests", "A call that fails in AWS itself is an InternalFailure, HTTP 500", "API: Common Errors")
def test_a_broken_call_is_an_internal_failure_and_not_performed(under, client):
    wanted = name()
    call = under("broken:CreateModelPackageGroup:1").create_model_package_group
    assert refusal(call, ModelPackageGroupName=wanted) == ("InternalFailure", 500)
    assert wanted not in groups(client)


def test_a_lost_answer_is_of_a_call_that_was_performed(under, client):
    wanted = name()
    with pytest.raises(ConnectionClosedError):
        under("lost:CreateModelPackageGroup").create_model_package_group(ModelPackageGroupName=wanted)
    assert wanted in groups(client)


def test_a_client_that_tries_again_after_a_lost_answer_finds_its_own_work(under):
    call = under("lost:CreateModelPackageGroup", attempts=3).create_model_package_group
    with pytest.raises(ClientError, match="already exist"):
        call(ModelPackageGroupName=name())


def test_a_call_that_times_out_has_no_answer_and_was_not_performed(under, client):
    wanted = name()
    with pytest.raises(ReadTimeoutError):
        under("timeout:CreateModelPackageGroup", seconds=0.5).create_model_package_group(ModelPackageGroupName=wanted)
    assert wanted not in groups(client)


def test_a_client_that_tries_again_gets_through_once_the_first_calls_were_hit(under, client):
    wanted = name()
    call = under("throttle:*:first-2", attempts=3).create_model_package_group
    call(ModelPackageGroupName=wanted)
    assert wanted in groups(client)


def test_how_often_a_fault_happened_is_told(under, fault):
    faulty = under("throttle:ListModels:first-2")
    for _ in range(2):
        refusal(faulty.list_models)
    faulty.list_models()
    assert [shown["happened"] for shown in fault("GET")] == [2]


def test_a_fault_is_of_its_operation_and_its_caller_alone(under, client):
    faulty = under("throttle:ListModels:1")
    assert refusal(faulty.list_models)[0] == "ThrottlingException"
    faulty.list_endpoints()
    client("sagemaker").list_models()


def test_a_rate_hits_the_same_calls_for_the_same_seed(under):
    def hits() -> list[bool]:
        faulty = under("throttle:ListModels:0.5:7")
        found = []
        for _ in range(20):
            try:
                faulty.list_models()
                found.append(False)
            except ClientError:
                found.append(True)
        return found

    first = hits()
    assert first == hits()
    assert set(first) == {True, False}


@pytest.mark.parametrize(
    ("service", "text", "call", "request_", "refused"),
    [
        ("s3", "throttle:ListBuckets:1", "list_buckets", {}, ("SlowDown", 503)),
        ("s3", "broken:GetObject:1", "get_object", {"Bucket": "b", "Key": "k"}, ("InternalError", 500)),
        ("sqs", "throttle:ListQueues:1", "list_queues", {}, ("ThrottlingException", 400)),
        ("sts", "broken:GetCallerIdentity:1", "get_caller_identity", {}, ("InternalFailure", 500)),
        ("cloudwatch", "throttle:DescribeAlarms:1", "describe_alarms", {}, ("ThrottlingException", 400)),
        (
            "sagemaker-runtime",
            "throttle:InvokeEndpoint:1",
            "invoke_endpoint",
            {"EndpointName": "e", "Body": b"1"},
            ("ThrottlingException", 400),
        ),
    ],
)
def test_every_service_in_its_own_protocol_can_be_hit(under, service, text, call, request_, refused):
    assert refusal(getattr(under(text, service), call), **request_) == refused


def test_an_answer_of_moto_can_be_lost_too(under, client):
    bucket = name()
    with pytest.raises(ConnectionClosedError):
        under("lost:CreateBucket", "s3").create_bucket(Bucket=bucket)
    assert bucket in [found["Name"] for found in client("s3").list_buckets()["Buckets"]]


def test_an_operation_that_nobody_has_is_refused(fault):
    with pytest.raises(urllib.error.HTTPError) as refused:
        fault("PUT", {"fault": "lost:UpdateEndpiont"})
    assert "did you mean UpdateEndpoint" in refused.value.read().decode()
