"""Statistics are those that numpy computes of the same samples."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from local.cloudwatch.statistics import Samples, check_statistic, merged, statistic
from local.errors import AwsError

VALUES = st.floats(-1e9, 1e9).map(lambda value: round(value, 3))
COUNTED = st.lists(st.tuples(VALUES, st.integers(1, 5)), min_size=1, max_size=60)
ORACLE = {"SampleCount": len, "Average": np.mean, "Sum": np.sum, "Minimum": np.min, "Maximum": np.max}


def _samples(counted: list[tuple[float, int]]) -> tuple[Samples, list[float]]:
    samples, everything = Samples(), []
    for value, count in counted:
        samples.add(value, count)
        everything += [value] * count
    return samples, everything


@pytest.mark.aws("Metrics", "SampleCount, Average, Sum, Minimum and Maximum", "User guide: Statistics definitions")
@given(COUNTED)
def test_every_statistic_is_numpys(counted):
    samples, everything = _samples(counted)
    for name, oracle in ORACLE.items():
        assert statistic(samples, name) == pytest.approx(float(oracle(everything)), rel=1e-9, abs=1e-3), name


@pytest.mark.aws("Metrics", "A percentile is of the samples, not of minutes", "User guide: Percentiles")
@given(COUNTED, st.integers(1, 100))
def test_a_percentile_is_numpys_inverted_distribution(counted, percent):
    samples, everything = _samples(counted)
    assume(percent * len(everything) % 100)  # where it falls on a sample, numpy's rounding decides
    assert statistic(samples, f"p{percent}") == np.percentile(everything, percent, method="inverted_cdf")


@pytest.mark.parametrize(("percent", "value"), [(7, 7), (50, 50), (99, 99), (100, 100), (99.9, 100), (1, 1)])
def test_a_percentile_that_falls_on_a_sample_is_that_sample(percent, value):
    samples, _ = _samples([(float(number), 1) for number in range(1, 101)])
    assert statistic(samples, f"p{percent}") == value


@given(st.lists(COUNTED, min_size=1, max_size=4))
def test_statistics_of_merged_periods_are_those_of_all_their_samples(parts):
    made = [_samples(counted) for counted in parts]
    whole = merged(samples for samples, _ in made)
    everything = [value for _, values in made for value in values]
    for name, oracle in ORACLE.items():
        assert statistic(whole, name) == pytest.approx(float(oracle(everything)), rel=1e-9, abs=1e-3), name
    assert statistic(whole, "p100") == max(everything)


@pytest.mark.parametrize("name", ["tm90", "p101", "p-1", "IQM", "wm98", "Median"])
def test_a_statistic_that_is_not_computed_is_refused_by_name(name):
    with pytest.raises(AwsError, match=name):
        check_statistic(name)
