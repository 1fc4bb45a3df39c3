"""The operations on pipelines and executions: names, tokens, parameters, pages, errors."""

import asyncio
import json
import random

import pytest

from local.clock import Clock
from local.context import Context
from local.errors import AwsError
from local.jobs import Jobs
from local.pipelines import Pipelines

PIPELINE = "arn:aws:sagemaker:us-east-1:111122223333:pipeline/loop"


@pytest.fixture
def play(tmp_path):
    """Run one story, `async def story(pipelines)`, against pipelines that never need S3."""

    def run(story):
        async def whole():
            context = Context(Clock(), "us-east-1", "111122223333", tmp_path, "http://127.0.0.1:9", lambda *_: None)
            pipelines = Pipelines(context, Jobs(context), lambda request: request, random.Random(7))
            try:
                await story(pipelines)
            finally:
                await pipelines.close()

        asyncio.run(whole())

    return run


def definition(**more):
    step = {"Name": "A", "Type": "Fail", "Arguments": {"ErrorMessage": "no"}}
    return json.dumps({"Version": "2020-12-01", "Steps": [step], **more})


async def create(pipelines, name="loop", **more):
    await pipelines.create_pipeline({"PipelineName": name, "PipelineDefinition": definition(**more)})


@pytest.mark.aws(
    "Pipelines",
    "A pipeline's name is unique",
    "API: CreatePipeline",
)
def test_a_taken_name_is_refused_in_the_words_the_sdk_looks_for(play):
    async def story(pipelines):
        await create(pipelines)
        with pytest.raises(AwsError, match="already exists") as caught:
            await create(pipelines)
        assert caught.value.code == "ValidationException"

    play(story)


def test_the_same_token_creates_one_pipeline(play):
    async def story(pipelines):
        request = {"PipelineName": "loop", "PipelineDefinition": definition(), "ClientRequestToken": "t" * 32}
        assert await pipelines.create_pipeline(request) == await pipelines.create_pipeline(request)

    play(story)


@pytest.mark.aws(
    "Pipelines",
    "The same StartPipelineExecution with the same ClientRequestToken starts one execution",
    "API: StartPipelineExecution",
)
def test_the_same_token_starts_one_execution(play):
    async def story(pipelines):
        await create(pipelines)
        request = {"PipelineName": "loop", "ClientRequestToken": "t" * 32}
        first = pipelines.start_pipeline_execution(request)
        assert pipelines.start_pipeline_execution(request) == first
        listed = pipelines.list_pipeline_executions({"PipelineName": PIPELINE})
        assert len(listed["PipelineExecutionSummaries"]) == 1

    play(story)


@pytest.mark.parametrize(
    "request_part", [{}, {"PipelineDefinition": "x", "PipelineDefinitionS3Location": {"Bucket": "b", "ObjectKey": "k"}}]
)
def test_a_definition_is_given_in_exactly_one_way(play, request_part):
    async def story(pipelines):
        with pytest.raises(AwsError, match="Exactly one of"):
            await pipelines.create_pipeline({"PipelineName": "loop", **request_part})

    play(story)


def test_a_definition_that_cannot_be_executed_does_not_replace_one_that_can(play):
    async def story(pipelines):
        await create(pipelines)
        with pytest.raises(AwsError, match="not JSON"):
            await pipelines.update_pipeline({"PipelineName": "loop", "PipelineDefinition": "{"})
        assert pipelines.describe_pipeline({"PipelineName": PIPELINE})["PipelineDefinition"] == definition()

    play(story)


@pytest.mark.aws(
    "Pipelines",
    "An execution's parameters are listed with the values it runs with",
    "API: ListPipelineParametersForExecution",
)
def test_parameters_are_listed_with_their_defaults_as_strings(play):
    async def story(pipelines):
        declared = [("S", "String", "a"), ("F", "Float", 0.5), ("I", "Integer", 3), ("B", "Boolean", True)]
        await create(pipelines, Parameters=[{"Name": n, "Type": t, "DefaultValue": d} for n, t, d in declared])
        given = [{"Name": "I", "Value": "4"}]
        started = pipelines.start_pipeline_execution({"PipelineName": "loop", "PipelineParameters": given})
        listed = pipelines.list_pipeline_parameters_for_execution(started)["PipelineParameters"]
        assert {item["Name"]: item["Value"] for item in listed} == {"S": "a", "F": "0.5", "I": "4", "B": "true"}

    play(story)


def test_an_execution_that_is_refused_leaves_no_trace(play):
    async def story(pipelines):
        await create(pipelines)
        given = [{"Name": "Unknown", "Value": "4"}]
        with pytest.raises(AwsError, match="Unknown pipeline parameters: Unknown"):
            pipelines.start_pipeline_execution({"PipelineName": "loop", "PipelineParameters": given})
        assert pipelines.list_pipeline_executions({"PipelineName": "loop"}) == {"PipelineExecutionSummaries": []}

    play(story)


def test_lists_come_in_pages(play):
    async def story(pipelines):
        for index in range(5):
            await create(pipelines, name=f"p{index}")
        request = {"MaxResults": 2, "SortBy": "Name", "SortOrder": "Ascending"}
        names = []
        while "NextToken" in request or not names:
            page = pipelines.list_pipelines(request)
            names.append([summary["PipelineName"] for summary in page["PipelineSummaries"]])
            request = {k: v for k, v in request.items() if k != "NextToken"}
            request |= {"NextToken": page["NextToken"]} if "NextToken" in page else {}
        assert names == [["p0", "p1"], ["p2", "p3"], ["p4"]]

    play(story)


def test_a_deleted_pipeline_is_not_found(play):
    async def story(pipelines):
        await create(pipelines)
        assert pipelines.delete_pipeline({"PipelineName": "loop"}) == {"PipelineArn": PIPELINE}
        with pytest.raises(AwsError, match="does not exist") as caught:
            pipelines.describe_pipeline({"PipelineName": "loop"})
        assert caught.value.code == "ResourceNotFound"

    play(story)
