"""Faults of jobs, steps and events: whom they hit, and how often an event is heard of."""

import asyncio

import pipeline_rig
import pytest
from pipeline_rig import script

from local.clock import Clock
from local.events import Events
from local.faults import Faults, parse
from local.faults.jobs import TROUBLES
from local.jobs.trouble import Trouble


def test_the_troubles_are_those_of_retry_policies():
    assert set(TROUBLES) == {trouble.word for trouble in Trouble}


def test_a_job_of_a_pipeline_is_named_by_its_step():
    fault = parse("job:Train:capacity-error:1")
    hits = [fault.hits(f"pipelines-abc-{step}-xyz") for step in ("Train", "Preprocess")]
    assert hits == [True, False]


@pytest.fixture
def pipeline(server, tmp_path):
    return lambda story: pipeline_rig.play(server, tmp_path, story)


def test_a_step_whose_policy_tries_again_outlives_a_capacity_error(pipeline):
    policy = {"ExceptionType": ["SageMaker.CAPACITY_ERROR"], "IntervalSeconds": 1, "MaxAttempts": 2}

    async def story(world):
        world.jobs.faults.put("job:Prepare:capacity-error:first-2")
        await world.create(script("Prepare", "pass", RetryPolicies=[policy]))
        described, steps = await world.run()
        assert described["PipelineExecutionStatus"] == "Succeeded"
        assert steps["Prepare"]["AttemptCount"] == 3

    pipeline(story)


def test_a_step_fails_as_often_as_its_fault_says_and_no_policy_helps(pipeline):
    policy = {"ExceptionType": ["SageMaker.CAPACITY_ERROR"], "IntervalSeconds": 1, "MaxAttempts": 2}

    async def story(world):
        world.jobs.faults.put("step:Pre*")
        await world.create(script("Prepare", "pass", RetryPolicies=[policy]))
        described, steps = await world.run()
        assert described["PipelineExecutionStatus"] == "Failed"
        assert "the rehearsal makes the step Prepare fail (step:Pre*)" in steps["Prepare"]["FailureReason"]
        described, _ = await world.run()
        assert described["PipelineExecutionStatus"] == "Succeeded"

    pipeline(story)


class Bus:
    """The events client, which keeps what it is given."""

    def __init__(self) -> None:
        self.entries: list[str] = []

    def put_events(self, *, Entries):
        self.entries += [entry["DetailType"] for entry in Entries]


@pytest.mark.parametrize(("target", "copies"), [(None, 3), ("SageMaker Endpoint State Change", 3), ("another", 1)])
def test_copies_follow_each_event_of_the_kind(target, copies):
    async def go() -> list[str]:
        faults, bus = Faults(), Bus()
        faults.put("duplicates:2", target)
        events = Events(Clock(), faults=faults)
        events.emitter("aws.sagemaker")("SageMaker Endpoint State Change", [], {})
        task = asyncio.create_task(events.run(lambda service: bus))
        await events.idle()
        task.cancel()
        return bus.entries

    assert asyncio.run(go()) == ["SageMaker Endpoint State Change"] * copies
