"""Doing steps again: retry policies, RetryPipelineExecution, selective execution. Real processes, scripts in line."""

import asyncio
import json

import pytest

from local.errors import AwsError
from local.jobs.trouble import Trouble, failure_reason
from tests.unit.local import pipeline_rig
from tests.unit.local.pipeline_rig import condition, definition, fail, script, statuses

ONCE = "import pathlib, sys; p = pathlib.Path(sys.argv[2]); assert p.exists(), 'not there yet'"
YES = [{"Type": "Equals", "LeftValue": 1, "RightValue": 1}]


@pytest.fixture
def play(server, tmp_path):
    """Run one story, `async def story(world)`, under some reading of what AWS leaves open."""
    return lambda story, *choices: pipeline_rig.play(server, tmp_path, story, *choices)


def troubled(world, trouble, times=1):
    """Have the first jobs get into trouble; the fault that does it is returned."""
    world.jobs.faults.put(f"job:Try:{trouble.word}:first-{times}")
    (active,) = world.jobs.faults.listed()
    return active.fault


def retrying(*exceptions, **limits):
    return {"RetryPolicies": [{"ExceptionType": list(exceptions), "IntervalSeconds": 1, **limits}]}


@pytest.mark.aws(
    "Pipelines",
    "A step that got into trouble its retry policy names is tried again with a new job; AttemptCount tells how often",
    "Developer guide: Retry policy for pipeline steps",
)
@pytest.mark.parametrize("trouble", list(Trouble))
def test_a_step_is_tried_again_when_its_policy_says_so(play, trouble):
    async def story(world):
        troubled(world, trouble, 2)
        await world.create(script("Try", "pass", **retrying(trouble)))
        _, steps = await world.run()
        assert (steps["Try"]["StepStatus"], steps["Try"]["AttemptCount"]) == ("Succeeded", 3)
        jobs = world.jobs.list_processing_jobs({})["ProcessingJobSummaries"]
        assert len(jobs) == (3 if failure_reason(trouble) else 1)
        assert steps["Try"]["Metadata"]["ProcessingJob"]["Arn"] == jobs[-1]["ProcessingJobArn"]

    play(story)


def test_a_step_that_has_no_attempt_left_fails_with_the_last_reason(play):
    async def story(world):
        troubled(world, Trouble.CAPACITY_ERROR, 3)
        await world.create(script("Try", "pass", **retrying(Trouble.CAPACITY_ERROR, MaxAttempts=1)))
        described, steps = await world.run()
        assert described["PipelineExecutionStatus"] == "Failed"
        assert steps["Try"]["FailureReason"].startswith("CapacityError: Unable to provision")
        assert steps["Try"]["AttemptCount"] == 2

    play(story)


@pytest.mark.aws(
    "Pipelines",
    "Throttling is tried again without a policy, a failed job is not",
    "Developer guide: Retry policy for pipeline steps",
)
@pytest.mark.parametrize(("trouble", "status"), [(Trouble.THROTTLING, "Succeeded"), (Trouble.INTERNAL_ERROR, "Failed")])
def test_without_a_policy_only_throttling_and_service_faults_are_tried_again(play, trouble, status):
    async def story(world):
        troubled(world, trouble)
        await world.create(script("Try", "pass"))
        _, steps = await world.run()
        assert steps["Try"]["StepStatus"] == status

    play(story)


def test_a_script_that_fails_is_not_tried_again(play):
    async def story(world):
        await world.create(script("Try", "raise SystemExit(1)", **retrying(*Trouble)))
        _, steps = await world.run()
        assert (steps["Try"]["StepStatus"], steps["Try"]["AttemptCount"]) == ("Failed", 1)

    play(story)


def test_an_execution_can_be_stopped_while_a_step_waits_to_be_tried_again(play):
    async def story(world):
        fault = troubled(world, Trouble.CAPACITY_ERROR)
        policy = {"ExceptionType": [Trouble.CAPACITY_ERROR], "IntervalSeconds": 43_200}
        await world.create(script("Try", "pass", RetryPolicies=[policy]))
        arn = world.start()
        while not fault.happened:  # noqa: ASYNC110 - the job is refused or failed by the execution's own task
            await asyncio.sleep(0.01)
        world.pipelines.stop_pipeline_execution({"PipelineExecutionArn": arn})
        described, steps = await world.finish(arn)
        assert described["PipelineExecutionStatus"] == "Stopped"
        assert statuses(steps) == {"Try": "Stopped"}

    play(story)


