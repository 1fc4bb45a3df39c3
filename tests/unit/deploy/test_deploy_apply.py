"""`apply` from first look to outcome, on an AWS that only exists in memory."""

import copy
import itertools
import json
from typing import Any

import pytest
from botocore.exceptions import ClientError
from fake_aws import FakeAws, Killed, package_arn, refusal
from worlds import apply, policy, roll_back, serving

from deploy.errors import DeployError
from deploy.execute import POLL


def final(world: FakeAws) -> dict[str, Any]:
    """Everything that a rollout may leave behind, without times."""
    endpoint = {k: v for k, v in (world.endpoint or {}).items() if k not in {"traffic", "until"}}
    configs = {name: {k: v for k, v in c.items() if k != "CreationTime"} for name, c in world.configs.items()}
    alarms = {name: {k: v for k, v in a.items() if k != "StateReason"} for name, a in world.alarms.items()}
    packages = copy.deepcopy(world.packages)
    for package in packages.values():
        package.pop("ApprovalDescription", None)
        package.get("CustomerMetadataProperties", {}).pop("staging-reason", None)
    return {"endpoint": endpoint, "configs": configs, "models": world.models, "alarms": alarms, "packages": packages}


def test_the_first_version_is_created_without_guardrails_and_recorded_as_live() -> None:
    world = FakeAws()
    arn = world.add_package(1)
    decision = apply(world, arn)
    assert decision.outcome == "created"
    assert [name for name, _ in world.changes] == [
        "CreateModel",
        "CreateEndpointConfig",
        "CreateEndpoint",
        "UpdateModelPackage",
    ]
    assert world.packages[arn]["ModelLifeCycle"]["Stage"] == "Staging"
    assert world.packages[arn]["ModelLifeCycle"]["StageStatus"] == "Live"


def test_a_good_version_is_promoted_and_its_predecessor_archived() -> None:
    world, (old, new) = serving(versions=2)
    assert world.packages[new]["ModelLifeCycle"]["StageStatus"] == "Live"
    assert world.packages[old]["ModelLifeCycle"]["StageStatus"] == "Archived"
    assert world.packages[new]["CustomerMetadataProperties"]["staging-outcome"] == "promoted"


def test_an_earlier_version_comes_back_as_a_guarded_rollout_of_its_own() -> None:
    world, (first, _) = serving(versions=2)
    assert apply(world, first).outcome == "promoted"
    names = [name for name, _ in world.changes]
    assert (names.count("PutMetricAlarm"), names.count("UpdateEndpoint"), names.count("CreateEndpoint")) == (3, 1, 0)


def test_rolling_back_from_a_version_that_came_back_leads_to_the_one_before_it() -> None:
    world, (_, second, third) = serving(versions=3)
    assert apply(world, second).outcome == "promoted"
    assert roll_back(world).outcome == "rolled_back"
    assert world.packages[third]["ModelLifeCycle"]["StageStatus"] == "Live"


def test_an_alarm_that_fired_after_an_earlier_promotion_says_nothing_about_the_version_coming_back() -> None:
    world, (_, second) = serving(versions=2)
    old_story = json.dumps({"newState": {"stateValue": "ALARM", "stateReason": "an old story"}})
    world.history = {alarm: [{"HistoryData": old_story}] for alarm in world.alarms}
    apply(world, world.add_package(3))
    assert apply(world, second).outcome == "promoted"
    assert world.packages[second]["ModelApprovalStatus"] == "Approved"


def test_a_version_that_refuses_every_request_has_no_evidence_for_it() -> None:
    world, _ = serving()
    world.refused_per_minute = world.requests_per_minute
    assert apply(world, world.add_package(2)).outcome == "inconclusive"


def test_the_alarms_exist_before_the_update_that_names_them() -> None:
    world, _ = serving()
    apply(world, world.add_package(2))
    names = [name for name, _ in world.changes]
    assert names.count("PutMetricAlarm") == 3
    assert names.index("UpdateEndpoint") > max(i for i, name in enumerate(names) if name == "PutMetricAlarm")


def test_recording_never_sends_an_approval_that_does_not_change() -> None:
    world, _ = serving(versions=1)
    apply(world, world.add_package(2))
    assert all("ModelApprovalStatus" not in p for name, p in world.changes if name == "UpdateModelPackage")


def test_a_version_whose_alarm_fires_is_rolled_back_and_rejected_with_the_numbers() -> None:
    world, (old,) = serving()
    new = world.add_package(2)
    world.bad = {"error-rate": 4}
    decision = apply(world, new)
    assert decision.outcome == "rolled_back"
    assert "error-rate fired: Threshold Crossed: 2 out of the last 3 datapoints [0.42" in decision.reasons[0]
    assert world.packages[new]["ModelApprovalStatus"] == "Rejected"
    assert "0.42" in world.packages[new]["ApprovalDescription"]
    assert world.packages[new]["CustomerMetadataProperties"]["staging-attempts"] == "1"
    assert world.packages[old]["ModelLifeCycle"]["StageStatus"] == "Live"


