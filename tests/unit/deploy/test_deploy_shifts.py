"""Every guarded shift, whatever the fleet: whole instances, SageMaker's limits, and time for the alarms to fire."""

import pytest
from fake_aws import check, operations
from hypothesis import given
from hypothesis import strategies as st
from worlds import policy

from deploy.errors import PolicyError
from deploy.guardrails import guardrails
from deploy.plan import deployment_config
from deploy.policy import Policy
from deploy.strategies import SHIFTS, Step
from deploy.strategies.canary import Canary

SHARES = {"CanarySize": (0.0, 0.5), "LinearStepSize": (0.1, 0.5), "MaximumBatchSize": (0.05, 0.5)}


def steps(accepted: Policy, instances: int) -> tuple[Step, ...]:
    return accepted.rollout.shift.steps(instances, accepted.rollout.final_bake)


@st.composite
def accepted_policies(draw: st.DrawFn) -> Policy | None:
    name = draw(st.sampled_from(sorted(SHIFTS)))
    overrides = [
        f"rollout.strategy={name}",
        f"endpoint.instance_count={draw(st.integers(1, 200))}",
        f"rollout.final_bake_minutes={draw(st.floats(0, 60))}",
        f"rollout.timeout_minutes={draw(st.floats(10, 480))}",
    ]
    if name != "all_at_once":
        overrides += [f"rollout.{name}.percent={draw(st.floats(1, 50))}"]
        overrides += [f"rollout.{name}.bake_minutes={draw(st.floats(0.1, 60))}"]
    try:
        return policy(*overrides)
    except PolicyError:
        return None


@given(accepted_policies())
def test_a_policy_that_passes_is_within_awss_limits(accepted: Policy | None) -> None:
    if accepted is None:
        return
    count = accepted.endpoint.instance_count
    config = deployment_config(accepted, count, ["alarm"])
    check(config, operations("sagemaker")["update_endpoint"].input_shape.members["DeploymentConfig"])
    update = config.get("BlueGreenUpdatePolicy") or config["RollingUpdatePolicy"]
    for name, size in {**update, **update.get("TrafficRoutingConfiguration", {})}.items():
        if name in SHARES:
            low, high = SHARES[name]
            assert low <= size["Value"] / count <= high
    assert sum(step.seconds for step in steps(accepted, count)) < update["MaximumExecutionTimeoutInSeconds"]


@given(accepted_policies())
def test_the_share_only_grows_and_ends_at_everything(accepted: Policy | None) -> None:
    if accepted is None:
        return
    shares = [step.share for step in steps(accepted, accepted.endpoint.instance_count)]
    assert shares == sorted(set(shares))
    assert shares[0] > 0
    assert shares[-1] == 1


@given(accepted_policies())
def test_every_alarm_can_fire_while_there_is_an_old_fleet_to_return_to(accepted: Policy | None) -> None:
    if accepted is None:
        return
    taken = steps(accepted, accepted.endpoint.instance_count)
    watched = sum(step.seconds for step in taken[:-1] or taken)
    assert all(rail.earliest <= watched for rail in guardrails(accepted))


@pytest.mark.parametrize(
    ("strategy", "count", "shares", "seconds"),
    [
        ("all_at_once", 2, [1.0], [300]),
        ("canary", 4, [0.5, 1.0], [600, 300]),
        ("linear", 4, [0.5, 1.0], [300, 300]),
        ("linear", 3, [1 / 3, 2 / 3, 1.0], [300, 300, 300]),
        ("rolling", 4, [0.5, 1.0], [300, 300]),
        ("rolling", 5, [0.4, 0.8, 1.0], [300, 300, 300]),
    ],
)
def test_the_real_shares_and_bakes_of_a_fleet(
    strategy: str, count: int, shares: list[float], seconds: list[int]
) -> None:
    taken = steps(policy(f"rollout.strategy={strategy}", f"endpoint.instance_count={count}"), count)
    assert [step.share for step in taken] == shares
    assert [step.seconds for step in taken] == seconds


def test_a_whole_number_of_instances_is_not_lost_to_floating_point() -> None:
    assert Canary(percent=18.4, bake_minutes=10.0).steps(375, 0)[0].instances == 69


def test_all_at_once_without_a_final_bake_is_refused_as_unwatched() -> None:
    with pytest.raises(PolicyError, match=r"rollout\.final_bake_minutes 0 minutes are watched"):
        policy("rollout.strategy=all_at_once", "rollout.final_bake_minutes=0")


def test_a_stage_may_allow_all_at_once_without_guardrails_in_words() -> None:
    none = [f"guardrails.{rail}=null" for rail in ("error_rate", "latency_p99", "prediction_distance")]
    allowed = policy("rollout.strategy=all_at_once", "rollout.allow_unguarded=true", *none)
    assert "AutoRollbackConfiguration" not in deployment_config(allowed, 2, [])


def test_allowing_it_for_all_at_once_allows_it_for_no_other_shift() -> None:
    with pytest.raises(PolicyError, match="too late"):
        policy("rollout.strategy=canary", "rollout.allow_unguarded=true", "rollout.canary.bake_minutes=1")


@pytest.mark.parametrize("strategy", ["linear", "rolling", "canary"])
def test_one_instance_cannot_be_shifted_in_parts(strategy: str) -> None:
    with pytest.raises(PolicyError, match="1 instance cannot be divided"):
        policy(f"rollout.strategy={strategy}", "endpoint.instance_count=1")
