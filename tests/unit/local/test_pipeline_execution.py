"""How an execution goes: order, failure, parallelism, expiry, stopping, events. Real processes, scripts in line."""

import asyncio
import contextlib
import json
import os
import time
from pathlib import Path

import pytest

from local.errors import AwsError
from tests.unit.local import pipeline_rig
from tests.unit.local.pipeline_rig import PIPELINE, condition, fail, script, statuses


@pytest.fixture
def play(server, tmp_path):
    """Run one story, `async def story(world)`, and close the world after it."""
    return lambda story: pipeline_rig.play(server, tmp_path, story)


WAITS = "import pathlib, sys, time; [time.sleep(0.01) for _ in iter(pathlib.Path(sys.argv[2]).exists, True)]"


@pytest.mark.aws(
    "Pipelines",
    "After a failure no step starts, those that run finish, and the execution is Failed with the reason AWS gives",
    "API: DescribePipelineExecution",
)
def test_a_failed_step_lets_others_finish_and_starts_no_more(play):
    async def story(world):
        go = world.context.state / "go"
        slow = script("Slow", WAITS, str(go))
        bad = script("Bad", "raise ValueError('no rows')")
        later = script("Later", "pass", DependsOn=["Slow"])
        await world.create(slow, bad, later, ParallelismConfiguration={"MaxParallelExecutionSteps": 2})
        arn = world.start()
        while "Failed" not in {step["StepStatus"] for step in world.steps(arn)}:  # noqa: ASYNC110 - a process's end
            await asyncio.sleep(0.01)
        go.touch()
        described, steps = await world.finish(arn)
        assert described["FailureReason"] == "Step failure: One or multiple steps failed. (Bad)"
        assert statuses(steps) == {"Slow": "Succeeded", "Bad": "Failed"}
        assert "ValueError: no rows" in steps["Bad"]["FailureReason"]

    play(story)


@pytest.mark.aws(
    "Pipelines",
    "MaxParallelExecutionSteps bounds the steps that run at once",
    "API: ParallelismConfiguration",
)
@pytest.mark.parametrize(("parallel", "overlap"), [(1, False), (2, True)])
def test_independent_steps_overlap_as_far_as_parallelism_allows(play, parallel, overlap):
    async def story(world):
        steps = [script(name, "import time; time.sleep(0.3)") for name in ("A", "B")]
        await world.create(*steps, ParallelismConfiguration={"MaxParallelExecutionSteps": parallel})
        _, by_name = await world.run()
        first, second = sorted(by_name.values(), key=lambda step: step["StartTime"])
        assert (second["StartTime"] < first["EndTime"]) == overlap

    play(story)


def test_as_many_steps_as_cores_run_at_once_when_nothing_is_said(play):
    async def story(world):
        cores = os.cpu_count() or 1
        await world.create(*(script(f"S{index}", "pass") for index in range(cores + 1)))
        arn = world.start()
        await asyncio.sleep(0)
        listed = world.pipelines.list_pipeline_execution_steps({"PipelineExecutionArn": arn})
        assert len(listed["PipelineExecutionSteps"]) == cores
        await world.finish(arn)

    play(story)


@pytest.mark.aws(
    "Pipelines",
    "A step whose request the service refuses fails with 'ClientError: Failed to invoke sagemaker:...'",
    "API: PipelineExecutionStep",
)
def test_a_request_aws_would_refuse_fails_its_step_with_the_reason(play):
    async def story(world):
        wrong_type = script("Typed", "pass", {"Get": "Parameters.Rounds"})
        await world.create(wrong_type, parameters=[{"Name": "Rounds", "Type": "Integer", "DefaultValue": 5}])
        _, steps = await world.run()
        reason = steps["Typed"]["FailureReason"]
        assert reason.startswith("ClientError: Failed to invoke sagemaker:CreateProcessingJob. Error Details: ")
        assert "ContainerArguments[1], value: 5" in reason
        assert "Metadata" not in steps["Typed"]

    play(story)


