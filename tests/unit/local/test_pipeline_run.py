"""Pipelines for real: a definition as an SDK sends it, a real S3, real scripts, a registry that is handed in."""

import asyncio
import io
import json
import random
import tarfile

import pytest

from local.clock import Clock
from local.context import Context
from local.errors import AwsError
from local.jobs import Jobs
from local.pipelines import Pipelines

BUCKET = "pipeline-bucket"
ROLE = "arn:aws:iam::111122223333:role/role"
ARN = "arn:aws:sagemaker:us-east-1:111122223333"


class World:
    """A stand-in for one test: the services, S3, the packages that were registered."""

    def __init__(self, server, folder):
        self.packages = []
        self.context = Context(Clock(), "us-east-1", "111122223333", folder, server, lambda *_: None)
        self.s3 = self.context.client("s3")
        self.s3.create_bucket(Bucket=BUCKET)
        self.pipelines = Pipelines(self.context, Jobs(self.context), self.register, random.Random(7))

    async def register(self, request):
        self.packages.append(request)
        return {"ModelPackageArn": f"{ARN}:model-package/{request['ModelPackageGroupName']}/{len(self.packages)}"}

    def put(self, key, text):
        self.s3.put_object(Bucket=BUCKET, Key=key, Body=text.encode())
        return f"s3://{BUCKET}/{key}"

    async def create(self, *steps, parameters):
        text = json.dumps({"Version": "2020-12-01", "Parameters": parameters, "Steps": list(steps)})
        await self.pipelines.create_pipeline({"PipelineName": "loop", "PipelineDefinition": text})

    async def run(self, **values):
        """Run it to its end; returns the description and the steps by name."""
        given = [{"Name": key, "Value": value} for key, value in values.items()]
        request = self.pipelines.start_pipeline_execution({"PipelineName": "loop", "PipelineParameters": given})
        described = self.pipelines.describe_pipeline_execution(request)
        while described["PipelineExecutionStatus"] == "Executing":
            await asyncio.sleep(0.01)
            described = self.pipelines.describe_pipeline_execution(request)
        steps = self.pipelines.list_pipeline_execution_steps(request)["PipelineExecutionSteps"]
        return described, {step["StepName"]: step for step in steps}


@pytest.fixture
def play(server, tmp_path):
    """Run one story, `async def story(world)`, and close the world after it."""

    def run(story):
        async def whole():
            world = World(server, tmp_path)
            try:
                await story(world)
            finally:
                await world.pipelines.close()

        asyncio.run(whole())

    return run


def get(target):
    return {"Get": target}


def join(*values):
    return {"Std:Join": {"On": "/", "Values": list(values)}}


def processing(world, name, script, *, inputs=(), outputs=(), arguments=(), **more):
    code = world.put(f"code/{name}.py", script)
    sources = [("code", code), *inputs]
    return {
        "Name": name,
        "Type": "Processing",
        "Arguments": {
            "ProcessingResources": {
                "ClusterConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 30}
            },
            "AppSpecification": {
                "ImageUri": "image",
                "ContainerEntrypoint": ["python3", f"/opt/ml/processing/code/{name}.py"],
                "ContainerArguments": ["/opt/ml/processing", *arguments],
            },
            "RoleArn": ROLE,
            "ProcessingInputs": [
                {
                    "InputName": key,
                    "AppManaged": False,
                    "S3Input": {
                        "S3Uri": uri,
                        "LocalPath": f"/opt/ml/processing/{key}",
                        "S3DataType": "S3Prefix",
                        "S3InputMode": "File",
                        "S3DataDistributionType": "FullyReplicated",
                        "S3CompressionType": "None",
                    },
                }
                for key, uri in sources
            ],
            "ProcessingOutputConfig": {
                "Outputs": [
                    {
                        "OutputName": key,
                        "AppManaged": False,
                        "S3Output": {
                            "S3Uri": uri,
                            "LocalPath": f"/opt/ml/processing/{key}",
                            "S3UploadMode": "EndOfJob",
                        },
                    }
                    for key, uri in outputs
                ]
            },
        },
        **more,
    }


def condition(name, conditions, if_steps=(), else_steps=()):
    arguments = {"Conditions": conditions, "IfSteps": list(if_steps), "ElseSteps": list(else_steps)}
    return {"Name": name, "Type": "Condition", "Arguments": arguments}


