"""`rollback`: back by hand, also when the run that does it dies."""

import itertools

import pytest
from fake_aws import FakeAws, Killed
from test_deploy_apply import final
from worlds import apply, roll_back, serving

from deploy.labels import RESTORED_FROM


def config_of(world: FakeAws, version: int) -> str:
    return next(name for name in world.configs if f"-v{version}-" in name)


def test_the_version_before_serves_again_and_both_are_recorded() -> None:
    world, (old, new) = serving(versions=2)
    assert roll_back(world).outcome == "rolled_back"
    assert world.endpoint
    assert world.endpoint["EndpointConfigName"] == config_of(world, 1)
    assert world.packages[old]["ModelLifeCycle"]["StageStatus"] == "Live"
    assert world.packages[new]["ModelLifeCycle"]["StageStatus"] == "Archived"
    assert world.packages[new]["ModelApprovalStatus"] == "Rejected"
    assert "Rolled back by hand" in world.packages[new]["ApprovalDescription"]


def test_a_second_rollback_goes_one_version_further() -> None:
    world, _ = serving(versions=3)
    roll_back(world)
    roll_back(world)
    assert world.endpoint
    assert world.endpoint["EndpointConfigName"] == config_of(world, 1)


def test_the_first_version_has_nothing_before_it() -> None:
    world, _ = serving()
    decision = roll_back(world)
    assert decision.outcome == "failed"
    assert "first version" in decision.reasons[0]
    assert world.changes == []


def test_without_an_endpoint_there_is_nothing_to_roll_back() -> None:
    assert roll_back(FakeAws()).outcome == "failed"


def test_a_config_that_was_deleted_cannot_be_returned_to() -> None:
    world, _ = serving(versions=2)
    del world.configs[config_of(world, 1)]
    decision = roll_back(world)
    assert decision.outcome == "failed"
    assert "is gone" in decision.reasons[0]


def test_a_rollout_under_way_is_not_disturbed() -> None:
    world, _ = serving(versions=2)
    new = world.add_package(3)
    world.kill_at = 6
    with pytest.raises(Killed):
        apply(world, new)
    world.calls.clear()
    assert roll_back(world).outcome == "failed"
    assert world.changes == []


def test_an_update_that_sagemaker_does_not_finish_is_said_and_not_repeated() -> None:
    world, _ = serving(versions=2)
    world.breaks = "no capacity"
    decision = roll_back(world)
    assert decision.outcome == "failed"
    assert "no capacity" in decision.reasons[0]
    assert world.count("UpdateEndpoint") == 1


@pytest.mark.parametrize("before_effect", [True, False])
def test_a_rollback_killed_at_any_change_is_finished_by_the_next_and_goes_no_further(before_effect: bool) -> None:
    undisturbed, _ = serving(versions=3)
    roll_back(undisturbed)
    for kill_at in itertools.count(1):
        world, _ = serving(versions=3)
        world.kill_at, world.kill_before_effect = kill_at, before_effect
        try:
            roll_back(world)
        except Killed:
            if kill_at == len(undisturbed.changes) and not before_effect:
                break  # the last change was made: this rollback is over, and another would be another
            assert roll_back(world).outcome == "rolled_back"
            assert final(world) == final(undisturbed)
            assert world.tags == undisturbed.tags
            assert world.count("UpdateEndpoint") == 1
        else:
            break
    assert kill_at >= len(undisturbed.changes)
    assert all(RESTORED_FROM not in tags for tags in undisturbed.tags.values())


def test_a_version_that_was_rolled_back_by_hand_needs_a_new_approval() -> None:
    world, (_, new) = serving(versions=2)
    roll_back(world)
    assert apply(world, new).outcome == "rolled_back"
    world.packages[new]["ModelApprovalStatus"] = "Approved"
    assert apply(world, new).outcome == "promoted"


def test_a_version_that_is_live_in_production_is_not_rejected_by_a_rollback_of_staging() -> None:
    world, (_, new) = serving(versions=2)
    world.packages[new]["ModelLifeCycle"] = {"Stage": "Production", "StageStatus": "Live"}
    roll_back(world)
    assert world.packages[new]["ModelApprovalStatus"] == "Approved"
    assert world.packages[new]["ModelLifeCycle"]["StageStatus"] == "Live"


def test_the_same_version_under_an_earlier_policy_stays_approved() -> None:
    world, (arn,) = serving()
    apply(world, arn, "rollout.final_bake_minutes=8")
    assert roll_back(world).outcome == "rolled_back"
    assert world.packages[arn]["ModelApprovalStatus"] == "Approved"


def test_a_fleet_that_was_scaled_keeps_its_size_on_the_way_back() -> None:
    world, _ = serving(versions=2)
    assert world.endpoint
    world.endpoint["instances"] = 6
    roll_back(world)
    assert world.endpoint["instances"] == 6