def test_an_instance_type_that_does_not_exist_fails_its_step(play):
    async def story(world):
        step = script("Sized", "pass")
        step["Arguments"]["ProcessingResources"]["ClusterConfig"]["InstanceType"] = "ml.huge"
        await world.create(step)
        _, steps = await world.run()
        assert "Value 'ml.huge' at " in steps["Sized"]["FailureReason"]

    play(story)


def test_a_registry_that_refuses_fails_the_step_with_its_words(play):
    async def story(world):
        arguments = {"ModelPackageGroupName": "missing"}
        await world.create({"Name": "Register", "Type": "RegisterModel", "Arguments": arguments})
        _, steps = await world.run()
        assert steps["Register"]["FailureReason"].endswith("Model Package Group missing does not exist.")

    play(story)


def test_a_condition_that_has_no_answer_fails_its_step(play):
    async def story(world):
        await world.create(condition("Gate", [{"Type": "GreaterThan", "LeftValue": "0.9", "RightValue": 0.5}]))
        _, steps = await world.run()
        assert "compares numbers" in steps["Gate"]["FailureReason"]

    play(story)


@pytest.mark.aws(
    "Pipelines",
    "Steps of the branch that was not taken do not run, nor do steps that need them",
    "Developer guide: Condition step",
)
def test_steps_after_a_skipped_one_are_skipped_and_the_execution_succeeds(play):
    async def story(world):
        never = {"Type": "Equals", "LeftValue": {"Get": "Execution.PipelineName"}, "RightValue": "other"}
        after = script("After", "pass", DependsOn=["Inside"])
        await world.create(condition("Gate", [never], [script("Inside", "pass")]), after)
        described, steps = await world.run()
        assert described["PipelineExecutionStatus"] == "Succeeded"
        assert statuses(steps) == {"Gate": "Succeeded"}

    play(story)


@pytest.mark.aws(
    "Pipelines",
    "A cached run is reused until it is older than ExpireAfter",
    "Developer guide: Caching pipeline steps",
)
def test_a_run_is_reused_until_it_is_older_than_expire_after(play):
    async def story(world):
        await world.create(script("Old", "pass", CacheConfig={"Enabled": True, "ExpireAfter": "PT2M"}))
        await world.run()
        assert "CacheHitResult" in (await world.run())[1]["Old"]
        await world.context.clock.sleep(121)
        assert "CacheHitResult" not in (await world.run())[1]["Old"]

    play(story)


@pytest.mark.aws(
    "Pipelines",
    "Only successful runs are reused",
    "Developer guide: Caching pipeline steps",
)
def test_a_failed_run_is_not_reused(play):
    async def story(world):
        await world.create(script("Bad", "raise SystemExit(1)", CacheConfig={"Enabled": True}))
        await world.run()
        assert "CacheHitResult" not in (await world.run())[1]["Bad"]

    play(story)


@pytest.mark.aws(
    "Events",
    "Every change of an execution and of its steps is an event, with the members that AWS documents",
    "Developer guide: Events that Amazon SageMaker AI sends to Amazon EventBridge",
)
def test_every_change_of_status_is_an_event(play):
    async def story(world):
        await world.create(fail("Closed", "not today"))
        arn = world.start()
        await world.finish(arn)
        assert {tuple(arns) for _, arns, _ in world.events} == {(PIPELINE, arn)}
        executions = [d for kind, _, d in world.events if kind.endswith("Pipeline Execution Status Change")]
        steps = [d for kind, _, d in world.events if kind.endswith("Pipeline Execution Step Status Change")]
        assert [d["currentPipelineExecutionStatus"] for d in executions] == ["Executing", "Failed"]
        assert [d["currentStepStatus"] for d in steps] == ["Starting", "Executing", "Failed"]
        assert executions[-1]["previousPipelineExecutionStatus"] == "Executing"
        assert steps[-1]["metadata"] == {"fail": {"errorMessage": "not today"}}
        assert (steps[-1]["failureReason"], steps[-1]["stepType"]) == ("not today", "Fail")
        assert json.loads(json.dumps(world.events))

    play(story)