def fail(name, message):
    return {"Name": name, "Type": "Fail", "Arguments": {"ErrorMessage": message}}


PREPARE = """
import pathlib, sys
root = pathlib.Path(sys.argv[1])
(root / "train/rows.csv").write_text("1\\n2\\n")
"""
SCORE = """
import json, pathlib, sys
root = pathlib.Path(sys.argv[1])
rows = len((root / "rows/rows.csv").read_text().split())
assert (root / "model/model.tar.gz").exists()
(root / "evaluation/evaluation.json").write_text(json.dumps({"auc": {"value": float(sys.argv[2]) / rows}}))
"""
TRAIN = """
import os, pathlib
(pathlib.Path(os.environ["SM_MODEL_DIR"]) / "model").write_text(os.environ["SM_HP_ROUNDS"])
"""


def training(world, name, **more):
    buffer, member = io.BytesIO(), tarfile.TarInfo("train.py")
    member.size = len(TRAIN)
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        tar.addfile(member, io.BytesIO(TRAIN.encode()))
    world.s3.put_object(Bucket=BUCKET, Key="code/sourcedir.tar.gz", Body=buffer.getvalue())
    return {
        "Name": name,
        "Type": "Training",
        "Arguments": {
            "AlgorithmSpecification": {"TrainingImage": "image", "TrainingInputMode": "File"},
            "RoleArn": ROLE,
            "OutputDataConfig": {"S3OutputPath": join(f"s3://{BUCKET}/models", get("Execution.PipelineExecutionId"))},
            "ResourceConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 30},
            "StoppingCondition": {"MaxRuntimeInSeconds": 600},
            "HyperParameters": {
                "sagemaker_program": "train.py",
                "sagemaker_submit_directory": f"s3://{BUCKET}/code/sourcedir.tar.gz",
                "rounds": get("Parameters.Rounds"),
            },
            "InputDataConfig": [
                {
                    "ChannelName": "train",
                    "DataSource": {
                        "S3DataSource": {
                            "S3DataType": "S3Prefix",
                            "S3Uri": get("Steps.Prepare.ProcessingOutputConfig.Outputs['train'].S3Output.S3Uri"),
                        }
                    },
                }
            ],
        },
        **more,
    }


def release(world, cached=False):
    """The whole loop: prepare, train, evaluate, then register or fail."""
    execution = get("Execution.PipelineExecutionId")
    cache = {"CacheConfig": {"Enabled": True, "ExpireAfter": "PT1H"}} if cached else {}
    train_rows = "Steps.Prepare.ProcessingOutputConfig.Outputs['train'].S3Output.S3Uri"
    model = get("Steps.Train.ModelArtifacts.S3ModelArtifacts")
    auc = {"Std:JsonGet": {"PropertyFile": get("Steps.Evaluate.PropertyFiles.Evaluation"), "Path": "auc.value"}}
    register = {
        "Name": "Register",
        "Type": "RegisterModel",
        "Arguments": {
            "ModelPackageGroupName": get("Parameters.Group"),
            "ModelApprovalStatus": "PendingManualApproval",
            "InferenceSpecification": {
                "Containers": [{"Image": "image", "ModelDataUrl": model}],
                "SupportedContentTypes": ["text/csv"],
                "SupportedResponseMIMETypes": ["text/csv"],
            },
            "CustomerMetadataProperties": {"execution": execution},
        },
    }
    closed = fail("Closed", {"Std:Join": {"On": " ", "Values": ["AUC", auc, "is below", get("Parameters.Limit")]}})
    steps = [
        processing(
            world, "Prepare", PREPARE, outputs=[("train", join(f"s3://{BUCKET}/prepared", execution, "train"))], **cache
        ),
        training(world, "Train", **cache),
        processing(
            world,
            "Evaluate",
            SCORE,
            inputs=[("rows", get(train_rows)), ("model", model)],
            outputs=[("evaluation", join(f"s3://{BUCKET}/evaluation", execution))],
            arguments=[get("Parameters.Score")],
            PropertyFiles=[
                {"PropertyFileName": "Evaluation", "OutputName": "evaluation", "FilePath": "evaluation.json"}
            ],
            **cache,
        ),
        condition(
            "Gate",
            [{"Type": "GreaterThanOrEqualTo", "LeftValue": auc, "RightValue": get("Parameters.Limit")}],
            [register],
            [closed],
        ),
    ]
    parameters = [
        {"Name": "Rounds", "Type": "String", "DefaultValue": "5"},
        {"Name": "Score", "Type": "String", "DefaultValue": "1.8"},
        {"Name": "Limit", "Type": "Float", "DefaultValue": 0.85},
        {"Name": "Group", "Type": "String", "DefaultValue": "delays"},
    ]
    return steps, parameters


