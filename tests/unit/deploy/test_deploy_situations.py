"""Approvals as they happen: two in a row, withdrawn, given again, the same event twice; and hands on the endpoint."""

import pytest
from fake_aws import FakeAws, Killed
from worlds import apply, policy, serving

from deploy import preflight, rollout
from deploy.plan import make_plan
from deploy.views import page


def begun(world: FakeAws, arn: str) -> None:
    """A rollout that SageMaker carries out, its run gone."""
    world.kill_at = len(world.changes) + 6
    with pytest.raises(Killed):
        apply(world, arn)


def test_of_two_approvals_in_a_row_the_second_waits_for_the_first() -> None:
    world, _ = serving()
    first, second = world.add_package(2), world.add_package(3)
    begun(world, first)
    held = apply(world, second)
    assert held.outcome == "held"
    assert "which is not this rollout" in held.reasons[0]
    assert apply(world, first).outcome == "promoted"
    assert apply(world, second).outcome == "promoted"


def test_an_approval_withdrawn_during_a_rollout_is_not_promoted() -> None:
    world, _ = serving()
    arn = world.add_package(2)
    begun(world, arn)
    world.packages[arn]["ModelApprovalStatus"] = "Rejected"
    decision = apply(world, arn)
    assert decision.outcome == "held"
    assert "serves version 2, which is Rejected in the registry" in decision.reasons[0]
    assert "rollback" in decision.reasons[1]


def test_an_old_version_approved_again_is_a_rollout_of_its_own() -> None:
    world, (old, new) = serving(versions=2)
    assert apply(world, old).outcome == "promoted"
    (config,) = [p["EndpointConfigName"] for name, p in world.changes if name == "CreateEndpointConfig"]
    assert world.endpoint
    assert world.endpoint["EndpointConfigName"] == config
    assert world.packages[new]["ModelLifeCycle"]["StageStatus"] == "Archived"


def test_the_same_event_twice_changes_nothing_the_second_time() -> None:
    world, _ = serving()
    arn = world.add_package(2)
    apply(world, arn)
    world.calls.clear()
    assert apply(world, arn).outcome == "promoted"
    assert world.changes == []


def test_the_same_event_twice_at_once_has_the_second_watch_the_first() -> None:
    world, _ = serving()
    arn = world.add_package(2)
    begun(world, arn)
    assert apply(world, arn).outcome == "promoted"
    assert world.count("UpdateEndpoint") == 1


def test_a_version_that_was_rolled_back_and_approved_again_is_tried_again() -> None:
    world, _ = serving()
    arn = world.add_package(2)
    world.bad = {"error-rate": 4}
    assert apply(world, arn).outcome == "rolled_back"
    world.bad = {}
    world.packages[arn]["ModelApprovalStatus"] = "Approved"
    assert apply(world, arn).outcome == "promoted"


def test_production_reads_the_approval_again() -> None:
    world, (arn,) = serving()
    world.packages[arn]["ModelApprovalStatus"] = "Rejected"
    world.endpoint = None
    decision = apply(world, arn, stage="production")
    assert decision.outcome == "failed"
    assert "not Approved" in decision.reasons[0]


def plan_page(world: FakeAws, arn: str) -> str:
    chosen = policy()
    seen = rollout.look(world, world.clock, chosen, arn)
    plan = make_plan(chosen, seen)
    return page.plan_page(chosen, plan, seen, preflight.findings(chosen, plan, seen))


def test_a_config_that_somebody_else_made_is_said() -> None:
    world, _ = serving()
    assert world.endpoint
    made = world.endpoint["EndpointConfigName"]
    world.tags[world.configs[made]["EndpointConfigArn"]].clear()
    assert "which deploy did not make: it is what a rollback returns to" in plan_page(world, world.add_package(2))


def test_a_fleet_that_was_scaled_by_hand_is_said_and_kept() -> None:
    world, _ = serving()
    assert world.endpoint
    world.endpoint["instances"] = 6
    assert "was scaled by hand from 2 to 6 instances: that is kept" in plan_page(world, world.add_package(2))
