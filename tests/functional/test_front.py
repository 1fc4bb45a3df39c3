"""Any AWS client can talk to the front: ours and moto's services answer as one account."""

import contextlib
import gzip
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
        ("cloudwatch", "describe_insight_rules", {}, "NotImplemented"),
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


def _sent(standin, method: str, path: str, body: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(standin["AWS_ENDPOINT_URL"].removeprefix("http://"))
    with contextlib.closing(connection):
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.read()


def test_a_client_of_an_older_protocol_is_answered_from_the_same_metrics(standin, client):
    client("cloudwatch").put_metric_data(Namespace="Front", MetricData=[{"MetricName": "Old", "Value": 1.0}])
    scope = "AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/monitoring/aws4_request, SignedHeaders=host, Signature=0"
    form = {"Authorization": scope, "Content-Type": "application/x-www-form-urlencoded"}
    status, body = _sent(standin, "POST", "/", b"Action=ListMetrics&Version=2010-08-01&Namespace=Front", form)
    assert (status, b"<MetricName>Old</MetricName>" in body) == (200, True)


def test_a_compressed_request_is_read_and_a_broken_one_is_refused(standin):
    target = {"X-Amz-Target": "GraniteServiceVersion20100801.ListMetrics", "Content-Encoding": "gzip"}
    packed = gzip.compress(json.dumps({"Namespace": "None such"}).encode())
    assert _sent(standin, "POST", "/", packed, target) == (200, b'{"Metrics": []}')
    for broken in (packed[:-4], b"{}"):
        status, body = _sent(standin, "POST", "/", broken, target)
        assert (status, b"SerializationException" in body) == (400, True)


def test_s3_keeps_what_a_client_compressed_as_it_came(client):
    s3, packed = client("s3"), gzip.compress(b"rows")
    s3.create_bucket(Bucket="front-gzip")
    s3.put_object(Bucket="front-gzip", Key="rows.gz", Body=packed, ContentEncoding="gzip")
    assert s3.get_object(Bucket="front-gzip", Key="rows.gz")["Body"].read() == packed


@pytest.mark.parametrize(
    ("service", "operation", "arguments"),
    [
        ("apprunner", "list_services", {}),
        ("neptune-graph", "list_graphs", {}),
        ("sns", "get_data_protection_policy", {"ResourceArn": "arn"}),
        ("ec2", "describe_fpga_images", {}),
        ("events", "list_endpoints", {}),
        ("lambda", "list_provisioned_concurrency_configs", {"FunctionName": "f"}),
        ("sagemaker-a2i-runtime", "list_human_loops", {"FlowDefinitionArn": "a"}),
    ],
)
def test_what_nobody_implements_is_an_aws_error_in_the_clients_protocol(client, service, operation, arguments):
    with pytest.raises(ClientError) as caught:
        getattr(client(service), operation)(**arguments)
    error = caught.value.response
    assert (error["Error"]["Code"], error["ResponseMetadata"]["HTTPStatusCode"]) == ("NotImplemented", 501)
    assert "The rehearsal has no" in error["Error"]["Message"]


def test_an_unknown_target_is_not_taken_for_a_bucket(standin):
    status, body = _sent(standin, "POST", "/", b"{}", {"X-Amz-Target": "Nobody.DoNothing"})
    assert (status, b"no service Nobody" in body) == (501, True)


def test_an_alarm_that_changes_reaches_eventbridge_and_its_topic(client):
    cloudwatch, events, sns, sqs = (client(name) for name in ("cloudwatch", "events", "sns", "sqs"))
    queues = {name: sqs.create_queue(QueueName=f"front-{name}")["QueueUrl"] for name in ("events", "topic")}
    arns = {
        name: sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        for name, url in queues.items()
    }
    topic = sns.create_topic(Name="front")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arns["topic"])
    pattern = {"source": ["aws.cloudwatch"], "detail": {"alarmName": ["front"], "state": {"value": ["ALARM"]}}}
    events.put_rule(Name="front-alarms", EventPattern=json.dumps(pattern))
    events.put_targets(Rule="front-alarms", Targets=[{"Id": "queue", "Arn": arns["events"]}])
    cloudwatch.put_metric_alarm(
        AlarmName="front",
        AlarmActions=[topic],
        Namespace="Front",
        MetricName="M",
        Statistic="Sum",
        Period=86_400,
        EvaluationPeriods=1,
        Threshold=1.0,
        ComparisonOperator="GreaterThanThreshold",
        TreatMissingData="ignore",
    )
    cloudwatch.set_alarm_state(AlarmName="front", StateValue="ALARM", StateReason="drill")
    told = {name: json.loads(_message(sqs, url)) for name, url in queues.items()}
    assert told["events"]["detail-type"] == "CloudWatch Alarm State Change"
    assert told["events"]["detail"]["previousState"]["value"] == "INSUFFICIENT_DATA"
    assert json.loads(told["topic"]["Message"])["NewStateReason"] == "drill"


def _message(sqs, url: str) -> str:
    (message,) = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=10)["Messages"]
    return message["Body"]
