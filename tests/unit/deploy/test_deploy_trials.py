"""Trials before the shift: compared on real traffic, taken down whatever they show, resumed after any call."""

from datetime import timedelta

import pytest
from fake_aws import FakeAws, Killed
from worlds import policy, quiet, serving

from deploy import rollout
from deploy.decision import Decision

SHADOW = "rollout.strategy=shadow, canary"
AB_TEST = "rollout.strategy=ab_test, canary"
EXPERIMENT = "rollout.shadow.by=experiment"


def apply(world: FakeAws, arn: str, *overrides: str, patience: timedelta = timedelta(days=1)) -> Decision:
    return rollout.apply(world, world.clock, policy(*overrides), arn, quiet, patience)[1]


def new_version() -> tuple[FakeAws, str]:
    """A world that serves version 1, and the ARN of version 2."""
    world, _ = serving()
    return world, world.add_package(2)


def moves(world: FakeAws) -> list[str]:
    """The endpoint configs that the endpoint was sent to, each by what its name ends in."""
    return [p["EndpointConfigName"].split("-")[-1] for name, p in world.changes if name == "UpdateEndpoint"]


@pytest.mark.parametrize(("strategy", "suffix"), [(SHADOW, "shadow"), (AB_TEST, "ab")])
def test_a_good_trial_is_taken_down_before_the_shift_begins(strategy: str, suffix: str) -> None:
    world, arn = new_version()
    before = world.endpoint["EndpointConfigName"].split("-")[-1]  # type: ignore[index]  # it serves
    assert apply(world, arn, strategy).outcome == "promoted"
    assert moves(world)[:2] == [suffix, before]
    assert world.endpoint
    assert moves(world)[2:] == [world.endpoint["EndpointConfigName"].split("-")[-1]]


def test_trials_named_alone_are_followed_by_a_canary() -> None:
    world, arn = new_version()
    assert apply(world, arn, "rollout.strategy=shadow").outcome == "promoted"
    *_, shift = (parameters for name, parameters in world.changes if name == "UpdateEndpoint")
    assert "CANARY" in str(shift["DeploymentConfig"])


def test_a_sequence_is_carried_out_in_order() -> None:
    world, arn = new_version()
    assert apply(world, arn, "rollout.strategy=shadow, ab_test, all_at_once").outcome == "promoted"
    assert [move for move in moves(world) if move in ("shadow", "ab")] == ["shadow", "ab"]


@pytest.mark.parametrize("overrides", [(SHADOW,), (AB_TEST,), (SHADOW, EXPERIMENT)])
def test_a_bad_trial_rejects_the_package_and_nothing_is_shifted(overrides: tuple[str, ...]) -> None:
    world, arn = new_version()
    world.failing_share = {"version-2": 0.3}
    decision = apply(world, arn, *overrides)
    assert decision.outcome == "rolled_back"
    assert "above guardrails.error_rate" in " ".join(decision.reasons)
    assert world.packages[arn]["ModelApprovalStatus"] == "Rejected"
    assert not any("DeploymentConfig" in parameters for name, parameters in world.changes if name == "UpdateEndpoint")


def test_a_bad_version_in_an_ab_test_gets_no_more_requests_before_its_fleet_goes() -> None:
    world, arn = new_version()
    world.failing_share = {"version-2": 0.3}
    apply(world, arn, AB_TEST)
    changed = [name for name, _ in world.changes if "Endpoint" in name]
    assert changed[-2:] == ["UpdateEndpointWeightsAndCapacities", "UpdateEndpoint"]


def test_a_bad_version_is_turned_down_before_the_trials_time_is_up() -> None:
    world, arn = new_version()
    began = world.clock.now()
    world.failing_share = {"version-2": 0.3}
    apply(world, arn, "rollout.strategy=ab_test", "rollout.ab_test.minutes=600")
    assert world.clock.now() - began < timedelta(hours=1)


def test_a_trial_without_traffic_is_inconclusive_and_stays() -> None:
    world, arn = new_version()
    world.requests_per_minute = 1
    decision = apply(world, arn, SHADOW)
    assert decision.outcome == "inconclusive"
    assert "of the 200 requests that a verdict needs" in " ".join(decision.reasons)
    assert moves(world) == ["shadow"]


def test_a_trial_that_lasts_longer_than_the_run_may_is_left_and_ended_by_a_later_one() -> None:
    world, arn = new_version()
    week = ("rollout.strategy=ab_test", "rollout.ab_test.minutes=10080")
    began = world.clock.now()
    held = apply(world, arn, *week, patience=timedelta(hours=7))
    assert held.outcome == "held"
    assert "Run apply again after" in held.reasons[-1]
    assert world.clock.now() - began < timedelta(hours=1)
    world.clock.time += timedelta(days=7)
    assert apply(world, arn, *week, patience=timedelta(hours=7)).outcome == "promoted"


def test_an_experiment_that_ran_out_by_itself_is_judged_by_what_it_measured() -> None:
    world, arn = new_version()
    assert apply(world, arn, SHADOW, EXPERIMENT, patience=timedelta(minutes=20)).outcome == "held"
    (experiment,) = world.experiments.values()
    world.clock.time += timedelta(hours=2)
    experiment |= {"stops": world.clock.time, "ended": "Completed"}
    assert apply(world, arn, SHADOW, EXPERIMENT).outcome == "promoted"


@pytest.mark.parametrize("before_effect", [False, True])
@pytest.mark.parametrize("overrides", [(SHADOW,), (AB_TEST,), (SHADOW, EXPERIMENT)])
@pytest.mark.parametrize("failing", [0.0, 0.3])
def test_a_run_killed_at_any_call_is_continued_with_nothing_doubled(
    overrides: tuple[str, ...], failing: float, before_effect: bool
) -> None:
    calm, arn = new_version()
    calm.failing_share = {"version-2": failing}
    expected = apply(calm, arn, *overrides).outcome
    for number in range(1, len(calm.changes) + 1):
        world, arn = new_version()
        world.failing_share = {"version-2": failing}
        world.kill_at, world.kill_before_effect = number, before_effect
        with pytest.raises(Killed):
            apply(world, arn, *overrides)
        world.clock.wait(60)
        assert apply(world, arn, *overrides).outcome == expected, number
        created = [str(p) for name, p in world.changes if name.startswith("Create")]
        assert len(created) == len(set(created)), number
        assert moves(world) == moves(calm), number
