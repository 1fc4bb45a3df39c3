"""What a target is sent: EventBridge's input transformation, on any event."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.events.inputs import InputError, body

ARN = "arn:aws:sagemaker:us-east-1:111122223333:model-package/flights/1"
EVENT = {
    "detail-type": "SageMaker Model Package State Change",
    "resources": [ARN],
    "detail": {"ModelApprovalStatus": "Approved", "ModelPackageVersion": 1, "ModelPackageArn": ARN, "Why": 'a "b"'},
}
RULE = {"aws.events.rule-name": "approvals", "aws.events.rule-arn": "arn:rule", "aws.events.event.ingestion-time": "t"}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc-", min_size=1), inner, max_size=3),
)


def transformed(template, **paths):
    return body(EVENT, {"InputTransformer": {"InputTemplate": template, "InputPathsMap": paths}}, RULE)


@given(JSON)
def test_without_a_transformation_a_target_gets_the_event(detail):
    assert json.loads(body({"detail": detail}, {}, RULE)) == {"detail": detail}


@pytest.mark.aws(
    "Events",
    "An input transformer fills parts of the event into the JSON that a target gets",
    "EventBridge user guide: Input transformation",
)
def test_a_template_names_the_package_as_a_pipeline_variable():
    template = '{"variables": [{"name": "ModelPackageArn", "value": "<arn>"}]}'
    sent = transformed(template, arn="$.detail.ModelPackageArn")
    assert json.loads(sent) == {"variables": [{"name": "ModelPackageArn", "value": ARN}]}


@given(JSON)
def test_a_variable_that_is_not_quoted_stands_for_json(value):
    target = {"InputTransformer": {"InputTemplate": '{"it": <it>}', "InputPathsMap": {"it": "$.detail"}}}
    assert json.loads(body({"detail": value}, target, RULE)) == {"it": value}


@given(st.text())
def test_a_quoted_string_keeps_its_characters(value):
    target = {"InputTransformer": {"InputTemplate": '{"it": "<it>!"}', "InputPathsMap": {"it": "$.detail"}}}
    assert json.loads(body({"detail": value}, target, RULE)) == {"it": f"{value}!"}


@pytest.mark.parametrize(
    ("template", "sent"),
    [
        ('"<version> of <kind>"', '"1 of SageMaker Model Package State Change"'),
        ('"one <version>"\n"two <version>"', '"one 1"\n"two 1"'),
        ('{"rule": "<aws.events.rule-name>"}', '{"rule": "approvals"}'),
        ('{"all": "<whole>"}', '{"all": "{ModelApprovalStatus: Approved}"}'),
        ('{"none": "<absent>"}', '{"none": ""}'),
        ('{"unknown": "<stranger>"}', '{"unknown": "<stranger>"}'),
    ],
)
def test_a_template_may_be_lines_of_text_and_name_the_rule(template, sent):
    paths = {"version": "$.detail.ModelPackageVersion", "kind": "$.detail-type", "absent": "$.detail.no.such"}
    event = EVENT | {"only": {"ModelApprovalStatus": "Approved"}}
    target = {"InputTransformer": {"InputTemplate": template, "InputPathsMap": {**paths, "whole": "$.only"}}}
    assert body(event, target, RULE) == sent


def test_a_template_that_gives_no_json_is_an_error():
    with pytest.raises(InputError, match="not JSON"):
        transformed('{"it": <absent>}', absent="$.no")


@pytest.mark.parametrize(
    ("path", "part"),
    [
        ("$.resources[0]", ARN),
        ("$.detail['ModelPackageVersion']", 1),
        ("$", EVENT),
        ("$.no", None),
        ("x", None),
        ("$.detail[", None),
    ],
)
def test_a_path_chooses_a_part(path, part):
    assert json.loads(body(EVENT, {"InputPath": path}, RULE)) == part


def test_a_constant_is_sent_as_it_is():
    assert body(EVENT, {"Input": '{"go": 1}'}, RULE) == '{"go": 1}'


@given(JSON)
def test_the_whole_event_can_be_a_variable(detail):
    template = {"InputTransformer": {"InputTemplate": '{"event": <aws.events.event.json>}'}}
    assert json.loads(body({"detail": detail}, template, RULE)) == {"event": {"detail": detail}}
