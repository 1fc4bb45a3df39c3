"""An inference experiment as data: schedules, what is due, which variants it may have, what a stop leaves of them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.errors import AwsError
from local.hosting.experiment import LONGEST, SHORTEST, Before, Experiment, Schedule, due, due_at, revised, schedule
from local.hosting.model_variants import completed_members, data_capture, endpoint_config, remaining, running

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def variant(name: str, model: str = "m", count: int = 1) -> dict[str, Any]:
    """A ModelVariantConfig."""
    return {
        "ModelName": model,
        "VariantName": name,
        "InfrastructureConfig": {
            "InfrastructureType": "RealTimeInference",
            "RealTimeInferenceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": count},
        },
    }


def members(*variants: dict[str, Any], percentage: int = 50, **others: Any) -> dict[str, Any]:
    """The members of an experiment of A in production and S in its shadow."""
    shadow = {"ShadowModelVariantName": "S", "SamplingPercentage": percentage}
    return {
        "Name": "trial",
        "Type": "ShadowMode",
        "RoleArn": "arn:aws:iam::111122223333:role/r",
        "EndpointName": "e",
        "ModelVariants": list(variants) or [variant("A", "a"), variant("S", "s")],
        "ShadowModeConfig": {"SourceModelVariantName": "A", "ShadowModelVariants": [shadow]},
        **others,
    }


def experiment(status: str, start: datetime = NOW, end: datetime = NOW + HOUR, *, begun: bool = False) -> Experiment:
    made = Experiment("arn", members(), Schedule(start, end), NOW, NOW, status)
    made.before = Before("v1", None, [variant("A", "a")], {"A": (1.0, 1)}) if begun else None
    return made


@pytest.mark.aws(
    "Shadow tests",
    "Without a Schedule an experiment starts at once and lasts 7 days",
    "API: CreateInferenceExperiment",
)
def test_a_schedule_is_from_now_for_a_week_by_default():
    assert schedule({}, NOW) == Schedule(NOW, NOW + timedelta(days=7))
    assert schedule({"StartTime": NOW + HOUR}, NOW) == Schedule(NOW + HOUR, NOW + HOUR + timedelta(days=7))
    assert schedule({"EndTime": NOW + HOUR}, NOW) == Schedule(NOW, NOW + HOUR)


@pytest.mark.aws(
    "Shadow tests", "An experiment lasts between 1 hour and 30 days", "Developer guide: Create a shadow test"
)
@given(st.timedeltas(timedelta(0), timedelta(days=60)), st.timedeltas(timedelta(days=-40), timedelta(days=40)))
def test_a_schedule_is_accepted_exactly_when_it_is_long_enough_short_enough_and_not_over(length, begins):
    given_ = {"StartTime": NOW + begins, "EndTime": NOW + begins + length}
    allowed = SHORTEST <= length <= LONGEST and begins + length > timedelta(0)
    if allowed:
        assert schedule(given_, NOW) == Schedule(*given_.values())
    else:
        with pytest.raises(AwsError, match=r"is not after now|The schedule lasts"):
            schedule(given_, NOW)


@pytest.mark.parametrize(
    ("status", "start", "end", "step"),
    [
        ("Creating", NOW, NOW + HOUR, None),
        ("Created", NOW + HOUR, NOW + 2 * HOUR, None),
        ("Created", NOW, NOW + HOUR, "start"),
        ("Starting", NOW + HOUR, NOW + 2 * HOUR, "start"),
        ("Updating", NOW, NOW + HOUR, "revise"),
        ("Running", NOW - HOUR, NOW + HOUR, None),
        ("Running", NOW - HOUR, NOW, "complete"),
        ("Stopping", NOW - HOUR, NOW + HOUR, "stop"),
        ("Completed", NOW - HOUR, NOW, None),
    ],
)
def test_what_is_due_follows_from_the_status_and_the_schedule(status, start, end, step):
    assert due(experiment(status, start, end), NOW) == step


def test_what_is_waited_for_is_the_start_and_then_the_end():
    assert due_at(experiment("Created", NOW + HOUR, NOW + 2 * HOUR)) == NOW + HOUR
    assert due_at(experiment("Running", NOW, NOW + HOUR)) == NOW + HOUR


def test_the_production_variant_is_taken_from_the_endpoint_when_it_is_left_out():
    completed = completed_members(members(variant("S", "s")), {"A": variant("A", "served", 3), "B": variant("B")})
    assert completed["ModelVariants"] == [variant("A", "served", 3), variant("S", "s")]
    assert completed_members(completed, {}) == completed


@pytest.mark.parametrize(
    ("variants", "percentage", "message"),
    [
        ((variant("A"), variant("B")), 50, "must have these two, once each; it has A, B"),
        ((variant("A"),), 50, "must have these two"),
        ((variant("S"), variant("S")), 50, "must have these two"),
        ((variant("A"), variant("S", count=0)), 50, "InstanceCount of model variant S must be 1 or more"),
        ((variant("A"), variant("S")), -1, "SamplingPercentage is -1"),
    ],
)
def test_variants_that_cannot_be_an_experiment_are_refused(variants, percentage, message):
    with pytest.raises(AwsError, match=message):
        completed_members(members(*variants, percentage=percentage), {})


@pytest.mark.aws(
    "Shadow tests",
    "SamplingPercentage is the share of requests that is copied to the shadow",
    "API: ShadowModelVariantConfig",
)
def test_the_endpoint_config_of_an_experiment_samples_by_weight():
    request = endpoint_config("c", running(members()), members(KmsKey="key"), None)
    (production,), (shadow,) = request["ProductionVariants"], request["ShadowProductionVariants"]
    assert (production["ModelName"], production["InitialVariantWeight"]) == ("a", 1.0)
    assert (shadow["ModelName"], shadow["InitialVariantWeight"]) == ("s", 0.5)
    assert request["KmsKeyId"] == "key"
    assert "DataCaptureConfig" not in request


@pytest.mark.aws(
    "Shadow tests",
    "DataStorageConfig captures the requests and the responses of both variants",
    "API: InferenceExperimentDataStorageConfig",
)
def test_data_storage_is_a_capture_of_everything():
    storage = {"Destination": "s3://b/p", "KmsKey": "k", "ContentType": {"CsvContentTypes": ["text/csv"]}}
    assert data_capture(members(DataStorageConfig=storage)) == {
        "EnableCapture": True,
        "InitialSamplingPercentage": 100,
        "DestinationS3Uri": "s3://b/p",
        "KmsKeyId": "k",
        "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
        "CaptureContentTypeHeader": {"CsvContentTypes": ["text/csv"]},
    }
    assert data_capture(members()) is None


def left(production: str, shadow: str, *desired: dict[str, Any], promoted: Any = "shadow") -> Any:
    order = {"Name": "trial", "ModelVariantActions": {"A": production, "S": shadow}, "DesiredModelVariants": desired}
    return remaining(members(), order, promoted)


@pytest.mark.aws(
    "Shadow tests",
    "StopInferenceExperiment retains, removes or promotes the variants, as DesiredModelVariants has them",
    "API: StopInferenceExperiment",
)
def test_a_stop_leaves_what_its_actions_say():
    assert left("Retain", "Retain") == running(members())
    assert (left("Retain", "Remove").production["ModelName"], left("Retain", "Remove").shadow) == ("a", None)
    promoted = left("Remove", "Promote", variant("S", "s", 4))
    assert (promoted.production, promoted.shadow) == (variant("S", "s", 4), None)


def test_a_promoted_shadow_takes_productions_name_under_that_reading():
    assert left("Remove", "Promote", promoted="production").production == variant("A", "s")


@pytest.mark.parametrize(
    ("actions", "message"),
    [
        (("Remove", "Retain"), "A cannot be Remove with S Retain"),
        (("Remove", "Remove"), "cannot be Remove with S Remove"),
        (("Retain", "Promote"), "cannot be Retain with S Promote"),
        (("Promote", "Remove"), "cannot be Promote with S Remove"),
        (("Retain", "Remove", variant("S")), "DesiredModelVariants has S, which does not stay"),
        (("Retain", "Retain", variant("X")), "DesiredModelVariants has X"),
    ],
)
def test_a_stop_that_leaves_nothing_to_serve_is_refused(actions, message):
    with pytest.raises(AwsError, match=message):
        left(*actions)


def test_a_stop_names_every_variant():
    with pytest.raises(AwsError, match="an action for each of the variants A and S"):
        remaining(members(), {"ModelVariantActions": {"S": "Remove"}}, "shadow")


@pytest.mark.aws(
    "Shadow tests",
    "Before it starts all of an experiment can be changed, then only its description, end and sampling",
    "Developer guide: Edit a shadow test; API: UpdateInferenceExperiment",
)
@pytest.mark.parametrize(
    ("change", "running_too"),
    [
        ({"Description": "longer"}, True),
        ({"Schedule": {"EndTime": NOW + 3 * HOUR}}, True),
        ({"Schedule": {"StartTime": NOW, "EndTime": NOW + 3 * HOUR}}, True),
        ({"ShadowModeConfig": members(percentage=100)["ShadowModeConfig"]}, True),
        ({"Schedule": {"StartTime": NOW + HOUR, "EndTime": NOW + 3 * HOUR}}, False),
        ({"ModelVariants": [variant("A"), variant("S", "other")]}, False),
        ({"DataStorageConfig": {"Destination": "s3://b"}}, False),
    ],
)
def test_what_can_be_changed_depends_on_whether_it_runs(change, running_too):
    changed, planned = revised(experiment("Created"), change, NOW)
    for name, value in change.items():
        if name == "Schedule":
            assert planned.end == value["EndTime"]
        else:
            assert changed[name] == value
    if running_too:
        assert revised(experiment("Running", begun=True), change, NOW) == (changed, planned)
    else:
        with pytest.raises(AwsError, match="The experiment is running"):
            revised(experiment("Running", begun=True), change, NOW)
