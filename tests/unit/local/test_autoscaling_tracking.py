"""Target tracking keeps the metric of each instance at its target: how many instances that takes, and when."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.autoscaling.tracking import Policy, Scaled, Variant, combined, needed, scale_in, scale_out

POLICY = Policy(target=100.0, scale_out_cooldown=300, scale_in_cooldown=300, scales_in=True)
NOW = 10_000.0

measures = st.one_of(st.just(0.0), st.floats(1e-6, 1e6))
targets = st.floats(0.1, 1e4)
capacities = st.integers(1, 500)


@st.composite
def variants(draw) -> Variant:
    minimum = draw(st.integers(1, 50))
    return Variant(draw(capacities), minimum, draw(st.integers(minimum, 500)))


@pytest.mark.parametrize(
    ("capacity", "measured", "instances"),
    [(1, 100, 1), (1, 101, 2), (2, 150, 3), (4, 30, 2), (3, 0, 0), (10, 70, 7), (7, 300, 21)],
)
def test_as_many_instances_as_bring_each_to_the_target(capacity, measured, instances):
    assert needed(capacity, measured, 100.0) == instances


@given(capacities, measures, targets)
def test_the_instances_needed_take_the_load_at_the_target_and_one_fewer_would_not(capacity, measured, target):
    instances, load = needed(capacity, measured, target), capacity * measured
    assert load <= instances * target * (1 + 1e-6)
    assert instances == 0 or load > (instances - 1) * target * (1 - 1e-6)


@given(capacities, measures, measures, targets)
def test_more_load_never_needs_fewer_instances(capacity, less, more, target):
    less, more = sorted((less, more))
    assert needed(capacity, less, target) <= needed(capacity, more, target)


@given(variants(), measures, st.one_of(st.none(), st.builds(Scaled, st.floats(0, NOW), capacities)))
def test_scaling_out_never_takes_away_and_stays_within_the_maximum(variant, measured, last):
    wanted = scale_out(POLICY, variant, measured, NOW, last)
    assert variant.capacity <= wanted <= max(variant.maximum, variant.capacity)


@given(variants(), measures, st.one_of(st.none(), st.builds(Scaled, st.floats(0, NOW), capacities)), st.booleans())
def test_scaling_in_never_adds_and_stays_within_the_minimum(variant, measured, last, one_by_one):
    wanted = scale_in(POLICY, variant, measured, NOW, last, one_by_one=one_by_one)
    assert min(variant.minimum, variant.capacity) <= wanted <= variant.capacity


@given(capacities, st.floats(100.1, 1e4))
def test_scaling_out_again_at_the_target_changes_nothing(capacity, measured):
    variant = Variant(capacity, 1, 10**9)
    after = scale_out(POLICY, variant, measured, NOW, None)
    spread = capacity * measured / after
    assert scale_out(POLICY, Variant(after, 1, 10**9), spread, NOW + 301, Scaled(NOW, capacity)) == after


@pytest.mark.aws(
    "Autoscaling",
    "During the scale-out cooldown the instances just added count: only a larger scale-out adds to them",
    "Application Auto Scaling user guide: How target tracking works",
)
@pytest.mark.parametrize(("measured", "instances"), [(300, 3), (450, 5)])
def test_in_the_scale_out_cooldown_only_a_larger_scale_out_adds(measured, instances):
    just_scaled = Scaled(NOW - 299, before=1)
    assert scale_out(POLICY, Variant(3, 1, 10), measured, NOW, just_scaled) == instances


def test_after_the_scale_out_cooldown_the_instances_there_are_count():
    assert scale_out(POLICY, Variant(3, 1, 10), 300, NOW, Scaled(NOW - 300, before=1)) == 9


@pytest.mark.aws(
    "Autoscaling",
    "Within the scale-in cooldown nothing more is scaled in",
    "API: TargetTrackingScalingPolicyConfiguration",
)
@pytest.mark.parametrize(("ago", "instances"), [(299, 8), (300, 4)])
def test_scale_in_waits_for_its_cooldown(ago, instances):
    assert scale_in(POLICY, Variant(8, 1, 10), 50, NOW, Scaled(NOW - ago, before=10)) == instances


@pytest.mark.aws(
    "Autoscaling", "DisableScaleIn never removes an instance", "API: TargetTrackingScalingPolicyConfiguration"
)
def test_a_policy_that_does_not_scale_in_keeps_what_there_is():
    policy = Policy(100, 300, 300, scales_in=False)
    assert scale_in(policy, Variant(8, 1, 10), 0, NOW, None) == 8


def test_scaling_in_one_by_one_takes_one_away():
    assert scale_in(POLICY, Variant(8, 1, 10), 10, NOW, None, one_by_one=True) == 7


@pytest.mark.aws(
    "Autoscaling",
    "Of several policies the largest capacity wins; fewer instances only when all agree",
    "API: PutScalingPolicy",
)
@pytest.mark.parametrize(
    ("outward", "inward", "instances"),
    [([5, 7], [2, 3], 7), ([], [2, 3], 3), ([], [2, None], 4), ([], [None, None], 4), ([], [], 4)],
)
def test_several_policies_come_to_the_largest_capacity(outward, inward, instances):
    assert combined(outward, inward, 4) == instances
