"""Whatever goes wrong, a rollout ends with an outcome, a reason, and one version in service."""

from fake_aws import FakeAws, Killed
from hypothesis import given, settings
from hypothesis import strategies as st
from worlds import policy, quiet, serving

from deploy import rollout
from deploy.decision import EXIT_CODES, Decision

STRATEGIES = ["all_at_once", "canary", "linear", "rolling", "shadow", "ab_test", "shadow, ab_test, linear"]


@st.composite
def troubled(draw: st.DrawFn) -> tuple[FakeAws, str, str]:
    """A world with troubles, a new version in it, and the strategy it is rolled out by."""
    world, _ = serving()
    arn = world.add_package(2)
    rails = st.sampled_from(["error-rate", "latency-p99", "prediction-distance"])
    world.bad = draw(st.dictionaries(rails, st.integers(0, 20).map(float), max_size=2))
    world.breaks = draw(st.sampled_from(["", "", "", "no capacity"]))
    world.requests_per_minute = draw(st.sampled_from([0.0, 1.0, 100.0]))
    world.failing_share = draw(st.sampled_from([{}, {}, {"version-2": 0.4}]))
    world.answer = draw(st.sampled_from(["0.25", "NaN"]))
    world.quota = draw(st.sampled_from([20, 20, 3]))
    world.remembers_deployment = draw(st.booleans())
    world.kill_at = draw(st.none() | st.integers(1, 12))
    world.kill_before_effect = draw(st.booleans())
    return world, arn, draw(st.sampled_from(STRATEGIES))


def carried_out(world: FakeAws, arn: str, strategy: str) -> Decision:
    """Apply, started again when it dies."""
    chosen = policy(f"rollout.strategy={strategy}", "endpoint.smoke={body: '1', expect: '^0'}")
    while True:
        try:
            return rollout.apply(world, world.clock, chosen, arn, quiet)[1]
        except Killed:
            world.clock.wait(60)


@settings(max_examples=50)
@given(troubled())
def test_a_rollout_always_ends_with_an_outcome_a_reason_and_an_endpoint_in_service(
    case: tuple[FakeAws, str, str],
) -> None:
    world, arn, strategy = case
    decision = carried_out(world, arn, strategy)
    assert decision.outcome in EXIT_CODES
    assert decision.reasons
    assert world.endpoint
    assert world.endpoint["EndpointStatus"] == "InService"


@settings(max_examples=50)
@given(troubled())
def test_nothing_is_promoted_that_was_bad_or_had_no_traffic(case: tuple[FakeAws, str, str]) -> None:
    world, arn, strategy = case
    if carried_out(world, arn, strategy).outcome == "promoted":
        assert world.requests_per_minute == 100
        assert world.answer == "0.25"
        assert "-v2-" in str(world.endpoint)


@settings(max_examples=50)
@given(troubled())
def test_the_same_rollout_again_changes_nothing_once_it_has_ended_well(case: tuple[FakeAws, str, str]) -> None:
    world, arn, strategy = case
    if carried_out(world, arn, strategy).outcome == "promoted":
        world.calls.clear()
        assert carried_out(world, arn, strategy).outcome == "promoted"
        assert world.changes == []
