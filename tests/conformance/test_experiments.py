"""Inference experiments: a shadow test that is created, runs, changes, and ends with a choice."""

from datetime import timedelta

import pytest

from tests.conformance.account import refusal
from tests.conformance.resources import variant

RUNNING, OVER = ("Running",), ("Completed", "Cancelled")


@pytest.fixture(scope="module")
def served(account, resources):
    """An endpoint of one production variant on one instance."""
    name = resources.endpoint(resources.config(variant(resources.model(), count=1)))
    assert account.settled(name)["EndpointStatus"] == "InService"
    return name


@pytest.fixture
def experiment(account, resources, served, sagemaker):
    """Creates an experiment on the endpoint: its name, the production's model and the shadow's."""

    def create(**more):
        config = account.settled(served)["EndpointConfigName"]
        (production,) = sagemaker.describe_endpoint_config(EndpointConfigName=config)["ProductionVariants"]
        name, source, shadow = resources.name("experiment"), production["VariantName"], resources.name("shadow")
        models = {source: production["ModelName"], shadow: resources.model()}
        sagemaker.create_inference_experiment(
            Name=name,
            Type="ShadowMode",
            RoleArn=account.role,
            EndpointName=served,
            ModelVariants=[_model_variant(*variant_and_model) for variant_and_model in models.items()],
            ShadowModeConfig=_shadow_mode(source, shadow, 100),
            Tags=resources.tags,
            **more,
        )
        resources.later(sagemaker.delete_inference_experiment, Name=name)
        return name, models

    return create


@pytest.fixture
def reach(account, resources, served, sagemaker):
    """Waits for a status of an experiment, and notes the endpoint config that SageMaker made for it."""

    def wait(name, statuses):
        def there():
            described = sagemaker.describe_inference_experiment(Name=name)
            return described if described["Status"] in statuses else None

        described = account.until(there, within=7200)
        made = account.settled(served)["EndpointConfigName"]
        resources.later(sagemaker.delete_endpoint_config, EndpointConfigName=made)
        return described

    return wait


def _model_variant(name, model):
    instances = {"InstanceType": "ml.m5.large", "InstanceCount": 1}
    infrastructure = {"InfrastructureType": "RealTimeInference", "RealTimeInferenceConfig": instances}
    return {"VariantName": name, "ModelName": model, "InfrastructureConfig": infrastructure}


def _shadow_mode(source, shadow, percentage):
    shadows = [{"ShadowModelVariantName": shadow, "SamplingPercentage": percentage}]
    return {"SourceModelVariantName": source, "ShadowModelVariants": shadows}


@pytest.mark.aws(
    "Shadow tests", "An experiment without a schedule runs at once, for seven days", "API: CreateInferenceExperiment"
)
@pytest.mark.aws(
    "Shadow tests", "While it runs the shadow gets its share of the requests", "Developer guide: Shadow tests"
)
@pytest.mark.aws("Shadow tests", "Promote puts the shadow's model into production", "API: StopInferenceExperiment")
def test_a_shadow_is_promoted(account, sagemaker, served, experiment, reach):
    name, models = experiment()
    described = reach(name, RUNNING)
    assert described["EndpointMetadata"]["EndpointName"] == served
    assert {v["VariantName"] for v in described["ModelVariants"]} == set(models)
    assert described["Schedule"]["EndTime"] - described["Schedule"]["StartTime"] == timedelta(days=7)
    production, shadow = models
    assert [v["VariantName"] for v in account.endpoint(served)["ShadowProductionVariants"]] == [shadow]
    assert account.invoke(served)["Body"] == f"{models[production]}:x"
    actions = {shadow: "Promote", production: "Remove"}
    sagemaker.stop_inference_experiment(Name=name, ModelVariantActions=actions, DesiredState="Completed")
    assert reach(name, OVER)["Status"] == "Completed"
    described = account.settled(served)
    assert not described.get("ShadowProductionVariants")
    assert account.invoke(served)["Body"] == f"{models[shadow]}:x"


@pytest.mark.aws(
    "Shadow tests", "Remove takes the shadow away, Retain keeps the production", "API: StopInferenceExperiment"
)
@pytest.mark.aws(
    "Shadow tests", "A running experiment's share and description can change", "API: UpdateInferenceExperiment"
)
def test_a_shadow_is_removed(account, sagemaker, served, experiment, reach):
    name, models = experiment()
    reach(name, RUNNING)
    production, shadow = models
    wanted = _shadow_mode(production, shadow, 50)
    sagemaker.update_inference_experiment(Name=name, Description="half", ShadowModeConfig=wanted)
    described = reach(name, RUNNING)
    assert (described["Description"], described["ShadowModeConfig"]) == ("half", wanted)
    actions = {production: "Retain", shadow: "Remove"}
    sagemaker.stop_inference_experiment(
        Name=name, ModelVariantActions=actions, DesiredState="Cancelled", Reason="a test"
    )
    described = reach(name, OVER)
    assert (described["Status"], described["StatusReason"]) == ("Cancelled", "a test")
    assert not account.settled(served).get("ShadowProductionVariants")
    assert account.invoke(served)["Body"] == f"{models[production]}:x"


@pytest.mark.aws(
    "Shadow tests", "A scheduled experiment is Created until it starts, or is started", "API: StartInferenceExperiment"
)
def test_a_scheduled_experiment_is_started_by_hand(account, sagemaker, experiment, reach):
    start = account.now() + timedelta(days=2)
    name, models = experiment(Schedule={"StartTime": start, "EndTime": start + timedelta(hours=2)})
    reach(name, ("Created",))
    sagemaker.start_inference_experiment(Name=name)
    reach(name, RUNNING)
    production, shadow = models
    sagemaker.stop_inference_experiment(Name=name, ModelVariantActions={production: "Retain", shadow: "Remove"})
    reach(name, OVER)


@pytest.mark.aws("Shadow tests", "Experiments are listed by endpoint and status", "API: ListInferenceExperiments")
def test_experiments_are_listed(account, sagemaker, experiment, reach):
    start = account.now() + timedelta(days=2)
    name, models = experiment(Schedule={"StartTime": start, "EndTime": start + timedelta(hours=2)})
    reach(name, ("Created",))
    listed = sagemaker.list_inference_experiments(NameContains=name)["InferenceExperiments"]
    assert [(item["Name"], item["Type"], item["Status"]) for item in listed] == [(name, "ShadowMode", "Created")]
    assert not sagemaker.list_inference_experiments(NameContains=name, StatusEquals="Running")["InferenceExperiments"]
    production, shadow = models
    sagemaker.stop_inference_experiment(Name=name, ModelVariantActions={production: "Retain", shadow: "Remove"})
    reach(name, OVER)


@pytest.mark.aws(
    "Shadow tests", "An experiment that does not exist is ResourceNotFound", "API: DescribeInferenceExperiment"
)
@pytest.mark.parametrize("operation", ["describe", "start", "delete"])
def test_an_experiment_that_does_not_exist_is_not_found(sagemaker, operation):
    refusal("ResourceNotFound", getattr(sagemaker, f"{operation}_inference_experiment"), Name="nobody")
