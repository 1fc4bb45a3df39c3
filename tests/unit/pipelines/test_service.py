"""Upsert is repeatable, and an execution is followed to its end and told step by step."""

from types import SimpleNamespace

import pytest

from pipelines.service import Target, follow, upsert
from pipelines.source import Source

TARGET = Target("flight-delay", "flights", "arn:aws:iam::111122223333:role/r", "bucket")
SOURCE = Source({"train.py": b"1"}, b"tar", "abc")


class ResourceNotFoundError(Exception):
    pass


class FakeSageMaker:
    """As much of a SageMaker client as the commands use: one pipeline, one group, one scripted execution."""

    exceptions = SimpleNamespace(ResourceNotFound=ResourceNotFoundError)

    def __init__(self, looks: list | None = None) -> None:
        self.pipelines: dict = {}
        self.groups: list = []
        self.calls: list = []
        self._looks = looks or []

    def update_pipeline(self, PipelineName, **members):
        if PipelineName not in self.pipelines:
            raise ResourceNotFoundError
        return self.create_pipeline(PipelineName, **members)

    def create_pipeline(self, PipelineName, **members):
        self.pipelines[PipelineName] = members
        return {"PipelineArn": f"arn:{PipelineName}"}

    def create_model_package_group(self, ModelPackageGroupName):
        assert ModelPackageGroupName not in self.groups
        self.groups.append(ModelPackageGroupName)

    def get_paginator(self, operation):
        pages = {
            "list_model_package_groups": lambda **_: [
                {"ModelPackageGroupSummaryList": [{"ModelPackageGroupName": name} for name in self.groups]}
            ],
            "list_pipeline_execution_steps": lambda **_: [{"PipelineExecutionSteps": self._looks[0][1]}],
        }
        return SimpleNamespace(paginate=pages[operation])

    def describe_pipeline_execution(self, PipelineExecutionArn):
        if len(self._looks) > 1 and self.calls:
            self._looks.pop(0)
        self.calls.append(PipelineExecutionArn)
        return self._looks[0][0]


class FakeS3:
    def __init__(self) -> None:
        self.objects: dict = {}

    def put_object(self, Bucket, Key, Body):
        self.objects[Key] = Body


def test_the_first_upsert_creates_the_group_the_code_and_the_pipeline():
    sagemaker, s3 = FakeSageMaker(), FakeS3()
    assert upsert(sagemaker, s3, TARGET, "{}", SOURCE) == "arn:flight-delay"
    assert sagemaker.groups == ["flights"]
    assert set(s3.objects) == {"code/abc/scripts/train.py", "code/abc/sourcedir.tar.gz"}


def test_a_second_upsert_changes_nothing_but_the_pipelines_version():
    sagemaker, s3 = FakeSageMaker(), FakeS3()
    for _ in range(2):
        upsert(sagemaker, s3, TARGET, "{}", SOURCE)
    assert (sagemaker.groups, list(sagemaker.pipelines)) == (["flights"], ["flight-delay"])


def test_a_large_definition_goes_through_s3():
    sagemaker, s3 = FakeSageMaker(), FakeS3()
    upsert(sagemaker, s3, TARGET, "x" * 200_000, SOURCE)
    assert "PipelineDefinitionS3Location" in sagemaker.pipelines["flight-delay"]
    assert len(s3.objects["pipelines/flight-delay/definition.json"]) == 200_000


def _step(name: str, status: str, **members) -> dict:
    return {"StepName": name, "StepStatus": status, **members}


@pytest.fixture
def told() -> list:
    return []


def test_each_change_of_a_step_is_told_once(told):
    looks = [
        ({"PipelineExecutionStatus": "Executing"}, [_step("Train", "Executing")]),
        ({"PipelineExecutionStatus": "Executing"}, [_step("Train", "Executing")]),
        ({"PipelineExecutionStatus": "Succeeded"}, [_step("Train", "Succeeded")]),
    ]
    assert follow(FakeSageMaker(looks), "arn", lambda seconds: None, told.append).succeeded
    assert told == ["  Train: Executing", "  Train: Succeeded"]


def test_a_failed_execution_ends_with_sagemakers_reason(told):
    looks = [({"PipelineExecutionStatus": "Failed", "FailureReason": "AUC 0.7 is below 0.85"}, [])]
    ended = follow(FakeSageMaker(looks), "arn", lambda seconds: None, told.append)
    assert (ended.succeeded, ended.reason) == (False, "AUC 0.7 is below 0.85")


def test_the_reason_is_the_failed_steps_own_where_it_has_one(told):
    step = _step("TooWeak", "Failed", FailureReason="AUC 0.7 is below 0.85")
    looks = [({"PipelineExecutionStatus": "Failed", "FailureReason": "One or multiple steps failed."}, [step])]
    assert follow(FakeSageMaker(looks), "arn", lambda seconds: None, told.append).reason == "AUC 0.7 is below 0.85"


def test_a_cached_step_is_told_as_such(told):
    step = _step("Train", "Succeeded", CacheHitResult={"SourcePipelineExecutionArn": "arn"})
    follow(FakeSageMaker([({"PipelineExecutionStatus": "Succeeded"}, [step])]), "arn", lambda s: None, told.append)
    assert told == ["  Train: Succeeded (cached)"]
