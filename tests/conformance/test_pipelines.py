"""SageMaker Pipelines: executions, their steps and reasons, parameters, stop, retry.

The steps are conditions and failures, which cost nothing, and two processing jobs of seconds.
"""

import json

import pytest

from tests.conformance.account import refusal

SCRIPT = b"""
import os, sys, time
print(os.listdir(sys.argv[1]))
time.sleep(float(sys.argv[2]))
"""


def _fail(message):
    return {"Name": "No", "Type": "Fail", "Arguments": {"ErrorMessage": message}}


def _condition(value, *, yes=(), no=()):
    condition = {"Type": "GreaterThanOrEqualTo", "LeftValue": {"Get": "Parameters.Auc"}, "RightValue": value}
    arguments = {"Conditions": [condition], "IfSteps": list(yes), "ElseSteps": list(no)}
    return {"Name": "GoodEnough", "Type": "Condition", "Arguments": arguments}


@pytest.fixture
def pipeline(account, resources, sagemaker):
    """Makes a pipeline of steps, with the parameter Auc; its name."""

    def make(*steps):
        name, parameter = resources.name("pipeline"), {"Name": "Auc", "Type": "Float", "DefaultValue": 0.5}
        definition = {"Version": "2020-12-01", "Parameters": [parameter], "Steps": list(steps)}
        sagemaker.create_pipeline(
            PipelineName=name, PipelineDefinition=json.dumps(definition), RoleArn=account.role, Tags=resources.tags
        )
        resources.later(sagemaker.delete_pipeline, PipelineName=name)
        return name

    return make


@pytest.fixture
def job(account, resources):
    """Makes a processing step that reads the S3 prefix `data` and takes so many seconds."""
    code = resources.put("code/job.py", SCRIPT)

    def make(data, seconds=0):
        def source(name, uri):
            where = {"S3Uri": uri, "LocalPath": f"/opt/ml/processing/input/{name}"}
            how = {"S3DataType": "S3Prefix", "S3InputMode": "File", "S3DataDistributionType": "FullyReplicated"}
            return {"InputName": name, "AppManaged": False, "S3Input": {**where, **how}}

        cluster = {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 5}
        arguments = {
            "ProcessingResources": {"ClusterConfig": cluster},
            "AppSpecification": {
                "ImageUri": account.image,
                "ContainerEntrypoint": ["python3", "/opt/ml/processing/input/code/job.py"],
                "ContainerArguments": ["/opt/ml/processing/input/data", str(seconds)],
            },
            "RoleArn": account.role,
            "ProcessingInputs": [source("code", code), source("data", data)],
        }
        return {"Name": "Read", "Type": "Processing", "Arguments": arguments}

    return make


def _start(sagemaker, pipeline, **request):
    return sagemaker.start_pipeline_execution(PipelineName=pipeline, **request)["PipelineExecutionArn"]


def _ended(account, execution):
    sagemaker = account.client("sagemaker")

    def ended():
        described = sagemaker.describe_pipeline_execution(PipelineExecutionArn=execution)
        return None if described["PipelineExecutionStatus"] in ("Executing", "Stopping") else described

    return account.until(ended, within=3600)


def _steps(sagemaker, execution, **request):
    answer = sagemaker.list_pipeline_execution_steps(PipelineExecutionArn=execution, **request)
    return {step["StepName"]: step for step in answer["PipelineExecutionSteps"]}


@pytest.mark.aws("Pipelines", "A Fail step ends the execution Failed, with its message", "Developer guide: Fail step")
@pytest.mark.aws("Pipelines", "A parameter is expanded in a step's strings", "Developer guide: Pipeline parameters")
def test_a_fail_step_says_why(account, sagemaker, pipeline):
    words = ["AUC is", {"Get": "Parameters.Auc"}]
    execution = _start(sagemaker, pipeline(_fail({"Std:Join": {"On": " ", "Values": words}})))
    assert _ended(account, execution)["PipelineExecutionStatus"] == "Failed"
    step = _steps(sagemaker, execution)["No"]
    assert step["StepStatus"] == "Failed"
    assert "AUC is 0.5" in step["FailureReason"]


@pytest.mark.aws(
    "Pipelines", "A condition runs one branch; steps of the other do not start", "Developer guide: Condition step"
)
@pytest.mark.parametrize(("auc", "status", "steps"), [("0.9", "Succeeded", set()), ("0.1", "Failed", {"No"})])
def test_a_condition_chooses_a_branch(account, sagemaker, pipeline, auc, status, steps):
    name = pipeline(_condition(0.7, no=[_fail("not good enough")]))
    execution = _start(sagemaker, name, PipelineParameters=[{"Name": "Auc", "Value": auc}])
    assert _ended(account, execution)["PipelineExecutionStatus"] == status
    listed = _steps(sagemaker, execution)
    assert set(listed) == {"GoodEnough"} | steps
    assert listed["GoodEnough"]["Metadata"]["Condition"]["Outcome"] == ("True" if auc == "0.9" else "False")