@pytest.mark.aws(
    "Pipelines",
    "A pipeline's steps run in the order of what they need, and RegisterModel registers the model",
    "Developer guide: Pipelines steps",
)
def test_a_good_model_is_registered(play):
    async def story(world):
        steps, parameters = release(world)
        await world.create(*steps, parameters=parameters)
        described, by_name = await world.run()
        assert described["PipelineExecutionStatus"] == "Succeeded", (described, by_name)
        assert list(by_name) == ["Register", "Gate", "Evaluate", "Train", "Prepare"]
        assert by_name["Gate"]["Metadata"] == {"Condition": {"Outcome": "True"}}
        assert by_name["Register"]["Metadata"] == {"RegisterModel": {"Arn": f"{ARN}:model-package/delays/1"}}
        execution = described["PipelineExecutionArn"].rpartition("/")[2]
        job = by_name["Train"]["Metadata"]["TrainingJob"]["Arn"].rpartition("/")[2]
        assert job.startswith(f"pipelines-{execution}-train-")
        model = f"s3://{BUCKET}/models/{execution}/{job.replace('train', 'Train')}/output/model.tar.gz"
        assert world.packages[0]["InferenceSpecification"]["Containers"][0]["ModelDataUrl"] == model
        assert world.packages[0]["CustomerMetadataProperties"] == {"execution": execution}

    play(story)


@pytest.mark.aws(
    "Pipelines",
    "A Condition step compares a property file's value, and a Fail step ends the execution as Failed with its message",
    "Developer guide: Condition step; Fail step",
)
def test_a_weak_model_ends_in_the_fail_step_with_its_number_and_the_limit(play):
    async def story(world):
        steps, parameters = release(world)
        await world.create(*steps, parameters=parameters)
        described, by_name = await world.run(Score="1.5")
        assert described["PipelineExecutionStatus"] == "Failed"
        assert described["FailureReason"] == "AUC 0.75 is below 0.85"
        assert by_name["Closed"]["StepStatus"] == "Failed"
        assert by_name["Closed"]["Metadata"] == {"Fail": {"ErrorMessage": "AUC 0.75 is below 0.85"}}
        assert "Register" not in by_name
        assert not world.packages

    play(story)


@pytest.mark.aws(
    "Pipelines",
    "A cached step reuses an earlier run and names its execution in CacheHitResult",
    "Developer guide: Caching pipeline steps",
)
def test_a_second_run_reuses_what_did_not_change_and_says_from_where(play):
    async def story(world):
        steps, parameters = release(world, cached=True)
        await world.create(*steps, parameters=parameters)
        first, _ = await world.run()
        _, again = await world.run(Limit="0.5")
        source = {"SourcePipelineExecutionArn": first["PipelineExecutionArn"]}
        assert {name: step.get("CacheHitResult") for name, step in again.items()} == {
            "Prepare": source,
            "Train": source,
            "Evaluate": source,
            "Gate": None,
            "Register": None,
        }
        old, new = (package["InferenceSpecification"] for package in world.packages)
        assert old == new
        _, changed = await world.run(Rounds="6")
        assert "CacheHitResult" in changed["Prepare"]
        assert "CacheHitResult" not in changed["Train"]

    play(story)


@pytest.mark.aws(
    "Pipelines",
    "A definition may lie in S3",
    "API: CreatePipeline",
)
def test_a_definition_may_lie_in_s3(play):
    async def story(world):
        world.put("definition.json", json.dumps({"Version": "2020-12-01", "Steps": [fail("A", "no")]}))
        location = {"Bucket": BUCKET, "ObjectKey": "definition.json"}
        await world.pipelines.create_pipeline({"PipelineName": "loop", "PipelineDefinitionS3Location": location})
        assert "2020-12-01" in world.pipelines.describe_pipeline({"PipelineName": "loop"})["PipelineDefinition"]
        location["ObjectKey"] = "missing.json"
        with pytest.raises(AwsError, match="PipelineDefinitionS3Location cannot be read"):
            await world.pipelines.create_pipeline({"PipelineName": "x", "PipelineDefinitionS3Location": location})

    play(story)
