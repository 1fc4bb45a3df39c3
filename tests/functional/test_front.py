"""Any AWS client can talk to the front: ours and moto's services answer as one account."""

import http.client
import json
import time
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import pytest
from botocore.exceptions import ClientError

GROUP = "front-tests"


@pytest.fixture(scope="module")
def approvals(client):
    """A group, and a queue that an EventBridge rule fills with approvals in it."""
    sagemaker, events, sqs = client("sagemaker"), client("events"), client("sqs")
    sagemaker.create_model_package_group(ModelPackageGroupName=GROUP)
    url = sqs.create_queue(QueueName=GROUP)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    pattern = {
        "source": ["aws.sagemaker"],
        "detail": {"ModelApprovalStatus": ["Approved"], "UpdatedModelPackageFields": ["ModelApprovalStatus"]},
    }
    events.put_rule(Name=GROUP, EventPattern=json.dumps(pattern))
    events.put_targets(Rule=GROUP, Targets=[{"Id": "queue", "Arn": arn}])
    return sqs, url


def _package(client) -> str:
    return client("sagemaker").create_model_package(ModelPackageGroupName=GROUP)["ModelPackageArn"]


def _received(approvals, seconds: int) -> list:
    sqs, url = approvals
    found = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=seconds).get("Messages", [])
    for message in found:
        sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return [json.loads(message["Body"])["detail"]["ModelPackageArn"] for message in found]


def test_an_approval_from_any_client_becomes_an_event_that_names_the_package(client, approvals):
    arn = _package(client)
    client("sagemaker").update_model_package(ModelPackageArn=arn, ModelApprovalStatus="Approved")
    assert _received(approvals, 5) == [arn]


def test_our_own_notes_on_an_approved_package_start_nothing(client, approvals):
    arn = _package(client)
    sagemaker = client("sagemaker")
    sagemaker.update_model_package(ModelPackageArn=arn, ModelApprovalStatus="Approved")
    assert _received(approvals, 5) == [arn]
    sagemaker.update_model_package(ModelPackageArn=arn, CustomerMetadataProperties={"staging-outcome": "promoted"})
    sagemaker.update_model_package(
        ModelPackageArn=arn, ModelLifeCycle={"Stage": "Production", "StageStatus": "Live", "StageDescription": "x"}
    )
    assert _received(approvals, 1) == []


def test_s3_keeps_what_it_is_given(client):
    s3, content = client("s3"), bytes(range(256)) * 20_000
    s3.create_bucket(Bucket="front-tests")
    s3.put_object(Bucket="front-tests", Key="a/b.bin", Body=content)
    assert s3.get_object(Bucket="front-tests", Key="a/b.bin")["Body"].read() == content
    assert s3.head_object(Bucket="front-tests", Key="a/b.bin")["ContentLength"] == len(content)


def test_the_date_header_is_awss_clock_and_runs_faster(client):
    sagemaker = client("sagemaker")

    def date() -> datetime:
        headers = sagemaker.list_endpoints()["ResponseMetadata"]["HTTPHeaders"]
        return parsedate_to_datetime(headers["date"])

    before = date()
    time.sleep(0.5)
    assert (date() - before).total_seconds() > 20
    assert before > datetime.now(UTC)


@pytest.mark.parametrize(
    ("service", "operation", "arguments", "code"),
    [
        ("sagemaker", "describe_endpoint", {"EndpointName": "nobody"}, "ValidationException"),
        ("sagemaker", "describe_pipeline", {"PipelineName": "nobody"}, "ResourceNotFound"),
        ("sagemaker", "list_apps", {}, "NotImplemented"),
        ("cloudwatch", "list_dashboards", {}, "NotImplemented"),
        ("sagemaker-runtime", "invoke_endpoint", {"EndpointName": "nobody", "Body": b"1"}, "ValidationError"),
        (
            "sagemaker-runtime",
            "invoke_endpoint_async",
            {"EndpointName": "e", "InputLocation": "s3://b"},
            "NotImplemented",
        ),
    ],
)
def test_what_is_not_there_is_an_aws_error_with_its_code(client, service, operation, arguments, code):
    with pytest.raises(ClientError) as caught:
        getattr(client(service), operation)(**arguments)
    assert caught.value.response["Error"]["Code"] == code


def test_a_request_beyond_the_models_limits_is_refused_with_the_limit(client):
    with pytest.raises(ClientError, match="less than or equal to 28800"):
        client("sagemaker").update_endpoint(
            EndpointName="e",
            EndpointConfigName="c",
            DeploymentConfig={
                "BlueGreenUpdatePolicy": {
                    "TrafficRoutingConfiguration": {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 0},
                    "MaximumExecutionTimeoutInSeconds": 90_000,
                }
            },
        )


@pytest.mark.parametrize("headers", [{"Origin": "https://example.com"}, {"Host": "example.com"}])
def test_a_web_page_is_refused(standin, headers):
    connection = http.client.HTTPConnection(standin["AWS_ENDPOINT_URL"].removeprefix("http://"))
    connection.request("POST", "/", b"{}", {"X-Amz-Target": "SageMaker.ListModels", **headers})
    assert connection.getresponse().status == 403
    connection.close()


def test_cloudwatch_in_an_older_protocol_is_refused_rather_than_answered_by_another_cloudwatch(standin):
    connection = http.client.HTTPConnection(standin["AWS_ENDPOINT_URL"].removeprefix("http://"))
    scope = "AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/monitoring/aws4_request, SignedHeaders=host, Signature=0"
    connection.request("POST", "/", b"Action=DescribeAlarms&Version=2010-08-01", {"Authorization": scope})
    assert connection.getresponse().status == 501
    connection.close()
