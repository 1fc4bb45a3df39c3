"""Requests are refused as AWS refuses them, from botocore's own models."""

import contextlib
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local import wire
from local.errors import AwsError


def _refusal(operation: str, members: object, service: str = "sagemaker") -> AwsError:
    with pytest.raises(AwsError) as caught:
        wire.parse(service, operation, json.dumps(members).encode())
    return caught.value


def test_a_missing_required_member_is_named_with_its_path():
    message = _refusal("CreateEndpoint", {"EndpointName": "e"}).message
    assert "Value null at 'endpointConfigName'" in message


def test_every_violation_is_reported_at_once():
    assert _refusal("CreateEndpoint", {}).message.startswith("2 validation errors detected")


def test_a_value_above_the_models_maximum_is_refused():
    deployment = {
        "BlueGreenUpdatePolicy": {
            "TrafficRoutingConfiguration": {"Type": "CANARY", "WaitIntervalInSeconds": 3601},
        }
    }
    request = {"EndpointName": "e", "EndpointConfigName": "c", "DeploymentConfig": deployment}
    assert "less than or equal to 3600" in _refusal("UpdateEndpoint", request).message


def test_a_value_outside_the_models_enum_is_refused():
    request = {"ModelPackageArn": "arn:aws:sagemaker:us-east-1:111122223333:model-package/g/1"}
    assert "enum value set" in _refusal("UpdateModelPackage", {**request, "ModelApprovalStatus": "Archived"}).message


def test_a_name_that_breaks_the_models_pattern_is_refused():
    request = {"EndpointName": "no_underscores", "EndpointConfigName": "c"}
    assert "regular expression pattern" in _refusal("CreateEndpoint", request).message


def test_customer_metadata_keeps_its_unicode_character_set():
    arn = "arn:aws:sagemaker:us-east-1:111122223333:model-package/g/1"
    allowed = {"ModelPackageArn": arn, "CustomerMetadataProperties": {"reason": "zurück: 5.0 = zu viel"}}
    assert wire.parse("sagemaker", "UpdateModelPackage", json.dumps(allowed).encode()) == allowed
    refused = {"ModelPackageArn": arn, "CustomerMetadataProperties": {"reason": "5 %, too many"}}
    assert "pattern" in _refusal("UpdateModelPackage", refused).message


def test_a_mistyped_member_is_refused():
    assert "type integer" in _refusal("ListEndpoints", {"MaxResults": "ten"}).message


def test_an_unknown_operation_is_an_aws_error():
    assert _refusal("CreateShadowTestSchedule", {}).code == "UnknownOperationException"


def test_a_body_that_is_not_json_is_an_aws_error():
    with pytest.raises(AwsError) as caught:
        wire.parse("sagemaker", "ListEndpoints", b"{")
    assert caught.value.code == "SerializationException"


def test_timestamps_are_parsed_and_written_as_epoch_seconds():
    parsed = wire.parse("sagemaker", "ListEndpoints", b'{"CreationTimeAfter": 1700000000}')
    assert parsed["CreationTimeAfter"] == datetime.fromtimestamp(1_700_000_000, UTC)
    assert wire.serialise(parsed) == b'{"CreationTimeAfter": 1700000000.0}'


@given(
    st.recursive(
        st.none() | st.integers() | st.text() | st.booleans(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)
    )
)
def test_any_json_is_either_parsed_or_refused_with_an_aws_error(members):
    with contextlib.suppress(AwsError):
        assert isinstance(wire.parse("sagemaker", "CreateEndpointConfig", json.dumps(members).encode()), dict)
