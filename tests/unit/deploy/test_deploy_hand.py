"""By hand: a guarded way back, a pause, an abort, a trial promoted early."""

from datetime import timedelta

import pytest
from fake_aws import FakeAws, Killed
from worlds import apply, policy, quiet, serving

from deploy import hand, rollback, rollout
from deploy.decision import Decision
from deploy.errors import DeployError

WEEK = ("rollout.strategy=ab_test", "rollout.ab_test.minutes=10080")


def go_back(world: FakeAws, *overrides: str) -> Decision:
    return rollback.roll_back(world, world.clock, policy(*overrides), quiet)


def held_trial() -> tuple[FakeAws, str]:
    """A world in which an A/B test of a week was begun and left."""
    world, _ = serving()
    arn = world.add_package(2)
    held = rollout.apply(world, world.clock, policy(*WEEK), arn, quiet, timedelta(hours=1))[1]
    assert held.outcome == "held"
    world.calls.clear()
    return world, arn


def under_way() -> tuple[FakeAws, str]:
    """A world in which a canary bakes, and the run that began it is gone."""
    world, _ = serving()
    arn = world.add_package(2)
    world.kill_at = 6
    with pytest.raises(Killed):
        apply(world, arn)
    world.clock.wait(300)
    world.calls.clear()
    return world, arn


def served(world: FakeAws) -> str:
    assert world.endpoint
    return str(world.configs[world.endpoint["EndpointConfigName"]]["ProductionVariants"][0]["ModelName"])


def test_the_way_back_is_guarded_by_new_alarms_on_a_config_of_its_own() -> None:
    world, _ = serving(versions=2)
    assert go_back(world).outcome == "rolled_back"
    (update,) = [parameters for name, parameters in world.changes if name == "UpdateEndpoint"]
    assert len(update["DeploymentConfig"]["AutoRollbackConfiguration"]["Alarms"]) == 3
    assert "-v1-" in served(world)


def test_the_version_that_is_left_is_rejected_and_the_other_live() -> None:
    world, (old, new) = serving(versions=2)
    go_back(world)
    assert world.packages[new]["ModelApprovalStatus"] == "Rejected"
    assert world.packages[old]["ModelLifeCycle"]["StageStatus"] == "Live"


def test_a_second_way_back_goes_one_version_further() -> None:
    world, _ = serving(versions=3)
    go_back(world)
    assert "-v2-" in served(world)
    assert go_back(world).outcome == "rolled_back"
    assert "-v1-" in served(world)


def test_a_version_that_is_not_approved_is_no_way_back_and_nothing_changes() -> None:
    world, (old, _) = serving(versions=2)
    world.packages[old]["ModelApprovalStatus"] = "Rejected"
    decision = go_back(world)
    assert decision.outcome == "failed"
    assert "version 1 of flight-delay, which served before, is Rejected" in decision.reasons[0]
    assert world.changes == []


@pytest.mark.parametrize("before_effect", [False, True])
def test_a_way_back_killed_at_any_call_ends_one_version_back(before_effect: bool) -> None:
    calm, _ = serving(versions=3)
    go_back(calm)
    for number in range(1, len(calm.changes) + 1):
        world, _ = serving(versions=3)
        world.kill_at, world.kill_before_effect = number, before_effect
        with pytest.raises(Killed):
            go_back(world)
        world.clock.wait(30)
        if number < len(calm.changes) or before_effect:
            assert go_back(world).outcome == "rolled_back", number
        assert "-v2-" in served(world), number


def test_a_trial_is_aborted_taken_down_and_its_package_rejected() -> None:
    world, arn = held_trial()
    decision = hand.abort(world, world.clock, policy(*WEEK), "wrong model", quiet)[1]
    assert decision.outcome == "rolled_back"
    assert "aborted by hand: wrong model" in decision.reasons[0]
    assert world.packages[arn]["ModelApprovalStatus"] == "Rejected"
    assert "-v1-" in served(world)


def test_a_trial_is_promoted_early_and_the_shift_follows() -> None:
    world, _ = held_trial()
    assert hand.promote(world, world.clock, policy(*WEEK), "clear enough", quiet)[1].outcome == "promoted"
    assert "-v2-" in served(world)


def test_an_update_is_aborted_through_its_own_alarm() -> None:
    world, arn = under_way()
    decision = hand.abort(world, world.clock, policy(), "complaints", quiet)[1]
    assert decision.outcome == "rolled_back"
    assert "Aborted by hand: complaints" in " ".join(decision.reasons)
    assert world.packages[arn]["ModelApprovalStatus"] == "Rejected"


def test_an_update_cannot_be_finished_early() -> None:
    world, _ = under_way()
    with pytest.raises(DeployError, match="no call that finishes an update early"):
        hand.promote(world, world.clock, policy(), "now", quiet)


@pytest.mark.parametrize("act", [hand.abort, hand.promote])
def test_without_anything_under_way_there_is_nothing_to_end(act) -> None:
    world, _ = serving(versions=2)
    with pytest.raises(DeployError, match="Nothing of deploy's is under way"):
        act(world, world.clock, policy(), "x", quiet)
    assert world.changes == []


def test_a_pause_holds_what_is_new_until_it_is_resumed() -> None:
    world, _ = serving()
    arn = world.add_package(2)
    hand.pause(world, policy(), "audit")
    assert apply(world, arn).outcome == "held"
    hand.resume(world, policy())
    assert apply(world, arn).outcome == "promoted"


def test_a_pause_says_that_an_update_under_way_goes_on() -> None:
    world, _ = under_way()
    assert "goes on: SageMaker pauses none" in hand.pause(world, policy(), "audit")
