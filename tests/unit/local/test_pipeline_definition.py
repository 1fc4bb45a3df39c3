"""Reading a pipeline definition: what is refused when a pipeline is created, and in which words."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.errors import AwsError
from local.pipelines.definition import parse
from local.pipelines.parameters import bind


def definition(*steps, **more):
    return json.dumps({"Version": "2020-12-01", "Steps": list(steps), **more})


def fail(name, message="no", **more):
    return {"Name": name, "Type": "Fail", "Arguments": {"ErrorMessage": message}, **more}


def check(name, conditions, if_steps=(), else_steps=()):
    arguments = {"Conditions": conditions, "IfSteps": list(if_steps), "ElseSteps": list(else_steps)}
    return {"Name": name, "Type": "Condition", "Arguments": arguments}


ALWAYS = {"Type": "Equals", "LeftValue": 1, "RightValue": 1}


def refused(text):
    with pytest.raises(AwsError) as caught:
        parse(text)
    assert caught.value.code == "ValidationException"
    return caught.value.message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "not JSON"),
        ("[]", "Version must be 2020-12-01"),
        ('{"Version": "2019-01-01", "Steps": []}', "Version must be 2020-12-01"),
        (definition(), "at least one step"),
        (definition({"Name": "A", "Type": "Lambda", "Arguments": {}}), "step A has Type Lambda, which is not offered"),
        (definition(fail("a b")), "step name 'a b'"),
        (definition(fail("A"), fail("A")), "step name A is used twice"),
        (definition(fail("A", DependsOn=["B"])), "step A depends on B"),
        (definition(fail("A", DependsOn=["B"]), fail("B", DependsOn=["A"])), "wait for each other"),
        (definition(fail("A", {"Get": "Parameters.P"})), "reads parameter P"),
        (definition(fail("A", {"Get": "Execution.Nothing"})), "reads Execution.Nothing"),
        (definition(fail("A", {"Get": "Steps.B.X"})), "step A depends on B"),
        (definition(fail("A", {"Get": "Nonsense"})), "Get 'Nonsense'"),
        (definition(fail("A", {"Std:Join": {"On": "/"}})), "no list of Values"),
        (definition(fail("A", {"Std:JsonGet": {"Path": "a"}})), "either a PropertyFile or an S3Uri"),
        (definition(fail("A", {"Std:Upper": "a"})), "Std:Upper is no function"),
        (definition({"Name": "A", "Type": "Fail", "Arguments": {}}), "no ErrorMessage"),
        (definition(fail("A", DependsOn=[{"Step": "B", "Trigger": "Failed"}])), "is not offered here"),
        (definition(fail("A", CacheConfig={"Enabled": True, "ExpireAfter": "soon"})), "'soon' is not a duration"),
        (definition(check("C", [])), "no Conditions"),
        (definition(check("C", [{"Type": "Like"}])), "condition type Like"),
        (definition(check("C", [{"Type": "In", "Values": []}])), "no QueryValue"),
        (definition(check("C", [{"Type": "Not", "Condition": {"Type": "Like"}}])), "condition type Like"),
        (definition(check("C", [ALWAYS], [check("D", [ALWAYS])])), "do not nest"),
        (definition(check("C", [ALWAYS], [fail("A")]), fail("A")), "step name A is used twice"),
        (definition(fail("A"), Parameters=[{"Name": "P", "Type": "Date"}]), "parameter P has Type 'Date'"),
        (definition(fail("A"), Parameters=[{"Name": "P", "Type": "Integer", "DefaultValue": "x"}]), "no Integer"),
        (definition("A"), "not a step"),
        (definition(fail("A", DependsOn=5)), "wrong JSON type"),
    ],
)
def test_a_definition_that_cannot_be_executed_is_refused_with_its_reason(text, message):
    assert message in refused(text)


def test_a_condition_cannot_wait_for_a_step_of_its_own_branch():
    condition = {"Type": "Equals", "LeftValue": {"Get": "Steps.A.X"}, "RightValue": 1}
    assert "wait for each other" in refused(definition(check("C", [condition], [fail("A")])))


def test_a_property_file_must_be_in_an_output_of_its_step():
    step = {
        "Name": "E",
        "Type": "Processing",
        "Arguments": {"ProcessingOutputConfig": {"Outputs": [{"OutputName": "report"}]}},
        "PropertyFiles": [{"PropertyFileName": "F", "OutputName": "other", "FilePath": "f.json"}],
    }
    assert "property file F is in output other, and the outputs are report" in refused(definition(step))


def test_reading_a_property_file_that_a_step_does_not_have_is_refused():
    read = {"Std:JsonGet": {"PropertyFile": {"Get": "Steps.E.PropertyFiles.F"}, "Path": "a"}}
    step = {"Name": "E", "Type": "Processing", "Arguments": {}}
    assert "reads property file F" in refused(definition(step, fail("A", read)))


def test_what_a_step_reads_is_a_dependency_however_deep():
    deep = {"Std:Join": {"On": "", "Values": [{"Std:JsonGet": {"S3Uri": {"Get": "Steps.B.X"}, "Path": "a"}}]}}
    negated = {"Type": "Not", "Expression": {"Type": "Equals", "LeftValue": {"Get": "Steps.A.X"}, "RightValue": 1}}
    steps = parse(definition(fail("A", deep), fail("B"), check("C", [negated], [fail("D")]))).steps
    assert steps["A"].needs == {"B"}
    assert steps["C"].needs == {"A"}
    assert steps["D"].branch == ("C", True)


MEMBERS = ["Name", "Type", "Arguments", "Steps", "Version", "Conditions", "IfSteps", "DependsOn", "Get", "Values"]
MEMBERS += ["Std:Join", "Std:JsonGet", "Parameters", "PropertyFiles", "CacheConfig", "ErrorMessage"]
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(MEMBERS) | st.text(max_size=3),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(json_values, st.sampled_from(["Fail", "Condition", "Processing"]))
def test_no_json_makes_reading_fail_in_any_other_way(value, kind):
    for candidate in (
        {"Version": "2020-12-01", "Steps": value},
        {"Version": "2020-12-01", "Steps": [{"Name": "A", "Type": kind, "Arguments": value}]},
        {"Version": "2020-12-01", "Parameters": value, "Steps": [fail("A", value)]},
    ):
        try:
            parse(json.dumps(candidate))
        except AwsError as error:
            assert error.code == "ValidationException"  # noqa: PT017 - an accepted definition is fine too


def bound(kind, value, **declaration):
    parameters = parse(definition(fail("A"), Parameters=[{"Name": "P", "Type": kind, **declaration}])).parameters
    return bind(parameters, [] if value is None else [{"Name": "P", "Value": value}])["P"]


@pytest.mark.aws(
    "Pipelines",
    "Parameters are String, Integer, Float or Boolean, and travel as strings",
    "Developer guide: Pipeline parameters",
)
@pytest.mark.parametrize(
    ("kind", "value", "typed"),
    [
        ("String", "5", "5"),
        ("Integer", "5", 5),
        ("Float", "5", 5.0),
        ("Float", "0.85", 0.85),
        ("Boolean", "true", True),
        ("Boolean", "False", False),
    ],
)
def test_a_parameter_gets_its_declared_type(kind, value, typed):
    result = bound(kind, value)
    assert (result, type(result)) == (typed, type(typed))


def test_a_parameter_that_is_not_given_has_its_default():
    assert bound("Integer", None, DefaultValue=7) == 7


@pytest.mark.parametrize(
    ("kind", "value", "declaration", "message"),
    [
        ("Integer", "5.5", {}, "'5.5', which is no Integer"),
        ("Boolean", "yes", {}, "'yes', which is no Boolean"),
        ("Float", "", {}, "'', which is no Float"),
        ("String", "c", {"EnumValues": ["a", "b"]}, "'c', not one of a, b"),
        ("String", None, {}, "without a default value need one: P"),
    ],
)
def test_a_value_that_does_not_fit_is_refused(kind, value, declaration, message):
    with pytest.raises(AwsError, match="Pipeline parameter") as caught:
        bound(kind, value, **declaration)
    assert message in caught.value.message


def test_an_unknown_parameter_is_refused_with_the_known_ones():
    with pytest.raises(AwsError, match=r"Unknown pipeline parameters: Q\. The pipeline has: none"):
        bind({}, [{"Name": "Q", "Value": "1"}])
