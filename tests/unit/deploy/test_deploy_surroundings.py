"""What surrounds a rollout: scaling, capture, a smoke request, quota, a pause, notices, a dashboard, tidying up."""

import json

import pytest
from fake_aws import FakeAws, refusal
from worlds import apply, policy, serving

from deploy.errors import PolicyError

SCALING = "endpoint.autoscaling={minimum: 2, maximum: 8, requests_per_instance: 1000}"
TARGET = "endpoint/flight-delay-staging/variant/AllTraffic"
TOPIC = "notify={topic_arn: 'arn:aws:sns:eu-west-1:111122223333:releases', event_bus: default}"
SMOKE = "endpoint.smoke={body: '1,2', expect: '^0[.]'}"


def new_version() -> tuple[FakeAws, str]:
    world, _ = serving()
    return world, world.add_package(2)


def test_a_promoted_fleet_scales_as_the_stage_says() -> None:
    world, arn = new_version()
    assert apply(world, arn, SCALING).outcome == "promoted"
    target = world.targets[TARGET]
    assert (target["MinCapacity"], target["MaxCapacity"]) == (2, 8)
    assert target["policy"]["TargetTrackingScalingPolicyConfiguration"]["TargetValue"] == 1000


def test_scaling_is_taken_off_before_an_update_that_changes_the_instance_type() -> None:
    world, arn = new_version()
    world.targets[TARGET] = {}
    assert apply(world, arn, "endpoint.instance_type=ml.c5.large").outcome == "promoted"
    names = [name for name, _ in world.changes]
    assert names.index("DeregisterScalableTarget") < names.index("UpdateEndpoint")


def test_scaling_stays_on_while_only_the_model_changes() -> None:
    world, arn = new_version()
    world.targets[TARGET] = {}
    apply(world, arn)
    assert world.count("DeregisterScalableTarget") == 0


def test_a_maximum_below_the_minimum_is_refused() -> None:
    with pytest.raises(PolicyError, match=r"endpoint\.autoscaling"):
        policy("endpoint.autoscaling={minimum: 4, maximum: 2, requests_per_instance: 10}")


def test_requests_are_captured_in_every_config_of_the_rollout() -> None:
    world, arn = new_version()
    capture = "endpoint.data_capture={percent: 10, destination: 's3://bucket/captured'}"
    apply(world, arn, "rollout.strategy=shadow, canary", capture)
    made = [p for name, p in world.changes if name == "CreateEndpointConfig"]
    assert [p["DataCaptureConfig"]["InitialSamplingPercentage"] for p in made] == [10, 10]


def test_a_version_that_answers_the_smoke_request_is_promoted() -> None:
    world, arn = new_version()
    assert apply(world, arn, SMOKE).outcome == "promoted"


def test_a_version_that_answers_it_wrongly_is_not() -> None:
    world, arn = new_version()
    world.answer = "NaN"
    decision = apply(world, arn, SMOKE)
    assert decision.outcome == "inconclusive"
    assert "answered 'NaN', which endpoint.smoke.expect '^0[.]' does not match" in decision.reasons[0]


def test_a_version_that_refuses_it_is_not() -> None:
    world, arn = new_version()
    world.errors = {"invoke_endpoint": [refusal("InvokeEndpoint", "Received server error (500)", "ModelError")]}
    assert "ModelError: Received server error" in apply(world, arn, SMOKE).reasons[0]


def test_nothing_new_begins_on_an_endpoint_that_is_paused() -> None:
    world, arn = new_version()
    world.tags["arn:aws:sagemaker:eu-west-1:111122223333:endpoint/flight-delay-staging"] = {
        "guarded-rollout:paused": "audit until Monday"
    }
    decision = apply(world, arn)
    assert decision.outcome == "held"
    assert "paused: audit until Monday" in decision.reasons[0]
    assert world.changes == []


def test_more_instances_than_the_quota_are_refused_before_anything_changes() -> None:
    world, arn = new_version()
    world.quota = 3
    decision = apply(world, arn)
    assert decision.outcome == "failed"
    assert "4 instances of ml.m5.large at once, more than the quota" in decision.reasons[0]
    assert world.changes == []


