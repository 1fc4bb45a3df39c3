"""What a request asks for is told by what AWS clients send with it."""

import pytest

from local.wire import Asked, Router

ROUTER = Router(["sagemaker", "sagemaker-runtime", "cloudwatch", "application-autoscaling"])
SCOPE = "AWS4-HMAC-SHA256 Credential=AKID/20261123/us-east-1/{}/aws4_request, SignedHeaders=host, Signature=0"
FORM = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}


def _asked(method: str = "POST", path: str = "/", query: str = "", body: bytes = b"", **headers: str) -> Asked:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return ROUTER.route(method, path, query, named, body)


@pytest.mark.parametrize(
    ("target", "service", "operation"),
    [
        ("SageMaker.CreateEndpoint", "sagemaker", "CreateEndpoint"),
        ("GraniteServiceVersion20100801.PutMetricData", "cloudwatch", "PutMetricData"),
        ("AnyScaleFrontendService.PutScalingPolicy", "application-autoscaling", "PutScalingPolicy"),
    ],
)
def test_json_names_service_and_operation_in_its_target(target, service, operation):
    assert _asked(X_Amz_Target=target) == Asked(service, operation, "json")


def test_another_services_target_is_told_apart_by_who_signed():
    asked = _asked(X_Amz_Target="AWSEvents.PutRule", Authorization=SCOPE.format("events"))
    assert asked == Asked("events", "PutRule", "json")


@pytest.mark.parametrize("headers", [{}, {"Authorization": SCOPE.format("monitoring")}])
def test_query_is_told_by_who_signed_or_by_its_version(headers):
    sent = b"Action=ListMetrics&Version=2010-08-01"
    assert ROUTER.route("POST", "/", "", FORM | headers, sent) == Asked("cloudwatch", "ListMetrics", "query")


def test_a_presigned_query_is_told_by_its_parameters():
    query = "Action=ListMetrics&X-Amz-Credential=AKID%2F20261123%2Fus-east-1%2Fmonitoring%2Faws4_request"
    assert _asked("GET", query=query) == Asked("cloudwatch", "ListMetrics", "query")


def test_query_of_another_service_stays_its_own():
    sent = b"Action=ListTopics&Version=2010-03-31"
    assert ROUTER.route("POST", "/", "", FORM | {"Authorization": SCOPE.format("sns")}, sent).service == "sns"


def test_rpc_names_service_and_operation_in_its_path():
    asked = _asked(path="/service/GraniteServiceVersion20100801/operation/ListMetrics")
    assert asked == Asked("cloudwatch", "ListMetrics", "smithy-rpc-v2-cbor")


def test_a_path_of_the_runtime_names_its_operation():
    asked = _asked(path="/endpoints/e/async-invocations", Authorization=SCOPE.format("sagemaker"))
    assert asked == Asked("sagemaker-runtime", "InvokeEndpointAsync", "rest-json")


def test_what_sagemaker_signed_is_sagemakers_whatever_the_path():
    assert _asked("PUT", "/BatchPutMetrics", Authorization=SCOPE.format("sagemaker")).service == "sagemaker"


def test_s3_is_read_as_xml_whether_signed_or_not():
    assert _asked("PUT", "/bucket/key", Authorization=SCOPE.format("s3")) == Asked("s3", None, "rest-xml")
    assert _asked("GET", "/bucket/key") == Asked(None, None, "rest-xml")