@pytest.mark.aws(
    "Pipelines",
    "RetryPipelineExecution goes on in the same execution: steps that succeeded stay, failed ones begin anew",
    "API: RetryPipelineExecution",
)
def test_a_retried_execution_keeps_what_succeeded(play):
    async def story(world):
        there = world.context.state / "there"
        await world.create(script("First", "pass"), script("Second", ONCE, str(there), DependsOn=["First"]))
        arn = world.start()
        described, before = await world.finish(arn)
        assert statuses(before) == {"First": "Succeeded", "Second": "Failed"}
        there.touch()
        request = {"PipelineExecutionArn": arn, "ClientRequestToken": "t" * 32}
        assert world.pipelines.retry_pipeline_execution(request) == {"PipelineExecutionArn": arn}
        described, after = await world.finish(arn)
        assert described["PipelineExecutionStatus"] == "Succeeded"
        assert "FailureReason" not in described
        assert statuses(after) == {"First": "Succeeded", "Second": "Succeeded"}
        assert after["First"] == before["First"]
        assert after["Second"]["Metadata"] != before["Second"]["Metadata"]
        assert world.pipelines.retry_pipeline_execution(request) == {"PipelineExecutionArn": arn}

    play(story)


def test_a_retry_that_fails_again_can_be_retried_again(play):
    async def story(world):
        await world.create(script("Bad", "raise SystemExit(1)"))
        arn = world.start()
        for _ in range(2):
            described, _ = await world.finish(arn)
            assert described["PipelineExecutionStatus"] == "Failed"
            world.pipelines.retry_pipeline_execution({"PipelineExecutionArn": arn})
        statuses_ = [d["currentPipelineExecutionStatus"] for k, _, d in world.events if k.endswith("n Status Change")]
        assert statuses_ == ["Executing", "Failed", "Executing", "Failed", "Executing"]

    play(story)


@pytest.mark.aws(
    "Pipelines",
    "An execution that a Fail step ended cannot be retried",
    "Developer guide: Fail step",
)
def test_what_a_fail_step_ended_cannot_be_retried(play):
    async def story(world):
        await world.create(fail("Closed", "not today"))
        arn = world.start()
        await world.finish(arn)
        with pytest.raises(AwsError, match="ended by its Fail step Closed") as caught:
            world.pipelines.retry_pipeline_execution({"PipelineExecutionArn": arn})
        assert caught.value.code == "ConflictException"

    play(story)


@pytest.mark.parametrize(("choices", "retried"), [((), False), (("retry_stopped_execution=allow",), True)])
def test_a_stopped_execution_can_be_retried_only_when_that_is_assumed(play, choices, retried):
    async def story(world):
        await world.create(script("Sleep", "import time; time.sleep(60)"))
        arn = world.start()
        request = {"PipelineExecutionArn": arn}
        world.pipelines.stop_pipeline_execution(request)
        await world.finish(arn)
        try:
            world.pipelines.retry_pipeline_execution(request)
        except AwsError as error:
            assert "is Stopped" in error.message  # noqa: PT017 - which answer is right depends on the reading
        status = world.pipelines.describe_pipeline_execution(request)["PipelineExecutionStatus"]
        assert (status == "Executing") == retried

    play(story, *choices)


def test_an_execution_that_runs_or_succeeded_cannot_be_retried(play):
    async def story(world):
        await world.create(script("Good", "pass"))
        arn = world.start()
        for status in ("Executing", "Succeeded"):
            with pytest.raises(AwsError, match=f"is {status}"):
                world.pipelines.retry_pipeline_execution({"PipelineExecutionArn": arn})
            await world.finish(arn)

    play(story)


def selective(*names, source=None):
    config = {"SelectedSteps": [{"StepName": name} for name in names]}
    return {"SelectiveExecutionConfig": config | ({"SourcePipelineExecutionArn": source} if source else {})}


NAME = {"Get": "Steps.First.ProcessingJobName"}
TELLS = "import sys; print(sys.argv[2])"