def test_a_fleet_that_never_comes_up_is_rolled_back_with_sagemakers_reason() -> None:
    world, _ = serving()
    new = world.add_package(2)
    world.breaks = "The container did not pass the ping health check."
    decision = apply(world, new)
    assert decision.outcome == "rolled_back"
    assert "SageMaker says: The container did not pass the ping health check." in decision.reasons
    assert world.packages[new]["ModelApprovalStatus"] == "Rejected"


def test_a_rollback_is_told_from_success_even_when_sagemaker_forgets_the_deployment() -> None:
    world, _ = serving()
    world.remembers_deployment = False
    world.breaks = "no capacity"
    assert apply(world, world.add_package(2)).outcome == "rolled_back"
    assert world.count("UpdateEndpoint") == 1


def test_too_little_traffic_is_inconclusive_and_leaves_the_registry_alone() -> None:
    world, (old,) = serving()
    new = world.add_package(2)
    world.requests_per_minute = 0
    decision = apply(world, new)
    assert decision.outcome == "inconclusive"
    assert "0 requests, fewer than 50 (guardrails.minimum_requests)" in decision.reasons[0]
    assert "ModelLifeCycle" not in world.packages[new]
    assert world.packages[old]["ModelLifeCycle"]["StageStatus"] == "Live"


def test_an_inconclusive_version_is_promoted_once_it_has_had_traffic() -> None:
    world, _ = serving()
    new = world.add_package(2)
    world.requests_per_minute = 0
    apply(world, new)
    world.requests_per_minute = 10
    assert apply(world, new).outcome == "promoted"
    assert world.count("UpdateEndpoint") == 1


def test_apply_again_after_success_changes_nothing() -> None:
    world, arns = serving(versions=2)
    assert apply(world, arns[-1]).outcome == "promoted"
    assert world.changes == []


def test_apply_again_after_a_rollback_says_so_and_changes_nothing() -> None:
    world, _ = serving()
    new = world.add_package(2)
    world.bad = {"error-rate": 4}
    apply(world, new)
    world.calls.clear()
    decision = apply(world, new)
    assert decision.outcome == "rolled_back"
    assert "Rolled back from staging" in decision.reasons[0]
    assert world.changes == []


def test_a_rolled_back_version_that_is_approved_again_gets_a_fresh_attempt() -> None:
    world, _ = serving()
    new = world.add_package(2)
    world.bad = {"error-rate": 4}
    apply(world, new)
    world.packages[new]["ModelApprovalStatus"] = "Approved"
    world.bad = {}
    assert apply(world, new).outcome == "promoted"
    assert [name.rsplit("-", 2)[1] for name in world.configs if "-v2-" in name] == ["1", "2"]


@pytest.mark.parametrize("before_effect", [True, False])
@pytest.mark.parametrize("story", ["creation", "promotion", "rollback"])
def test_a_run_killed_at_any_change_is_continued_by_the_next_with_nothing_doubled(
    story: str, before_effect: bool
) -> None:
    def fresh() -> tuple[FakeAws, str]:
        world = FakeAws() if story == "creation" else serving()[0]
        world.bad = {"latency-p99": 6} if story == "rollback" else {}
        return world, world.add_package(2)

    undisturbed, arn = fresh()
    expected = apply(undisturbed, arn)
    for kill_at in itertools.count(1):
        world, arn = fresh()
        world.kill_at, world.kill_before_effect = kill_at, before_effect
        try:
            apply(world, arn)
        except Killed:
            decision = apply(world, arn)
            assert decision.outcome == expected.outcome
            assert final(world) == final(undisturbed)
            assert world.count("UpdateEndpoint") == undisturbed.count("UpdateEndpoint")
            assert world.count("UpdateModelPackage") == undisturbed.count("UpdateModelPackage")
        else:
            break
    assert kill_at == len(undisturbed.changes) + 1


def test_a_run_started_during_the_bake_reports_the_rollback_that_another_run_began() -> None:
    world, _ = serving()
    new = world.add_package(2)
    world.kill_at = 6  # UpdateEndpoint: model, three alarms and the config come before it
    with pytest.raises(Killed):
        apply(world, new)
    assert world.changes[-1][0] == "UpdateEndpoint"
    world.bad = {"error-rate": 3}
    world.clock.wait(3600)
    decision = apply(world, new)
    assert decision.outcome == "rolled_back"
    assert "0.42" in decision.reasons[0]