def test_a_quota_that_may_not_be_read_refuses_nothing() -> None:
    world, arn = new_version()
    world.errors = {"list_service_quotas": [refusal("ListServiceQuotas", "no", "AccessDenied") for _ in range(9)]}
    assert apply(world, arn).outcome == "promoted"


def test_a_rollout_without_a_way_back_is_refused() -> None:
    world, arn = new_version()
    world.models.clear()
    decision = apply(world, arn)
    assert decision.outcome == "failed"
    assert "could not roll back to it" in decision.reasons[0]


def test_a_failed_endpoint_is_made_anew_only_where_the_stage_allows_it() -> None:
    world, arn = new_version()
    assert world.endpoint
    world.endpoint["EndpointStatus"] = "Failed"
    assert apply(world, arn).outcome == "failed"
    assert apply(world, arn, "endpoint.recreate_failed=true").outcome == "created"


def test_an_outcome_is_told_once_in_words_and_as_an_event() -> None:
    world, arn = new_version()
    apply(world, arn, TOPIC)
    apply(world, arn, TOPIC)
    words, event = world.told
    assert words["Subject"] == "staging: version 2 of flight-delay promoted"
    assert json.loads(event["Detail"])["outcome"] == "promoted"


def test_a_dashboard_shows_both_fleets_and_the_limits() -> None:
    world, arn = new_version()
    apply(world, arn, "dashboard=true")
    body = json.loads(world.dashboards["flight-delay-staging"])
    errors = body["widgets"][1]["properties"]
    assert errors["annotations"]["horizontal"][0]["value"] == 0.05
    assert len(errors["metrics"]) == 2


def test_a_dashboard_draws_no_limit_that_the_stage_does_not_have() -> None:
    world, arn = new_version()
    apply(world, arn, "dashboard=true", "guardrails.latency_p99=null")
    latency = json.loads(world.dashboards["flight-delay-staging"])["widgets"][2]["properties"]
    assert "annotations" not in latency


def test_what_surrounds_a_rollout_and_is_refused_is_said_and_changes_no_outcome() -> None:
    world, arn = new_version()
    world.errors = {"put_dashboard": [refusal("PutDashboard", "not allowed", "AccessDenied")]}
    decision = apply(world, arn, "dashboard=true")
    assert decision.outcome == "promoted"
    assert "Not done: PutDashboard failed" in decision.reasons[-1]


def test_old_versions_and_alarms_go_and_the_newest_stay_to_roll_back_to() -> None:
    world, _ = serving(versions=1)
    for version in range(2, 8):
        apply(world, world.add_package(version), "rollout.keep_versions=3")
    assert [name.split("-")[3] for name in world.configs] == ["v5", "v6", "v7"]
    assert {name.split("-")[3] for name in world.alarms} == {"v6", "v7"}
    assert set(world.models) == set(world.configs)


def test_a_trial_that_is_over_is_tidied_up_after_the_shift() -> None:
    world, arn = new_version()
    apply(world, arn, "rollout.strategy=shadow, canary")
    assert not any(name.endswith("-shadow") for name in world.configs)


def test_nothing_is_deleted_that_deploy_did_not_name() -> None:
    world, _ = serving(versions=1)
    kept = {"flight-delay-staging-by-hand", "flight-delay-staging-eu-v1-1-00000000"}
    for name in kept:
        world.configs[name] = {"EndpointConfigName": name, "CreationTime": world.clock.now()}
        world.alarms[f"{name}-error-rate"] = {"AlarmName": f"{name}-error-rate", "StateValue": "OK", "StateReason": ""}
    for version in range(2, 6):
        apply(world, world.add_package(version), "rollout.keep_versions=2")
    assert kept <= set(world.configs)
    assert {f"{name}-error-rate" for name in kept} <= set(world.alarms)


def test_what_a_rollout_makes_says_which_commit_it_comes_from() -> None:
    world, _ = serving()
    apply(world, world.add_package(2, MetadataProperties={"CommitId": "4fbf0c2"}))
    made = [p["Tags"] for name, p in world.changes if name in ("CreateModel", "CreateEndpointConfig")]
    assert len(made) == 2
    assert all({"Key": "guarded-rollout:commit", "Value": "4fbf0c2"} in tags for tags in made)
