"""Expressions, conditions and cache keys: values in, values out."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.pipelines import caching
from local.pipelines.conditions import ConditionError, holds
from local.pipelines.expressions import ExpressionError, Scope, documents, follow, references, resolve, segments

SCOPE = Scope(
    parameters={"Rounds": 50, "Rate": 0.5, "Flag": True, "Name": "x"},
    execution={"PipelineExecutionId": "abc123"},
    steps={
        "Prepare": {
            "ProcessingOutputConfig": {
                "Outputs": [
                    {"OutputName": "test", "S3Output": {"S3Uri": "s3://b/test"}},
                    {"OutputName": "train", "S3Output": {"S3Uri": "s3://b/train"}},
                ]
            },
            "PropertyFiles": {"Report": "s3://b/report.json"},
        },
        "Train": {
            "ModelArtifacts": {"S3ModelArtifacts": "s3://b/model.tar.gz"},
            "FinalMetricDataList": [{"MetricName": "validation:auc", "Value": 0.9}],
        },
    },
    documents={"s3://b/report.json": {"auc": {"value": 0.9}, "folds": [{"a b": 1}]}},
)


def get(target):
    return {"Get": target}


def json_get(path):
    return {"Std:JsonGet": {"PropertyFile": get("Steps.Prepare.PropertyFiles.Report"), "Path": path}}


@pytest.mark.aws(
    "Pipelines",
    "Get, Std:Join and Std:JsonGet stand for parameters, execution variables, properties of steps and property files",
    "Developer guide: Pipelines: data dependency",
)
@pytest.mark.parametrize(
    ("expression", "value"),
    [
        (get("Parameters.Rounds"), 50),
        (get("Execution.PipelineExecutionId"), "abc123"),
        (get("Steps.Train.ModelArtifacts.S3ModelArtifacts"), "s3://b/model.tar.gz"),
        (get("Steps.Prepare.ProcessingOutputConfig.Outputs['train'].S3Output.S3Uri"), "s3://b/train"),
        (get("Steps.Prepare.ProcessingOutputConfig.Outputs[0].OutputName"), "test"),
        (get("Steps.Train.FinalMetricDataList['validation:auc'].Value"), 0.9),
        (json_get("auc.value"), 0.9),
        (json_get("$.auc.value"), 0.9),
        (json_get("folds[0]['a b']"), 1),
        ({"Std:JsonGet": {"S3Uri": {"Std:Join": {"Values": ["s3://b/", "report.json"]}}, "Path": "auc.value"}}, 0.9),
        ({"Std:Join": {"On": "-", "Values": ["a", get("Parameters.Rounds"), get("Parameters.Rate")]}}, "a-50-0.5"),
        ({"Std:Join": {"Values": [get("Parameters.Flag"), {"Std:Join": {"On": "", "Values": ["!"]}}]}}, "true!"),
        ({"a": [get("Parameters.Name"), {"b": 1}]}, {"a": ["x", {"b": 1}]}),
    ],
)
def test_an_expression_is_what_it_stands_for(expression, value):
    assert resolve(expression, SCOPE) == value


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        (get("Steps.Later.X"), "step Later has not succeeded"),
        (get("Steps.Train.Nothing.X"), "'Nothing' is missing .there is FinalMetricDataList, ModelArtifacts"),
        (get("Steps.Prepare.ProcessingOutputConfig.Outputs['val'].S3Output"), "'val' is missing .there is test, train"),
        (json_get("auc.mean"), "s3://b/report.json has nothing at 'auc.mean': 'mean' is missing .there is value"),
        (json_get("auc.value.x"), "it is 0.9"),
        (json_get("folds[3]"), "a list of 1"),
    ],
)
def test_an_expression_that_stands_for_nothing_says_what_there_is(expression, message):
    with pytest.raises(ExpressionError, match=message):
        resolve(expression, SCOPE)


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(alphabet="abc", min_size=1), inner, max_size=3),
    max_leaves=10,
)


@given(plain)
def test_a_value_without_expressions_is_itself(value):
    assert resolve(value, SCOPE) == value
    assert not documents(value, SCOPE)
    assert not list(references(value))


@given(plain, st.lists(st.text(alphabet="abc", min_size=1, max_size=1) | st.integers(0, 2), max_size=4))
def test_a_value_that_was_put_somewhere_is_found_there(value, path):
    built = value
    for part in reversed(path):
        built = {part: built} if isinstance(part, str) else [None] * part + [built]
    spelled = "".join(f"['{part}']" if isinstance(part, str) else f"[{part}]" for part in path)
    assert segments(spelled) == tuple(path)
    assert follow(built, spelled, "it") == value


def test_documents_are_asked_for_before_they_are_read():
    assert documents([json_get("a"), {"x": json_get("b")}], SCOPE) == {"s3://b/report.json"}


def compare(kind, left, right):
    return holds([{"Type": kind, "LeftValue": left, "RightValue": right}])


@given(st.integers() | st.floats(allow_nan=False), st.integers() | st.floats(allow_nan=False))
def test_comparisons_agree_with_each_other(left, right):
    assert compare("GreaterThan", left, right) != compare("LessThanOrEqualTo", left, right)
    assert compare("LessThan", left, right) != compare("GreaterThanOrEqualTo", left, right)
    assert compare("Equals", left, right) == (
        compare("GreaterThanOrEqualTo", left, right) and compare("LessThanOrEqualTo", left, right)
    )


def test_in_or_and_not_combine_conditions():
    inside = {"Type": "In", "QueryValue": "a", "Values": ["a", "b"]}
    outside = {"Type": "In", "QueryValue": "c", "Values": ["a", "b"]}
    assert holds([{"Type": "Or", "Conditions": [outside, inside]}])
    assert holds([inside, {"Type": "Not", "Expression": outside}, {"Type": "Not", "Condition": outside}])
    assert not holds([inside, outside])


@pytest.mark.parametrize(
    ("kind", "left", "right"),
    [("GreaterThan", "0.9", 0.85), ("LessThan", None, 1), ("GreaterThan", True, 0), ("Equals", "1", 1)],
)
def test_values_of_different_kinds_are_not_compared(kind, left, right):
    with pytest.raises(ConditionError, match=repr(left)):
        compare(kind, left, right)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("P30D", timedelta(days=30)),
        ("30d", timedelta(days=30)),
        ("PT1H", timedelta(hours=1)),
        ("T16m", timedelta(minutes=16)),
        ("30dT5h", timedelta(days=30, hours=5)),
        ("P1M", timedelta(days=30)),
        ("5y", timedelta(days=5 * 365)),
        ("P2W", timedelta(weeks=2)),
    ],
)
def test_a_duration_is_iso_8601_as_aws_spells_it(text, expected):
    assert caching.duration(text) == expected


@pytest.mark.parametrize("text", ["", "P", "1", "PT", "30 days", "-P1D"])
def test_what_is_no_duration_is_refused(text):
    with pytest.raises(ValueError, match="not a duration"):
        caching.duration(text)


PROCESSING = {
    "ProcessingJobName": "a",
    "AppSpecification": {"ImageUri": "i"},
    "Environment": {"A": "1"},
    "ProcessingInputs": [],
    "ProcessingOutputConfig": {"Outputs": []},
}


@pytest.mark.aws(
    "Pipelines",
    "The documented attributes of a step, and nothing else, decide whether a run can be reused",
    "Developer guide: Caching pipeline steps",
)
@pytest.mark.parametrize("attribute", sorted(caching.ATTRIBUTES["Processing"]))
def test_a_documented_attribute_is_part_of_the_key(attribute):
    assert caching.key("Processing", PROCESSING) != caching.key("Processing", {**PROCESSING, attribute: {"new": 1}})


@pytest.mark.parametrize("attribute", ["ProcessingJobName", "ProcessingOutputConfig", "RoleArn", "ProcessingResources"])
def test_any_other_attribute_is_not_part_of_the_key(attribute):
    assert caching.key("Processing", PROCESSING) == caching.key("Processing", {**PROCESSING, attribute: {"new": 1}})
