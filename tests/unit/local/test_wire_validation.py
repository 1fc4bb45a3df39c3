"""Requests are refused as AWS refuses them, from botocore's own models."""

import contextlib
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from moto.core.utils import get_service_model

from local import wire
from local.errors import AwsError
from local.wire.validation import _compiled, _matches


def _parsed(operation: str, members: object) -> dict:
    return wire.parse(wire.Asked("sagemaker", operation, "json"), json.dumps(members).encode())


def _refusal(operation: str, members: object) -> AwsError:
    with pytest.raises(AwsError) as caught:
        _parsed(operation, members)
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
    assert _parsed("UpdateModelPackage", allowed) == allowed
    refused = {"ModelPackageArn": arn, "CustomerMetadataProperties": {"reason": "5 %, too many"}}
    assert "pattern" in _refusal("UpdateModelPackage", refused).message


@pytest.mark.parametrize(
    ("operation", "members", "said"),
    [
        ("ListEndpoints", {"MaxResults": "ten"}, "'ten' can not be converted"),
        ("ListEndpoints", {"MaxResults": True}, "'True' can not be converted"),
        ("ListEndpoints", {"MaxResults": 1.5}, "'1.5' can not be converted"),
        ("ListEndpoints", {"MaxResults": 2**40}, "of type integer"),
        ("ListEndpoints", {"CreationTimeAfter": "soon"}, "soon"),
        ("ListEndpoints", {"CreationTimeAfter": 1e300}, "cannot be read"),
        ("ListEndpoints", [], "of type structure"),
        ("CreateEndpoint", {"Tags": {}}, "of type list"),
        ("CreateEndpoint", {"Tags": [None]}, "of type structure"),
    ],
)
def test_a_member_of_the_wrong_type_is_refused_and_shown(operation, members, said):
    error = _refusal(operation, members)
    assert (error.code, said in error.message) == ("SerializationException", True)


def test_an_unknown_operation_is_an_aws_error():
    assert _refusal("CreateShadowTestSchedule", {}).code == "UnknownOperationException"


@pytest.mark.parametrize("body", [b"{", b"\xff", b"[" * 100_000])
def test_a_body_that_is_not_json_is_an_aws_error(body):
    with pytest.raises(AwsError) as caught:
        wire.parse(wire.Asked("sagemaker", "ListEndpoints", "json"), body)
    assert caught.value.code == "SerializationException"


def test_timestamps_are_aware_whether_they_came_as_seconds_or_as_text():
    moment = datetime(2026, 11, 23, 12, tzinfo=UTC)
    for written in (moment.timestamp(), "2026-11-23T12:00:00Z", "2026-11-23T13:00:00+01:00"):
        assert _parsed("ListEndpoints", {"CreationTimeAfter": written}) == {"CreationTimeAfter": moment}


@pytest.mark.parametrize("service", ["sagemaker", "sagemaker-runtime", "cloudwatch", "application-autoscaling"])
def test_every_pattern_of_a_model_can_be_checked(service):
    model = get_service_model(service)
    patterns = {model.shape_for(name).metadata.get("pattern", "") for name in model.shape_names}
    assert all(_compiled(pattern) for pattern in patterns)


@pytest.mark.parametrize(
    ("pattern", "good", "bad"),
    [
        (r"[\p{L}\p{M}\p{Z}\p{S}\p{N}\p{P}]*", "Größe (m²) = 5 €, „gut“!", "\x01"),
        (r"\A\S[\p{Print}]*\z", "model.tar.gz", " model"),
        (r"\p{ASCII}*", "plain\n", "naïve"),
        (r"[\u0020-\uD7FF\uE000-\uFFFD\uD800\uDC00-\uDBFF\uDFFF\t]*", "a 😀\t", "a\n"),
        (r"arn:[\p{Alnum}\-]+:x", "arn:aws-cn:x", "arn:ä:x"),
    ],
)
def test_javas_character_classes_are_understood(pattern, good, bad):
    assert _matches(pattern, good)
    assert not _matches(pattern, bad)


JSON = st.recursive(
    st.none() | st.integers() | st.floats() | st.text() | st.booleans(),
    lambda item: st.lists(item) | st.dictionaries(st.text(), item),
)
NEARLY = st.fixed_dictionaries(
    {},
    optional={
        "EndpointConfigName": JSON,
        "ProductionVariants": st.lists(
            st.fixed_dictionaries(
                {}, optional={"VariantName": JSON, "InitialInstanceCount": JSON, "RoutingConfig": JSON}
            )
        ),
        "DataCaptureConfig": JSON,
        "Tags": JSON,
    },
)


@given(JSON | NEARLY)
def test_any_json_is_either_parsed_or_refused_with_an_aws_error(members):
    with contextlib.suppress(AwsError):
        assert isinstance(_parsed("CreateEndpointConfig", members), dict)