SLEEP = (
    "import pathlib, subprocess, sys, time; child = subprocess.Popen(['sleep', '60']); "
    "pathlib.Path(sys.argv[2]).write_text(str(child.pid)); time.sleep(60)"
)


async def sleeping(world):
    """Start a pipeline whose step sleeps; returns the execution and the pid of the step's child process."""
    pid_file = world.context.state / "pid"
    once = {"MaxParallelExecutionSteps": 1}
    await world.create(script("Sleep", SLEEP, str(pid_file)), fail("Never", "no"), ParallelismConfiguration=once)
    arn = world.start()
    async with asyncio.timeout(10):
        while not (pid_file.exists() and pid_file.read_text()):  # noqa: ASYNC110 - another process writes it
            await asyncio.sleep(0.01)
    return arn, int(pid_file.read_text())


def gone(pid):
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        with contextlib.suppress(FileNotFoundError):
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z":
                time.sleep(0.01)
                continue
        return True
    return False


@pytest.mark.aws(
    "Pipelines",
    "An execution that is stopped is Stopping until its jobs are stopped, then Stopped",
    "API: StopPipelineExecution",
)
def test_stopping_ends_the_running_job_and_its_children(play):
    async def story(world):
        arn, pid = await sleeping(world)
        request = {"PipelineExecutionArn": arn}
        assert world.pipelines.stop_pipeline_execution(request) == request
        assert world.pipelines.describe_pipeline_execution(request)["PipelineExecutionStatus"] == "Stopping"
        described, steps = await world.finish(arn)
        assert described["PipelineExecutionStatus"] == "Stopped"
        assert statuses(steps) == {"Sleep": "Stopped"}
        jobs = world.jobs.list_processing_jobs({})["ProcessingJobSummaries"]
        assert [job["ProcessingJobStatus"] for job in jobs] == ["Stopped"]
        assert gone(pid)

    play(story)


def test_an_execution_that_has_ended_cannot_be_stopped(play):
    async def story(world):
        await world.create(fail("A", "no"))
        arn = world.start()
        await world.finish(arn)
        with pytest.raises(AwsError, match="is Failed; only an Executing one can be stopped") as caught:
            world.pipelines.stop_pipeline_execution({"PipelineExecutionArn": arn})
        assert caught.value.code == "ConflictException"

    play(story)


def test_closing_stops_executions_and_leaves_no_process(play):
    async def story(world):
        arn, pid = await sleeping(world)
        await world.pipelines.close()
        described = world.pipelines.describe_pipeline_execution({"PipelineExecutionArn": arn})
        assert described["PipelineExecutionStatus"] == "Stopped"
        assert gone(pid)

    play(story)


@pytest.mark.aws(
    "Pipelines",
    "A pipeline cannot be deleted while it runs",
    "API: DeletePipeline",
)
def test_a_running_pipeline_cannot_be_deleted(play):
    async def story(world):
        arn, _ = await sleeping(world)
        with pytest.raises(AwsError, match=arn) as caught:
            world.pipelines.delete_pipeline({"PipelineName": "loop"})
        assert caught.value.code == "ConflictException"

    play(story)


@pytest.mark.aws(
    "Pipelines",
    "An execution keeps the definition it started with",
    "API: DescribePipelineDefinitionForExecution",
)
def test_a_running_execution_keeps_the_definition_it_started_with(play):
    async def story(world):
        await world.create(script("Old", "pass"))
        arn = world.start()
        text = json.dumps({"Version": "2020-12-01", "Steps": [fail("New", "no")]})
        await world.pipelines.update_pipeline({"PipelineName": "loop", "PipelineDefinition": text})
        _, steps = await world.finish(arn)
        assert list(steps) == ["Old"]
        kept = world.pipelines.describe_pipeline_definition_for_execution({"PipelineExecutionArn": arn})
        assert "Old" in kept["PipelineDefinition"]
        assert world.pipelines.describe_pipeline({"PipelineName": "loop"})["PipelineDefinition"] == text

    play(story)
