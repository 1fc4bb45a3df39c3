"""The steps of a DeploymentConfig, and the rules that SageMaker has for it."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.errors import AwsError
from local.hosting.traffic import check, shifts, timeout_seconds


def policy(kind: str, *, wait: int = 60, timeout: int = 28_800, final: int = 0, **size: Any) -> dict[str, Any]:
    """A BlueGreenUpdatePolicy in a DeploymentConfig."""
    routing = {"Type": kind, "WaitIntervalInSeconds": wait, **size}
    return {
        "BlueGreenUpdatePolicy": {
            "TrafficRoutingConfiguration": routing,
            "TerminationWaitInSeconds": final,
            "MaximumExecutionTimeoutInSeconds": timeout,
        }
    }


def percent(value: int) -> dict[str, Any]:
    return {"Type": "CAPACITY_PERCENT", "Value": value}


def instances(value: int) -> dict[str, Any]:
    return {"Type": "INSTANCE_COUNT", "Value": value}


@pytest.mark.parametrize(
    ("size", "count", "active"),
    [
        (percent(10), 10, 1),
        (percent(10), 2, 1),
        (percent(10), 1, 1),
        (percent(50), 3, 1),
        (percent(25), 8, 2),
        (instances(3), 6, 3),
    ],
)
def test_a_canary_is_whole_instances_rounded_down_to_no_less_than_one(size, count, active):
    first, last = shifts(policy("CANARY", CanarySize=size, final=30), {"A": count})
    assert (first.active, first.bake_seconds) == ({"A": active}, 60)
    assert (last.active, last.bake_seconds) == ({"A": count}, 30)


def test_no_policy_is_all_at_once_without_a_bake():
    (only,) = shifts({}, {"A": 3})
    assert (only.active, only.bake_seconds) == ({"A": 3}, 0)


@pytest.mark.parametrize(
    ("size", "count", "active"),
    [
        (percent(25), 4, [1, 2, 3, 4]),
        (percent(40), 5, [2, 4, 5]),
        (percent(50), 2, [1, 2]),
        (instances(2), 5, [2, 4, 5]),
    ],
)
def test_linear_steps_add_up_to_the_whole_fleet(size, count, active):
    found = shifts(policy("LINEAR", LinearStepSize=size), {"A": count})
    assert [shift.active["A"] for shift in found] == active


@st.composite
def allowed(draw):
    """A size that SageMaker allows for some variants: (kind, unit, value, counts)."""
    kind = draw(st.sampled_from(["CANARY", "LINEAR"]))
    counts = draw(st.dictionaries(st.sampled_from("ABC"), st.integers(2, 40), min_size=1))
    if draw(st.booleans()):
        return kind, "CAPACITY_PERCENT", draw(st.integers(1 if kind == "CANARY" else 10, 50)), counts
    count = min(counts.values())
    value = draw(st.integers(1 if kind == "CANARY" else math.ceil(count / 10), count // 2))
    return kind, "INSTANCE_COUNT", value, dict.fromkeys(counts, count)


@given(allowed())
def test_every_allowed_policy_goes_up_to_the_whole_fleet_and_a_canary_stays_within_its_half(size):
    kind, unit, value, counts = size
    member = "CanarySize" if kind == "CANARY" else "LinearStepSize"
    config = policy(kind, **{member: {"Type": unit, "Value": value}})
    check(config, counts)
    found = shifts(config, counts)
    for variant, count in counts.items():
        active = [shift.active[variant] for shift in found]
        assert active == sorted(active)
        assert active[-1] == count
        assert all(1 <= part <= count for part in active)
        if kind == "CANARY":
            assert active[0] <= count / 2
    assert sum(shift.bake_seconds for shift in found) < timeout_seconds(config)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (policy("CANARY", CanarySize=percent(51)), "CanarySize of 51 CAPACITY_PERCENT.*at most 50%"),
        (policy("CANARY", CanarySize=instances(3)), "CanarySize of 3 INSTANCE_COUNT.*with 4 instance"),
        (policy("CANARY"), "CanarySize must be given"),
        (policy("ALL_AT_ONCE", CanarySize=percent(10)), "CanarySize must not be given"),
        (policy("LINEAR", LinearStepSize=percent(9)), "10% to 50%"),
        (policy("LINEAR", LinearStepSize=percent(51)), "10% to 50%"),
        (policy("CANARY", CanarySize=percent(25), timeout=599), "between 600 and 28800"),
        (policy("CANARY", CanarySize=percent(25), timeout=28_801), "between 600 and 28800"),
        (policy("CANARY", CanarySize=percent(25), wait=3601), "WaitIntervalInSeconds is 3601"),
        (policy("CANARY", CanarySize=percent(25), final=3601), "TerminationWaitInSeconds is 3601"),
        (policy("CANARY", CanarySize=percent(25), wait=300, final=300, timeout=600), "more than the 600 seconds"),
        (policy("LINEAR", LinearStepSize=percent(10), wait=3600, timeout=28_800), "more than the 32400 seconds"),
        ({"RollingUpdatePolicy": {}}, "RollingUpdatePolicy is not offered"),
        ({"AutoRollbackConfiguration": {"Alarms": [{"AlarmName": f"a{n}"} for n in range(11)]}}, "1 to 10"),
        ({"AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "a"}, {"AlarmName": "a"}]}}, "more than once"),
    ],
)
def test_what_sagemaker_refuses_is_refused_with_the_limit(config, message):
    with pytest.raises(AwsError, match=message) as caught:
        check(config, {"A": 4})
    assert caught.value.code == "ValidationException"
