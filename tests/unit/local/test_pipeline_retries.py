"""Retry policies, played until they give up."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.jobs.trouble import Trouble
from local.pipelines.retries import ALWAYS, RetryPolicy, parse, wait

CAPACITY = Trouble.CAPACITY_ERROR
TROUBLES = st.sampled_from(Trouble)


def waits(policies, trouble, most=50):
    """How long a step waits each time, when the same trouble comes again and again, at once."""
    found, elapsed = [], 0.0
    while len(found) < most:
        seconds = wait(policies, [trouble] * (len(found) + 1), elapsed)
        if seconds is None:
            return found
        found.append(seconds)
        elapsed += seconds
    return found


@pytest.mark.aws(
    "Pipelines",
    "A retry waits IntervalSeconds, then BackoffRate times as long each time, at most MaxAttempts times",
    "Developer guide: Retry policy for pipeline steps",
)
@given(st.integers(0, 20), st.floats(0, 100), st.floats(0, 3))
def test_waits_grow_by_the_backoff_rate_and_end_with_the_attempts(attempts, interval, rate):
    found = waits([RetryPolicy(frozenset({CAPACITY}), interval, rate, attempts)], CAPACITY)
    assert len(found) == attempts
    assert found == [interval * rate**n for n in range(attempts)]


@given(st.integers(1, 600), st.floats(1, 100))
def test_no_retry_begins_to_wait_after_the_policy_has_expired(minutes, interval):
    (policy,) = parse([{"ExceptionType": [CAPACITY], "IntervalSeconds": interval, "ExpireAfterMin": minutes}])
    found = waits([policy], CAPACITY)
    assert sum(found[:-1]) < minutes * 60
    assert sum(found) >= minutes * 60


@given(st.lists(TROUBLES, min_size=1, max_size=10))
def test_a_trouble_without_a_policy_is_tried_again_only_when_pipelines_always_do(troubles):
    assert (wait([], troubles, 0.0) is not None) == (
        troubles[-1] in ALWAYS.troubles and sum(t in ALWAYS.troubles for t in troubles[:-1]) < 5
    )


def test_a_failure_that_is_no_trouble_of_awss_is_not_tried_again():
    assert wait([RetryPolicy(frozenset(Trouble))], [None], 0.0) is None


@pytest.mark.aws(
    "Pipelines",
    "A policy for throttling or service faults takes the place of the retries that come without one",
    "Developer guide: Retry policy for pipeline steps",
)
def test_a_policy_overrides_what_pipelines_do_anyway():
    assert waits([], Trouble.THROTTLING) == [1, 2, 4, 8, 16]
    assert waits(parse([{"ExceptionType": ["Step.THROTTLING"], "MaxAttempts": 0}]), Trouble.THROTTLING) == []


def test_each_policy_counts_its_own_troubles():
    policies = parse([{"ExceptionType": [t], "MaxAttempts": 1} for t in (CAPACITY, Trouble.INTERNAL_ERROR)])
    assert wait(policies, [CAPACITY, Trouble.INTERNAL_ERROR], 0.0) == 1
    assert wait(policies, [CAPACITY, Trouble.INTERNAL_ERROR, CAPACITY], 0.0) is None


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        ({"ExceptionType": ["Step.HICCUP"]}, "Step.HICCUP"),
        ({}, "ExceptionType is missing"),
        ({"ExceptionType": [CAPACITY], "MaxAttempts": 1, "ExpireAfterMin": 1}, "not both"),
        ({"ExceptionType": [CAPACITY], "MaxAttempts": 21}, "between 0 and 20"),
        ({"ExceptionType": [CAPACITY], "ExpireAfterMin": 14_401}, "between 0 and 14400"),
        ({"ExceptionType": [CAPACITY], "IntervalSeconds": 43_201}, "between 0 and 43200"),
        ({"ExceptionType": [CAPACITY], "BackoffRate": -1}, "negative"),
    ],
)
def test_a_policy_beyond_its_limits_is_refused(raw, said):
    with pytest.raises(ValueError, match=said):
        parse([raw])


def test_one_exception_need_not_be_a_list():
    assert parse([{"ExceptionType": "SageMaker.CAPACITY_ERROR"}]) == parse([{"ExceptionType": [CAPACITY]}])