@pytest.mark.aws(
    "Pipelines", "The parameters of an execution are told, defaults too", "API: ListPipelineParametersForExecution"
)
def test_an_executions_parameters_are_told(account, sagemaker, pipeline):
    execution = _start(sagemaker, pipeline(_condition(0.1)))
    told = sagemaker.list_pipeline_parameters_for_execution(PipelineExecutionArn=execution)["PipelineParameters"]
    assert [(parameter["Name"], float(parameter["Value"])) for parameter in told] == [("Auc", 0.5)]
    _ended(account, execution)


@pytest.mark.aws("Pipelines", "A parameter that the pipeline does not have is refused", "API: StartPipelineExecution")
def test_an_unknown_parameter_is_refused(sagemaker, pipeline):
    values, call = [{"Name": "Nothing", "Value": "1"}], sagemaker.start_pipeline_execution
    refusal("ValidationException", call, PipelineName=pipeline(_condition(0.1)), PipelineParameters=values)


@pytest.mark.aws("Pipelines", "A definition that is not one is refused", "API: CreatePipeline")
@pytest.mark.parametrize("definition", ["not JSON", '{"Version": "2020-12-01", "Steps": [{"Name": "A"}]}'])
def test_a_definition_that_is_not_one_is_refused(account, sagemaker, resources, definition):
    request = {"PipelineName": resources.name("pipeline"), "PipelineDefinition": definition, "RoleArn": account.role}
    refusal("ValidationException", sagemaker.create_pipeline, **request)


@pytest.mark.aws("Pipelines", "The same ClientRequestToken starts one execution", "API: StartPipelineExecution")
def test_the_same_token_starts_one_execution(account, sagemaker, pipeline):
    name, token = pipeline(_condition(0.1)), "t" * 32
    first = _start(sagemaker, name, ClientRequestToken=token)
    assert _start(sagemaker, name, ClientRequestToken=token) == first
    _ended(account, first)


@pytest.mark.aws("Pipelines", "UpdatePipeline replaces the definition of executions to come", "API: UpdatePipeline")
def test_an_update_changes_the_next_execution(account, sagemaker, pipeline):
    name = pipeline(_fail("first"))
    definition = json.loads(sagemaker.describe_pipeline(PipelineName=name)["PipelineDefinition"])
    definition["Steps"] = [_fail("second")]
    sagemaker.update_pipeline(PipelineName=name, PipelineDefinition=json.dumps(definition))
    execution = _start(sagemaker, name)
    _ended(account, execution)
    assert "second" in _steps(sagemaker, execution)["No"]["FailureReason"]


@pytest.mark.aws("Pipelines", "A stopped execution ends Stopped, its running step too", "API: StopPipelineExecution")
def test_an_execution_is_stopped(account, sagemaker, resources, pipeline, job):
    resources.put("stop/row.csv", b"1,2\n")
    name = pipeline(job(f"s3://{account.bucket}/{resources.prefix}/stop/", seconds=1800))
    execution = _start(sagemaker, name)
    account.until(lambda: _steps(sagemaker, execution).get("Read", {}).get("StepStatus") == "Executing", within=1800)
    sagemaker.stop_pipeline_execution(PipelineExecutionArn=execution, ClientRequestToken="s" * 32)
    assert _ended(account, execution)["PipelineExecutionStatus"] == "Stopped"
    assert _steps(sagemaker, execution)["Read"]["StepStatus"] == "Stopped"


@pytest.mark.aws(
    "Pipelines", "RetryPipelineExecution runs a failed execution on from its failed step", "API: RetryPipelineExecution"
)
def test_a_failed_execution_is_retried(account, sagemaker, resources, pipeline, job):
    """The step reads a prefix that is empty at first, which fails it, and not the second time."""
    name = pipeline(job(f"s3://{account.bucket}/{resources.prefix}/retry/"))
    execution = _start(sagemaker, name)
    assert _ended(account, execution)["PipelineExecutionStatus"] == "Failed"
    assert _steps(sagemaker, execution)["Read"]["FailureReason"]
    resources.put("retry/row.csv", b"1,2\n")
    sagemaker.retry_pipeline_execution(PipelineExecutionArn=execution, ClientRequestToken="r" * 32)
    assert _ended(account, execution)["PipelineExecutionStatus"] == "Succeeded"
    assert _steps(sagemaker, execution)["Read"]["StepStatus"] == "Succeeded"
