"""Names, requests and the page: what a rollout will do, before it does it."""

import re
from pathlib import Path

import pytest
from botocore import xform_name
from fake_aws import FakeAws, check, operations, package_arn
from hypothesis import given
from hypothesis import strategies as st
from worlds import policy, serving

from deploy import preflight, rollout
from deploy.errors import UsageError
from deploy.guardrails import alarm, guardrails
from deploy.names import alarm_name, check_package_arn, rollout_name, rollout_of
from deploy.plan import make_plan
from deploy.views import page

NAME = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}")
GOLDEN = Path(__file__).parent / "golden"
endpoint_names = st.from_regex(r"\A[a-zA-Z0-9](-?[a-zA-Z0-9]){0,31}\Z")


@given(endpoint_names, st.integers(1, 10**9), st.integers(1, 999))
def test_a_rollouts_name_is_one_that_sagemaker_takes(endpoint: str, version: int, attempt: int) -> None:
    name = rollout_name(endpoint, package_arn(version), version, attempt, "digest")
    assert NAME.fullmatch(name)
    assert len(name) <= 63


@given(endpoint_names, st.integers(1, 10**6), st.integers(1, 99))
def test_an_alarm_tells_its_rollout(endpoint: str, version: int, attempt: int) -> None:
    name = rollout_name(endpoint, package_arn(version), version, attempt, "digest")
    assert rollout_of(alarm_name(name, "latency-p99")) == name


def test_the_name_changes_with_everything_that_makes_another_rollout() -> None:
    names = {
        rollout_name("a" * 63, package_arn(1), 1, 1, "p"),
        rollout_name("a" * 62 + "b", package_arn(1), 1, 1, "p"),
        rollout_name("a" * 63, package_arn(2), 2, 1, "p"),
        rollout_name("a" * 63, package_arn(1), 1, 2, "p"),
        rollout_name("a" * 63, package_arn(1), 1, 1, "q"),
    }
    assert len(names) == 5


def test_an_alarm_of_somebody_else_has_no_rollout() -> None:
    assert rollout_of("TargetTracking-endpoint/x-AlarmHigh") == ""


@pytest.mark.parametrize(
    "arn", ["flight-delay/1", "arn:aws:sagemaker:eu-west-1:111122223333:model-package/flight-delay"]
)
def test_what_is_not_a_package_version_is_refused(arn: str) -> None:
    with pytest.raises(UsageError, match="--model-package"):
        check_package_arn(arn)


def test_every_alarm_is_on_the_new_fleet_alone_and_takes_silence_for_no_failure() -> None:
    for rail in guardrails(policy()):
        request = alarm(rail, policy(), "config").parameters
        assert {d["Name"]: d["Value"] for d in request["Dimensions"]} == {
            "EndpointName": "flight-delay-staging",
            "VariantName": "AllTraffic",
            "EndpointConfigName": "config",
        }
        assert request["TreatMissingData"] == "notBreaching"
        assert ("Statistic" in request) != ("ExtendedStatistic" in request)


def test_latency_is_in_microseconds_as_sagemaker_publishes_it() -> None:
    latency = next(rail for rail in guardrails(policy()) if rail.name == "latency-p99")
    assert latency.threshold == 500_000


@pytest.mark.parametrize("stage", ["staging", "production"])
def test_every_request_of_the_plan_is_one_that_aws_takes(stage: str) -> None:
    world, _ = serving()
    chosen = policy(stage=stage)
    seen = rollout.look(world, world.clock, chosen, world.add_package(2))
    for call in make_plan(chosen, seen).calls:
        check(call.parameters, operations(call.service)[xform_name(call.operation)].input_shape)


@pytest.mark.parametrize(("bake", "final"), [(10, 5), (10, 0), (60, 1), (5, 60), (5.5, 0.1)])
def test_the_timeline_lines_up_for_any_lengths(bake: float, final: float) -> None:
    world, _ = serving()
    overrides = [f"rollout.canary.bake_minutes={bake}", f"rollout.final_bake_minutes={final}"]
    chosen = policy(*overrides, "rollout.timeout_minutes=240")
    seen = rollout.look(world, world.clock, chosen, world.add_package(2))
    drawn = page.plan_page(chosen, make_plan(chosen, seen), seen, [])
    bars = [line for line in drawn.splitlines() if line.endswith("|")]
    assert len(bars) == 4
    assert len({tuple(i for i, letter in enumerate(bar) if letter == "|") for bar in bars}) == 1


def test_the_plan_reads_and_changes_nothing() -> None:
    world, _ = serving()
    rollout.look(world, world.clock, policy(), world.add_package(2))
    assert world.changes == []


def page_of(world: FakeAws, version: int, *overrides: str, **values: str) -> str:
    chosen = policy(*overrides)
    seen = rollout.look(world, world.clock, chosen, world.add_package(version, **values))
    plan = make_plan(chosen, seen)
    return page.plan_page(chosen, plan, seen, preflight.findings(chosen, plan, seen)) + "\n"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("plan_create.txt", lambda: page_of(FakeAws(), 1)),
        ("plan_update.txt", lambda: page_of(serving()[0], 2)),
        ("plan_trials.txt", lambda: page_of(serving()[0], 2, "rollout.strategy=shadow, ab_test, linear")),
        ("plan_refused.txt", lambda: page_of(serving()[0], 2, ModelApprovalStatus="PendingManualApproval")),
    ],
)
def test_the_plan_is_the_page_that_is_kept(name: str, text: object) -> None:
    """The pages are kept as they should look: a diff shows what a change does to them."""
    assert callable(text)
    assert text() == (GOLDEN / name).read_text()
