"""The steps of a DeploymentConfig: what goes up, what goes down, how long it bakes; forward, and back."""

import itertools
import math
from typing import Any

import pytest
from deployment_rig import blue_green, canary, instances, linear, percent, rolling
from hypothesis import given
from hypothesis import strategies as st

from local.hosting.rules import check
from local.hosting.traffic import Rounding, Step, back, forward
from local.unverified import DEFAULTS, Unverified


def steps(config: dict[str, Any], count: int, old: int | None = None, rounding: Rounding = "down") -> tuple[Step, ...]:
    """From `old` instances of variant A to `count` of them."""
    return forward(config, {"A": old or count}, {"A": count}, rounding)


def active(config: dict[str, Any], count: int, rounding: Rounding = "down") -> list[int]:
    """The stairs: new instances with traffic while each step bakes; the last step bakes no more."""
    return [step.active["A"] for step in steps(config, count, rounding=rounding)[:-1]]


def sizes(path: tuple[Step, ...]) -> list[tuple[int, int, int]]:
    """(old instances, new instances, new ones with traffic) of each step."""
    return [(step.old["A"], step.new["A"], step.active["A"]) for step in path]


@pytest.mark.aws(
    "Deployments",
    "Without an update policy an update is blue/green, all at once, with no bake",
    "API: DeploymentConfig",
)
def test_no_policy_is_all_at_once_without_a_bake():
    assert sizes(steps({}, 3)) == [(3, 3, 3), (0, 3, 3)]
    assert [step.bake_seconds for step in steps({}, 3)] == [0, 0]


@pytest.mark.aws(
    "Deployments",
    "A canary is two steps: WaitIntervalInSeconds with part of the traffic, TerminationWaitInSeconds with all of it",
    "Developer guide: Deployment guardrails",
)
def test_a_canary_bakes_before_and_after_the_rest_follows():
    part, whole, done = steps(canary(instances(1), wait=60, final=30), 4)
    assert (part.active["A"], part.bake_seconds, part.wait) == (1, 60, "WaitIntervalInSeconds")
    assert (whole.active["A"], whole.bake_seconds, whole.wait) == (4, 30, "TerminationWaitInSeconds")
    assert (part.old["A"], whole.old["A"], done.old["A"]) == (4, 4, 0)


@pytest.mark.parametrize(
    ("size", "count", "down", "up"),
    [
        (percent(10), 10, 1, 1),
        (percent(10), 2, 1, 1),
        (percent(50), 3, 1, 2),
        (percent(25), 8, 2, 2),
        (percent(15), 10, 1, 2),
        (instances(3), 6, 3, 3),
    ],
)
def test_a_canary_is_whole_instances_and_no_less_than_one_however_a_percentage_is_rounded(size, count, down, up):
    assert active(canary(size), count, "down")[0] == down
    assert active(canary(size), count, "up")[0] == up


@pytest.mark.aws(
    "Deployments",
    "Linear shifting is steps of one size, each baking WaitIntervalInSeconds",
    "Developer guide: Deployment guardrails",
)
@pytest.mark.parametrize(
    ("size", "count", "stairs"),
    [
        (percent(25), 4, [1, 2, 3, 4]),
        (percent(40), 5, [2, 4, 5]),
        (percent(50), 2, [1, 2]),
        (instances(2), 5, [2, 4, 5]),
    ],
)
def test_linear_steps_add_up_to_the_whole_fleet(size, count, stairs):
    assert active(linear(size), count) == stairs
    waits = [step.bake_seconds for step in steps(linear(size, wait=60, final=5), count)]
    assert waits == [60] * (len(stairs) - 1) + [5, 0]


@pytest.mark.aws(
    "Deployments",
    "A rolling update provisions a batch, shifts its share of the traffic, bakes, and takes as many old instances away",
    "Developer guide: Rolling deployments",
)
def test_a_rolling_batch_takes_the_place_of_as_many_old_instances_once_it_has_baked():
    assert sizes(steps(rolling(instances(2)), 5)) == [(5, 2, 2), (3, 4, 4), (1, 5, 5), (0, 5, 5)]
    assert [step.bake_seconds for step in steps(rolling(instances(2), wait=60), 5)] == [60, 60, 60, 0]


def test_a_rolling_update_to_another_number_of_instances_takes_away_in_proportion():
    assert sizes(steps(rolling(instances(2)), 4, old=2)) == [(2, 2, 2), (1, 4, 4), (0, 4, 4)]


def test_a_blue_green_rollback_moves_all_traffic_back_before_anything_is_terminated():
    found = back(canary(instances(1)), {"A": 4}, {"A": 4}, {"A": 4}, {"A": 1}, "down")
    assert sizes(found) == [(4, 4, 0), (4, 0, 0)]


def test_a_rollback_of_a_fleet_without_traffic_only_terminates_it():
    assert sizes(back({}, {"A": 4}, {"A": 4}, {"A": 2}, {"A": 0}, "down")) == [(4, 0, 0)]