def test_while_sagemaker_works_a_minute_costs_six_calls() -> None:
    world, _ = serving()
    world.clock.waits.clear()
    apply(world, world.add_package(2))
    minutes = sum(world.clock.waits) / 60
    names = [name for name, _ in world.calls]
    waiting = [
        name for name in names[names.index("UpdateEndpoint") :] if name in {"DescribeEndpoint", "DescribeAlarms"}
    ]
    assert POLL * 3 == 60
    assert len(waiting) <= 6 * minutes + 3
    others = len(names) - names.index("UpdateEndpoint") - len(waiting)
    assert others < 25, "everything else is read once when the waiting begins and once when it ends"


def test_an_update_of_somebody_else_is_not_disturbed() -> None:
    world, _ = serving(versions=2)
    other = next(iter(world.configs))
    world.update_endpoint("flight-delay-staging", other)
    decision = apply(world, world.add_package(3))
    assert decision.outcome == "held"
    assert f"Updating to {other}" in decision.reasons[0]
    assert world.changes == []


@pytest.mark.parametrize(
    ("status", "outcome", "words"),
    [
        ("Failed", "failed", "delete-endpoint"),
        ("OutOfService", "failed", "OutOfService"),
        ("UpdateRollbackFailed", "failed", "UpdateRollbackFailed"),
        ("Deleting", "held", "Deleting"),
        ("SystemUpdating", "held", "SystemUpdating"),
    ],
)
def test_an_endpoint_that_takes_no_update_is_said_and_left_alone(status: str, outcome: str, words: str) -> None:
    world, _ = serving()
    assert world.endpoint
    world.endpoint["EndpointStatus"] = status
    decision = apply(world, world.add_package(2))
    assert decision.outcome == outcome
    assert words in decision.reasons[0]
    assert world.changes == []


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"ModelApprovalStatus": "PendingManualApproval"}, "PendingManualApproval, not Approved"),
        ({"ModelApprovalStatus": "Rejected", "ApprovalDescription": "worse"}, "Rejected (worse), not Approved"),
        ({"ModelPackageStatus": "Failed"}, "must be Completed"),
        ({"InferenceSpecification": {"Containers": [{"ModelDataUrl": "s3://models/gone"}]}}, "s3://models/gone"),
    ],
)
def test_a_package_that_cannot_be_deployed_is_refused_before_any_change(values: dict[str, Any], words: str) -> None:
    world, _ = serving()
    decision = apply(world, world.add_package(2, **values))
    assert decision.outcome == "failed"
    assert words in " ".join(decision.reasons)
    assert world.changes == []


def test_every_finding_is_told_at_once() -> None:
    world, _ = serving()
    new = world.add_package(2, ModelApprovalStatus="PendingManualApproval")
    world.objects.clear()
    assert len(apply(world, new).reasons) == 2


def test_an_unknown_package_is_a_sentence() -> None:
    world = FakeAws()
    with pytest.raises(DeployError, match="There is no model package"):
        apply(world, world.add_package(1).replace("/1", "/9"))


def test_production_takes_only_what_staging_has_promoted() -> None:
    world = FakeAws()
    decision = apply(world, world.add_package(1), stage="production")
    assert decision.outcome == "failed"
    assert "has not been promoted in staging" in decision.reasons[0]


def test_a_version_live_in_production_is_not_taken_back_by_its_staging_rollout() -> None:
    world, _ = serving()
    new = world.add_package(2, ModelLifeCycle={"Stage": "Production", "StageStatus": "Live"})
    assert apply(world, new).outcome == "promoted"
    assert world.packages[new]["ModelLifeCycle"] == {"Stage": "Production", "StageStatus": "Live"}


def test_a_version_whose_approval_was_withdrawn_is_not_called_promoted() -> None:
    world, (arn,) = serving()
    world.packages[arn]["ModelApprovalStatus"] = "Rejected"
    assert apply(world, arn).outcome == "held"


def test_an_endpoint_that_was_scaled_keeps_its_size() -> None:
    world, _ = serving()
    assert world.endpoint
    world.endpoint["instances"] = 6
    apply(world, world.add_package(2))
    update = next(p for name, p in world.changes if name == "UpdateEndpoint")
    traffic = update["DeploymentConfig"]["BlueGreenUpdatePolicy"]["TrafficRoutingConfiguration"]
    assert update["RetainAllVariantProperties"] is True
    assert traffic["CanarySize"] == {"Type": "INSTANCE_COUNT", "Value": 3}
    assert world.endpoint["instances"] == 6


def test_an_endpoint_scaled_below_the_canarys_share_is_refused() -> None:
    world, _ = serving()
    assert world.endpoint
    world.endpoint["instances"] = 1
    decision = apply(world, world.add_package(2))
    assert decision.outcome == "failed"
    assert "is 1 now" in decision.reasons[0]


