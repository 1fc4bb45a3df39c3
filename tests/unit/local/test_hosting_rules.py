"""What SageMaker refuses of a DeploymentConfig; what its documentation leaves open, under both readings."""

import pytest
from deployment_rig import blue_green, canary, guarded, instances, linear, percent, rolling

from local.errors import AwsError
from local.hosting.rules import check, timeout_seconds
from local.unverified import DEFAULTS, Unverified


def refused(message: str):
    """Expect a ValidationException."""
    return pytest.raises(AwsError, match=message)


@pytest.mark.aws("Requests", "A canary is at most 50 % of the variant's instances", "API: TrafficRoutingConfig")
@pytest.mark.parametrize("size", [percent(51), instances(3)])
def test_a_canary_of_more_than_half_is_refused(size):
    with refused("CanarySize.*with 4 instance.*at most 50%") as caught:
        check(canary(size), {"A": 4}, DEFAULTS)
    assert caught.value.code == "ValidationException"


@pytest.mark.aws("Requests", "A linear step is 10 to 50 % of the variant's instances", "API: TrafficRoutingConfig")
@pytest.mark.parametrize("size", [percent(9), percent(51), instances(3)])
def test_a_linear_step_outside_a_tenth_to_a_half_is_refused(size):
    with refused("LinearStepSize.*10% to 50%"):
        check(linear(size), {"A": 4}, DEFAULTS)


@pytest.mark.aws("Requests", "A rolling batch is 5 to 50 % of the variant's instances", "API: RollingUpdatePolicy")
@pytest.mark.parametrize("size", [percent(4), percent(51), instances(3)])
def test_a_rolling_batch_outside_a_twentieth_to_a_half_is_refused(size):
    with refused("MaximumBatchSize.*5% to 50%"):
        check(rolling(size), {"A": 4}, DEFAULTS)


def test_a_rollback_batch_of_more_than_everything_is_refused():
    with refused("RollbackMaximumBatchSize is 101"):
        check(rolling(percent(50), rollback=percent(101)), {"A": 4}, DEFAULTS)


@pytest.mark.aws("Requests", "A DeploymentConfig has one update policy at most", "API: DeploymentConfig")
def test_two_update_policies_are_refused():
    with refused("two update policies"):
        check(canary(percent(25)) | rolling(percent(25)), {"A": 4}, DEFAULTS)


@pytest.mark.aws("Requests", "The timeout is more than what the deployment waits in all", "API: BlueGreenUpdatePolicy")
@pytest.mark.parametrize(
    ("config", "waits"),
    [
        (canary(percent(25), wait=300, final=300, timeout=600), 600),
        (linear(percent(10), wait=3600, timeout=28_800), 32_400),
        (rolling(percent(25), wait=150, timeout=600), 600),
    ],
)
def test_waits_that_do_not_fit_in_the_timeout_are_refused(config, waits):
    with refused(f"more than the {waits} seconds"):
        check(config, {"A": 4}, DEFAULTS)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (blue_green("CANARY"), "CanarySize must be given for traffic routing type CANARY"),
        (blue_green("LINEAR"), "LinearStepSize must be given for traffic routing type LINEAR"),
        (blue_green("ALL_AT_ONCE", CanarySize=percent(10)), "CanarySize must not be given"),
        (guarded(canary(percent(25)), "a", "a"), "names an alarm more than once"),
    ],
)
def test_a_policy_that_contradicts_itself_is_refused(config, message):
    with refused(message):
        check(config, {"A": 4}, DEFAULTS)


@pytest.mark.aws(
    "Requests",
    "Rolling updates are not offered for several production variants",
    "Developer guide: Deployment guardrails, Exclusions",
)
def test_a_rolling_update_of_several_variants_is_refused_under_any_reading():
    with refused("RollingUpdatePolicy is not allowed for an endpoint with 2 production variants"):
        check(rolling(percent(50)), {"A": 4, "B": 4}, Unverified(shifting_many_variants="allow"))


@pytest.mark.parametrize("config", [canary(percent(25)), linear(percent(25))])
def test_a_canary_of_several_variants_is_refused_unless_the_switch_allows_it(config):
    with refused("not allowed for an endpoint with 2 production variants"):
        check(config, {"A": 4, "B": 4}, DEFAULTS)
    check(config, {"A": 4, "B": 4}, Unverified(shifting_many_variants="allow"))


def test_several_variants_may_be_replaced_all_at_once():
    check(blue_green("ALL_AT_ONCE"), {"A": 4, "B": 4}, DEFAULTS)


@pytest.mark.parametrize("config", [canary(percent(25)), linear(percent(25)), rolling(percent(25))])
def test_shifting_beside_a_shadow_is_refused_unless_the_switch_allows_it(config):
    with refused("not allowed for an endpoint with a shadow variant"):
        check(config, {"A": 4}, DEFAULTS, shadowed=True)
    check(config, {"A": 4}, Unverified(shifting_with_shadow="allow"), shadowed=True)


def test_a_shadowed_endpoint_may_be_replaced_all_at_once():
    check(blue_green("ALL_AT_ONCE"), {"A": 4}, DEFAULTS, shadowed=True)


@pytest.mark.parametrize("config", [canary(percent(50)), linear(percent(50)), rolling(percent(50))])
def test_a_share_of_one_instance_is_refused_unless_the_switch_makes_it_that_instance(config):
    with refused("with 1 instance.*in whole instances"):
        check(config, {"A": 1}, DEFAULTS)
    check(config, {"A": 1}, Unverified(percentage_of_one_instance="whole"))


@pytest.mark.parametrize(("reading", "seconds"), [("28800", 28_800), ("600", 600)])
def test_an_omitted_timeout_is_what_the_switch_says_and_the_waits_must_fit_in_it(reading, seconds):
    config = canary(percent(25), wait=500, final=300, timeout=None)
    unverified = Unverified(timeout_when_omitted=reading)
    assert timeout_seconds(config, unverified) == seconds
    if seconds < 800:
        with refused("more than the 800 seconds"):
            check(config, {"A": 4}, unverified)
    else:
        check(config, {"A": 4}, unverified)