@pytest.mark.aws(
    "Deployments",
    "A rolling update is rolled back in batches of RollbackMaximumBatchSize, which is everything at once by default",
    "API: RollingUpdatePolicy",
)
def test_a_rolling_update_is_rolled_back_in_its_own_batches():
    up = {"A": 6}
    at_once = back(rolling(instances(2)), {"A": 6}, {"A": 6}, up, up, "down")
    batches = back(rolling(instances(2), rollback=instances(3)), {"A": 6}, {"A": 6}, up, up, "down")
    assert sizes(at_once) == [(6, 6, 0), (6, 0, 0)]
    assert sizes(batches) == [(3, 6, 3), (6, 3, 0), (6, 0, 0)]


@st.composite
def allowed(draw):
    """A DeploymentConfig that SageMaker takes, with the step's size and unit: (kind, value, unit, count, config)."""
    kind, low = draw(st.sampled_from([("canary", 1), ("linear", 10), ("rolling", 5)]))
    count = draw(st.integers(2, 40))
    wait = draw(st.integers(0, 900))
    make = {"canary": canary, "linear": linear, "rolling": rolling}[kind]
    if draw(st.booleans()):
        value = draw(st.integers(low, 50))
        return kind, value, 100, count, make(percent(value), wait=wait)
    value = draw(st.integers(max(1, math.ceil(count * low / 100)), count // 2))
    return kind, value, count, count, make(instances(value), wait=wait)


@given(allowed(), st.sampled_from(["down", "up"]))
def test_every_allowed_policy_climbs_to_everything_in_steps_within_its_limits(drawn, rounding):
    kind, value, unit, count, config = drawn
    check(config, {"A": count}, Unverified(canary_rounding=rounding))
    path = steps(config, count, rounding=rounding)
    stairs = [step.active["A"] for step in path]
    assert stairs == sorted(stairs)
    assert stairs[-1] == count
    assert path[-1] == Step({"A": 0}, {"A": count}, {"A": count})
    largest = math.ceil(count * value / unit)
    if kind == "canary":
        assert 1 <= stairs[0] <= largest
    else:
        rises = [later - earlier for earlier, later in zip([0, *stairs], stairs, strict=False)]
        assert all(rise <= largest for rise in rises)


@given(allowed())
def test_the_number_of_steps_and_their_waits_follow_from_the_policy(drawn):
    kind, value, unit, count, config = drawn
    baking = steps(config, count)[:-1]
    batch = max(1, count * value // unit)
    expected = {"canary": 2, "linear": math.ceil(unit / value), "rolling": math.ceil(count / batch)}
    assert len(baking) == expected[kind]
    waits = [step for step in baking if step.wait == "WaitIntervalInSeconds"]
    assert len(waits) == len(baking) - (kind != "rolling")


@given(allowed())
def test_the_endpoint_never_has_less_capacity_than_before_nor_a_rolling_update_more_than_a_batch_extra(drawn):
    kind, value, unit, count, config = drawn
    batch = max(1, count * value // unit)
    for step in steps(config, count):
        assert step.active["A"] <= step.new["A"]
        assert step.old["A"] + step.active["A"] >= count
        if kind == "rolling":
            assert step.old["A"] + step.new["A"] <= count + batch


@given(allowed(), st.data())
def test_from_any_step_the_way_back_never_gives_the_new_fleet_more_and_ends_on_the_whole_old_one(drawn, data):
    kind, _, _, count, config = drawn
    if kind == "rolling":
        size = data.draw(st.one_of(st.integers(1, 100).map(percent), st.integers(1, count).map(instances)))
        config["RollingUpdatePolicy"]["RollbackMaximumBatchSize"] = size
    at = data.draw(st.sampled_from(steps(config, count)[:-1]))
    path = back(config, {"A": count}, {"A": count}, at.new, at.active, "down")
    traffic = [at.active["A"], *(step.active["A"] for step in path)]
    assert traffic == sorted(traffic, reverse=True)
    assert path[-1] == Step({"A": count}, {"A": 0}, {"A": 0})
    assert all(step.old["A"] + step.active["A"] >= count for step in path)
    assert kind == "rolling" or len(path) == 2


@given(allowed(), st.integers(1, 3))
def test_several_variants_climb_together_and_each_arrives(drawn, other):
    count, config = drawn[3:]
    counts = {"A": count, "B": count * other}
    path = forward(config, counts, counts, DEFAULTS.canary_rounding)
    assert path[-1].active == counts
    for earlier, later in itertools.pairwise(path):
        assert all(earlier.active[name] <= later.active[name] for name in counts)


def test_all_at_once_bakes_for_its_termination_wait_only():
    whole, _ = steps(blue_green("ALL_AT_ONCE", wait=60, final=30), 2)
    assert (whole.bake_seconds, whole.wait) == (30, "TerminationWaitInSeconds")