def test_another_variant_name_is_refused_because_guardrails_need_the_same() -> None:
    world, _ = serving()
    decision = apply(world, world.add_package(2), "endpoint.variant=Blue")
    assert "Write endpoint.variant: AllTraffic" in decision.reasons[0]
    assert world.changes == []


def test_the_same_version_under_a_new_policy_stays_approved_when_it_is_rolled_back() -> None:
    world, (arn,) = serving()
    world.bad = {"error-rate": 4}
    decision = apply(world, arn, "rollout.final_bake_minutes=8")
    assert decision.outcome == "rolled_back"
    assert world.packages[arn]["ModelApprovalStatus"] == "Approved"


def test_a_refusal_that_looking_again_explains_is_no_error() -> None:
    """The answer to UpdateEndpoint was lost and the client sent it twice: the second one is refused."""
    world, _ = serving()
    new = world.add_package(2)
    accept = world.update_endpoint

    def update_endpoint(**parameters: Any) -> None:
        accept(**parameters)
        raise refusal("UpdateEndpoint", "Cannot update in-progress endpoint")

    world.update_endpoint = update_endpoint  # type: ignore[method-assign]
    assert apply(world, new).outcome == "promoted"


def test_a_refusal_that_stays_is_raised_after_three_times() -> None:
    world, _ = serving()
    world.errors["create_model"] = [refusal("CreateModel", "no such role")] * 9
    with pytest.raises(ClientError, match="no such role"):
        apply(world, world.add_package(2))
    assert len(world.errors["create_model"]) == 6


def test_a_denied_call_is_raised_at_once() -> None:
    world, _ = serving()
    world.errors["update_endpoint"] = [refusal("UpdateEndpoint", "not allowed", "AccessDeniedException")] * 2
    with pytest.raises(ClientError, match="not allowed"):
        apply(world, world.add_package(2))
    assert len(world.errors["update_endpoint"]) == 1


def test_an_endpoint_that_still_looks_untouched_after_the_update_is_waited_for() -> None:
    """DescribeEndpoint may lag behind an accepted update; concluding a rollback from that would reject a good model."""
    world, _ = serving()
    new = world.add_package(2)
    world.remembers_deployment = False
    describe, late = world.describe_endpoint, []

    def describe_endpoint(EndpointName: str) -> dict[str, Any]:
        if world.count("UpdateEndpoint") and len(late) < 2:
            late.append(1)
            return {**describe(EndpointName), "EndpointStatus": "InService", "PendingDeploymentSummary": {}}
        return describe(EndpointName)

    world.describe_endpoint = describe_endpoint  # type: ignore[method-assign]
    assert apply(world, new).outcome == "promoted"
    assert world.count("UpdateEndpoint") == 1


def test_an_alarms_history_tells_a_rollback_that_nobody_watched() -> None:
    world, _ = serving()
    new = world.add_package(2)
    world.remembers_deployment = False
    world.bad = {"error-rate": 3}
    world.kill_at = 6
    with pytest.raises(Killed):
        apply(world, new)
    world.clock.wait(3600)
    assert apply(world, new).outcome == "rolled_back"
    assert world.count("UpdateEndpoint") == 1


def test_a_record_that_is_refused_is_made_again_before_the_outcome_is_told() -> None:
    world, _ = serving()
    new = world.add_package(2)
    world.errors["update_model_package"] = [refusal("UpdateModelPackage", "try again", "ConflictException")]
    assert apply(world, new).outcome == "promoted"
    assert world.packages[new]["ModelLifeCycle"]["StageStatus"] == "Live"


def test_an_endpoint_config_of_our_name_that_serves_another_package_is_not_used() -> None:
    world, _ = serving()
    new = world.add_package(2)
    world.kill_at = 6
    world.kill_before_effect = True
    with pytest.raises(Killed):
        apply(world, new)
    name = next(name for name in world.models if "-v2-" in name)
    world.models[name]["Containers"][0]["ModelPackageName"] = package_arn(7)
    decision = apply(world, new)
    assert decision.outcome == "failed"
    assert "it is not ours" in decision.reasons[0]


def test_an_endpoint_in_a_test_of_several_variants_is_left_to_it() -> None:
    world, _ = serving()
    (config,) = world.configs.values()
    config["ShadowProductionVariants"] = [{"VariantName": "Shadow", "ModelName": "shadow"}]
    decision = apply(world, world.add_package(2))
    assert decision.outcome == "failed"
    assert "several variants (AllTraffic, Shadow)" in decision.reasons[0]


def test_two_policies_never_share_a_name() -> None:
    assert policy().digest != policy("rollout.timeout_minutes=70").digest
