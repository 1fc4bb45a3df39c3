"""Faults of jobs and of events: what becomes of a job that AWS gives trouble, and how often an event is heard of."""

import asyncio

import pytest
from test_job_service import play  # noqa: F401 - a fixture

from local.clock import Clock
from local.errors import AwsError
from local.events import Events
from local.faults import Faults, parse
from local.faults.jobs import TROUBLES
from local.jobs.trouble import Trouble


def test_the_troubles_are_those_of_retry_policies():
    assert {trouble.upper().replace("-", "_") for trouble in TROUBLES} == set(Trouble.__members__)


@pytest.mark.parametrize(
    ("trouble", "reason"), [("capacity-error", "CapacityError:"), ("internal-error", "InternalServerError:")]
)
def test_a_job_fails_with_awss_reason_and_the_next_of_its_name_does_not(play, trouble, reason):  # noqa: F811 - the fixture
    async def story(world):
        world.jobs.faults.put(f"job:prepare*:{trouble}")
        world.create("pass", name="prepare-1")
        described = await world.ended("prepare-1")
        assert described["ProcessingJobStatus"] == "Failed"
        assert described["FailureReason"].startswith(reason)
        world.create("pass", name="prepare-2")
        assert (await world.ended("prepare-2"))["ProcessingJobStatus"] == "Completed"

    play(story)


@pytest.mark.parametrize(
    ("trouble", "code"),
    [
        ("resource-limit", "ResourceLimitExceeded"),
        ("throttling", "ThrottlingException"),
        ("service-fault", "InternalFailure"),
    ],
)
def test_a_job_is_refused_with_awss_code(play, trouble, code):  # noqa: F811 - the fixture
    async def story(world):
        world.jobs.faults.put(f"job:prepare:{trouble}")
        with pytest.raises(AwsError) as caught:
            world.create("pass")
        assert caught.value.code == code

    play(story)


def test_a_job_of_a_pipeline_is_named_by_its_step():
    fault = parse("job:Train:capacity-error:1")
    hits = [fault.hits(f"pipelines-abc-{step}-xyz") for step in ("Train", "Preprocess")]
    assert hits == [True, False]


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