@pytest.mark.aws(
    "Pipelines",
    "A selective execution runs the selected steps and reuses the results of others from a reference execution",
    "Developer guide: Selective execution of pipeline steps",
)
def test_selected_steps_run_on_the_results_of_another_execution(play):
    async def story(world):
        last = script("Last", "pass", DependsOn=["Second"])
        await world.create(script("First", "pass"), script("Second", TELLS, NAME), last)
        source = world.start()
        _, whole = await world.finish(source)
        described, steps = await world.run(**selective("Second", source=source))
        assert described["PipelineExecutionStatus"] == "Succeeded"
        assert described["SelectiveExecutionConfig"]["SourcePipelineExecutionArn"] == source
        assert statuses(steps) == {"First": "Succeeded", "Second": "Succeeded"}
        assert steps["First"]["SelectiveExecutionResult"] == {"SourcePipelineExecutionArn": source}
        assert steps["First"]["Metadata"] == whole["First"]["Metadata"]
        assert "SelectiveExecutionResult" not in steps["Second"]
        assert steps["Second"]["Metadata"] != whole["Second"]["Metadata"]

    play(story)


def test_a_failed_execution_can_be_the_source_of_what_succeeded_in_it(play):
    async def story(world):
        there = world.context.state / "there"
        await world.create(script("First", "pass"), script("Second", ONCE, str(there), DependsOn=["First"]))
        source = world.start()
        await world.finish(source)
        there.touch()
        described, _ = await world.run(**selective("Second", source=source))
        assert described["PipelineExecutionStatus"] == "Succeeded"

    play(story)


def test_a_step_of_a_branch_can_be_selected_when_the_source_took_it(play):
    async def story(world):
        inside, other = script("Inside", "pass"), script("Other", "pass")
        await world.create(condition("Gate", YES, [inside], [other]))
        source = world.start()
        await world.finish(source)
        _, steps = await world.run(**selective("Inside", source=source))
        assert statuses(steps) == {"Gate": "Succeeded", "Inside": "Succeeded"}
        with pytest.raises(AwsError, match="Gate did not take"):
            world.start(**selective("Other", source=source))

    play(story)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (selective("Second"), r"Invalid SourcePipelineExecutionArn: null. The selected steps \[Second\] have dep"),
        (selective("Second", source=f"{pipeline_rig.PIPELINE}/execution/other"), "is not an execution of"),
        (selective("Nobody"), "no step Nobody"),
    ],
)
def test_a_selection_without_what_it_needs_is_refused_and_leaves_no_trace(play, more, said):
    async def story(world):
        await world.create(script("First", "pass"), script("Second", "pass", DependsOn=["First"]))
        with pytest.raises(AwsError, match=said):
            world.start(**more)
        assert world.pipelines.list_pipeline_executions({"PipelineName": "loop"}) == {"PipelineExecutionSummaries": []}

    play(story)


def test_a_selection_that_needs_nothing_needs_no_source(play):
    async def story(world):
        await world.create(script("First", "pass"), script("Second", "pass", DependsOn=["First"]))
        _, steps = await world.run(**selective("First"))
        assert statuses(steps) == {"First": "Succeeded"}

    play(story)


def test_names_of_executions_and_jobs_follow_from_the_seed_whichever_step_is_faster(server, tmp_path):
    def arns(folder):
        found = []

        async def story(world):
            racing = [step for n in "ABC" for step in (script(n, "pass"), script(f"{n}2", "pass", DependsOn=[n]))]
            await world.create(*racing)
            _, steps = await world.run()
            found.extend(sorted(step["Metadata"]["ProcessingJob"]["Arn"] for step in steps.values()))

        pipeline_rig.play(server, folder, story)
        return found

    assert arns(tmp_path / "one") == arns(tmp_path / "two")


def test_retry_policies_are_checked_when_the_pipeline_is_created(play):
    async def story(world):
        for bad, said in (
            (script("A", "pass", **retrying("Step.HICCUP")), "step A: RetryPolicies: ExceptionType Step.HICCUP"),
            ({**fail("B", "no"), **retrying("Step.THROTTLING")}, "step B of Type Fail takes no RetryPolicies"),
        ):
            with pytest.raises(AwsError, match=said):
                await world.pipelines.create_pipeline({"PipelineName": "p", "PipelineDefinition": definition(bad)})

    play(story)


def test_a_step_type_that_is_not_offered_is_named(play):
    async def story(world):
        step = {"Name": "Call", "Type": "Lambda", "Arguments": {}}
        with pytest.raises(AwsError, match="step Call has Type Lambda, which is not offered here"):
            await world.create(step)
        assert json.dumps(world.pipelines.list_pipelines({})) == '{"PipelineSummaries": []}'

    play(story)
