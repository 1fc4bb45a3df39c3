"""Versions of a pipeline: by number, by alias, in executions."""

import pytest

from local.errors import AwsError
from tests.unit.local import pipeline_rig
from tests.unit.local.pipeline_rig import PIPELINE, definition, fail


@pytest.fixture
def play(tmp_path):
    """Run one story, `async def story(world)`, against pipelines that never need S3."""
    return lambda story: pipeline_rig.play("http://127.0.0.1:9", tmp_path, story)


def versions(world, **more):
    found = world.pipelines.list_pipeline_versions({"PipelineName": "loop", **more})["PipelineVersionSummaries"]
    return [version["PipelineVersionId"] for version in found]


@pytest.mark.aws("Pipelines", "Another definition is a new version of the pipeline", "API: UpdatePipeline")
def test_another_definition_is_a_new_version_and_nothing_else_is(play):
    async def story(world):
        await world.create(fail("A", "one"))
        assert (await world.update(fail("A", "two")))["PipelineVersionId"] == 2
        assert (await world.update(fail("A", "two"), PipelineDescription="same"))["PipelineVersionId"] == 2
        assert versions(world) == [2, 1]
        assert versions(world, SortOrder="Ascending", MaxResults=1) == [1]
        described = world.pipelines.describe_pipeline({"PipelineName": "loop", "PipelineVersionId": 1})
        assert described["PipelineDefinition"] == definition(fail("A", "one"))
        assert described["PipelineDescription"] == "same"

    play(story)


@pytest.mark.aws("Pipelines", "An execution runs the version it names, else the latest", "API: StartPipelineExecution")
def test_an_execution_runs_the_version_it_names(play):
    async def story(world):
        await world.create(fail("A", "one"), PipelineVersionAliases=["stable"])
        await world.update(fail("A", "two"), PipelineVersionAliases=["next"])
        for more, number in (({}, 2), ({"PipelineVersionId": 1}, 1), ({"PipelineVersionAlias": "stable"}, 1)):
            described, _ = await world.run(**more)
            assert described["PipelineVersionId"] == number
            assert described["FailureReason"] == ("one" if number == 1 else "two")
        request = {"PipelineName": "loop", "PipelineVersionAlias": "stable"}
        listed = world.pipelines.list_pipeline_executions(request)["PipelineExecutionSummaries"]
        last = world.pipelines.list_pipeline_versions({"PipelineName": "loop"})["PipelineVersionSummaries"][-1]
        assert len(listed) == 2
        assert last["LastExecutionPipelineExecutionArn"] == listed[0]["PipelineExecutionArn"]

    play(story)


@pytest.mark.parametrize("more", [{"PipelineVersionId": 3}, {"PipelineVersionAlias": "nobody"}])
def test_a_version_that_is_not_there_is_not_found(play, more):
    async def story(world):
        await world.create(fail("A", "one"))
        with pytest.raises(AwsError, match="has no version") as caught:
            world.start(**more)
        assert caught.value.code == "ResourceNotFound"

    play(story)


def test_an_alias_moves_once_it_is_removed_from_its_version(play):
    async def story(world):
        await world.create(fail("A", "one"), PipelineVersionAliases=["stable"])
        await world.update(fail("A", "two"))
        update = world.pipelines.update_pipeline_version
        add = {"PipelineArn": PIPELINE, "PipelineVersionId": 2, "PipelineVersionAliasOperations": {"Add": ["stable"]}}
        with pytest.raises(AwsError, match="alias stable is taken"):
            update(add)
        remove = {"PipelineVersionAliasOperations": {"Remove": ["stable"]}, "PipelineVersionDisplayName": "old"}
        update({"PipelineArn": PIPELINE, "PipelineVersionId": 1, **remove})
        assert update(add) == {"PipelineArn": PIPELINE, "PipelineVersionId": 2}
        described = world.pipelines.describe_pipeline({"PipelineName": "loop", "PipelineVersionAlias": "stable"})
        assert described["PipelineDefinition"] == definition(fail("A", "two"))

    play(story)


@pytest.mark.parametrize(
    ("aliases", "said"),
    [(["2024"], "numbers only"), (["a", "a"], "is taken"), ([f"a{i}" for i in range(11)], "at most 10")],
)
def test_an_alias_that_cannot_be_given_is_refused(play, aliases, said):
    async def story(world):
        with pytest.raises(AwsError, match=said):
            await world.create(fail("A", "one"), PipelineVersionAliases=aliases)

    play(story)


def test_aliases_without_a_new_definition_are_refused(play):
    async def story(world):
        await world.create(fail("A", "one"))
        with pytest.raises(AwsError, match="use UpdatePipelineVersion"):
            await world.update(fail("A", "one"), PipelineVersionAliases=["stable"])

    play(story)


def test_a_version_is_named_in_one_way(play):
    async def story(world):
        await world.create(fail("A", "one"), PipelineVersionAliases=["stable"])
        with pytest.raises(AwsError, match="cannot be given together"):
            world.start(PipelineVersionId=1, PipelineVersionAlias="stable")

    play(story)


@pytest.mark.aws(
    "Pipelines",
    "UpdatePipelineExecution changes an execution's name, description and parallelism",
    "API: UpdatePipelineExecution",
)
def test_an_execution_can_be_renamed(play):
    async def story(world):
        await world.create(fail("A", "one"))
        arn = world.start(PipelineExecutionDisplayName="first")
        change = {
            "PipelineExecutionDisplayName": "second",
            "ParallelismConfiguration": {"MaxParallelExecutionSteps": 3},
        }
        world.pipelines.update_pipeline_execution({"PipelineExecutionArn": arn, **change})
        described, _ = await world.finish(arn)
        assert {member: described[member] for member in change} == change

    play(story)


def test_a_token_of_another_request_is_a_conflict(play):
    async def story(world):
        await world.create(fail("A", "one"), ClientRequestToken="t" * 32)
        with pytest.raises(AwsError, match="was used for another CreatePipeline") as caught:
            await world.create(fail("A", "two"), ClientRequestToken="t" * 32)
        assert caught.value.code == "ConflictException"

    play(story)


def test_a_role_is_for_pipelines_that_aws_manages(play):
    async def story(world):
        await world.create(fail("A", "one"))
        with pytest.raises(AwsError, match="pipelines that AWS manages"):
            world.start(RoleArn=pipeline_rig.ROLE)

    play(story)
