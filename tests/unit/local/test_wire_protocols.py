"""The same request and the same answer in every protocol, written and read by botocore itself."""

import contextlib
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import pytest
from botocore.parsers import create_parser
from botocore.serialize import create_serializer
from hypothesis import given
from hypothesis import strategies as st
from moto.core.utils import get_service_model

from local import wire
from local.errors import AwsError

PROTOCOLS = ("json", "query", "smithy-rpc-v2-cbor")
NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
METRIC = {"Namespace": "N", "MetricName": "M", "Dimensions": [{"Name": "A", "Value": "b & <c>"}]}
STAT = {"Metric": METRIC, "Period": 60, "Stat": "p99"}
ALARM: dict[str, Any] = {
    "AlarmName": "a",
    "AlarmActions": [],
    "ActionsEnabled": False,
    "EvaluationPeriods": 3,
    "Threshold": 0.01,
    "ComparisonOperator": "GreaterThanThreshold",
}
REQUESTS: dict[str, dict[str, Any]] = {
    "PutMetricData": {
        "Namespace": "N",
        "MetricData": [
            {"MetricName": "M", "Dimensions": METRIC["Dimensions"], "Timestamp": NOON, "Value": 1.5, "Unit": "Count"},
            {"MetricName": "M", "Values": [1.0, 2.0], "Counts": [3.0, 4.0], "StorageResolution": 1},
        ],
    },
    "PutMetricAlarm": ALARM | {"Metrics": [{"Id": "m", "MetricStat": STAT, "ReturnData": True}]},
    "DescribeAlarms": {"AlarmNames": ["a", "b"], "MaxRecords": 10},
    "GetMetricData": {
        "MetricDataQueries": [{"Id": "m", "MetricStat": STAT}, {"Id": "e", "Expression": "m + 1"}],
        "StartTime": NOON,
        "EndTime": NOON,
    },
}
RESULTS: dict[str, dict[str, Any]] = {
    "DescribeAlarms": {
        "MetricAlarms": [ALARM | {"Period": 60, "StateUpdatedTimestamp": NOON, "Dimensions": METRIC["Dimensions"]}],
        "CompositeAlarms": [],
    },
    "GetMetricData": {
        "MetricDataResults": [{"Id": "m", "Timestamps": [NOON], "Values": [0.1], "StatusCode": "Complete"}],
        "Messages": [],
    },
    "PutMetricAlarm": {},
}


def _asked(operation: str, protocol: str, service: str = "cloudwatch") -> wire.Asked:
    return wire.Asked(service, operation, protocol)


def _written(operation: str, protocol: str, members: dict[str, Any]) -> bytes:
    """The body that botocore sends."""
    model = get_service_model("cloudwatch").operation_model(operation)
    body = create_serializer(protocol).serialize_to_request(members, model)["body"]
    return urlencode(body).encode() if isinstance(body, dict) else body


def _read(operation: str, protocol: str, answer: wire.Answer) -> Any:
    """What botocore makes of an answer."""
    shape = get_service_model("cloudwatch").operation_model(operation).output_shape
    headers = {name.lower(): value for name, value in answer.headers.items()}
    response = {"body": answer.body, "headers": headers, "status_code": answer.status}
    return create_parser(protocol).parse(response, shape)


@pytest.mark.aws("Requests", "CloudWatch is asked in JSON 1.0, Query or RPC v2 CBOR", "Smithy: AWS protocols")
@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("operation", REQUESTS)
def test_a_request_means_the_same_in_every_protocol(operation, protocol):
    body = _written(operation, protocol, REQUESTS[operation])
    assert wire.parse(_asked(operation, protocol), body) == REQUESTS[operation]


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("operation", RESULTS)
def test_a_result_means_the_same_in_every_protocol(operation, protocol):
    answer = wire.serialise(_asked(operation, protocol), RESULTS[operation] | {"NotInTheModel": 1})
    read = _read(operation, protocol, answer)
    assert {name: value for name, value in read.items() if name != "ResponseMetadata"} == RESULTS[operation]


@pytest.mark.aws("Requests", "An error has the code that older clients know", "Smithy: awsQueryCompatible")
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_an_error_has_the_same_code_in_every_protocol(protocol):
    error = AwsError("InvalidParameterValue", "5 < 6 & \x00 is no text", 400)
    read = _read("PutMetricData", protocol, wire.refuse(_asked("PutMetricData", protocol), error))["Error"]
    shown = error.message.replace("\x00", "?") if protocol == "query" else error.message
    assert (read["Code"], read["Message"]) == ("InvalidParameterValue", shown)


@pytest.mark.parametrize("protocol", [*PROTOCOLS, "rest-json", "rest-xml"])
@pytest.mark.parametrize("service", ["cloudwatch", "s3", "nobody", None])
def test_an_error_of_an_unknown_operation_can_be_read(service, protocol):
    answer = wire.refuse(wire.Asked(service, "DoNothing", protocol), AwsError("NotImplemented", "no", 501))
    read = _read("PutMetricData", protocol, answer)
    assert (read["Error"]["Code"], read["Error"]["Message"], answer.status) == ("NotImplemented", "no", 501)


def test_an_unknown_action_is_called_an_invalid_action():
    with pytest.raises(AwsError) as caught:
        wire.parse(_asked("DoNothing", "query"), b"Action=DoNothing")
    assert caught.value.code == "InvalidAction"


@pytest.mark.parametrize("sent", ["EvaluationPeriods=many", "Period=4294967296", "ActionsEnabled=yes", "Threshold="])
def test_a_parameter_that_cannot_be_read_is_refused(sent):
    with pytest.raises(AwsError) as caught:
        wire.parse(_asked("PutMetricAlarm", "query"), sent.encode())
    assert caught.value.code == "MalformedInput"


DIMENSIONS = "Metrics.member.1.MetricStat.Metric.Dimensions"
PARAMETERS = st.sampled_from(
    [
        *("AlarmName", "Period", "Threshold", "ActionsEnabled", "OKActions", "OKActions.member.1"),
        *("Dimensions.member.2", f"{DIMENSIONS}.member.1.Name", f"{DIMENSIONS}.member.3.Value"),
    ]
)


@given(st.dictionaries(PARAMETERS | st.text(), st.text()))
def test_any_parameters_are_parsed_or_refused_with_an_aws_error(form):
    body = urlencode(form, errors="replace").encode()
    with contextlib.suppress(AwsError):
        assert isinstance(wire.parse(_asked("PutMetricAlarm", "query"), body), dict)


@given(st.binary())
def test_any_bytes_are_parsed_or_refused_with_an_aws_error_in_every_protocol(body):
    for protocol in PROTOCOLS:
        with contextlib.suppress(AwsError):
            assert isinstance(wire.parse(_asked("PutMetricData", protocol), body), dict)


@given(st.data())
def test_a_request_in_cbor_with_a_byte_changed_is_parsed_or_refused(data):
    body = bytearray(_written("PutMetricData", "smithy-rpc-v2-cbor", REQUESTS["PutMetricData"]))
    body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(AwsError):
        assert isinstance(wire.parse(_asked("PutMetricData", "smithy-rpc-v2-cbor"), bytes(body)), dict)
