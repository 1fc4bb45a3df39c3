"""The distance of recent scores from the baseline, and its way to CloudWatch."""

import logging

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import monitor
from distance import BINS, ScoreBaseline, baseline_from_json, baseline_of, prediction_distance

SCORES = st.lists(st.floats(0, 1, width=32), min_size=1, max_size=300).map(np.array)
ENVIRONMENT = {
    "METRIC_NAMESPACE": "Flights/Quality",
    "ENDPOINT_NAME": "flights",
    "VARIANT_NAME": "model",
    "ENDPOINT_CONFIG_NAME": "flights-2",
}


@pytest.fixture(scope="module")
def scores():
    return np.random.default_rng(3).beta(1, 4, 20_000)


def test_the_baselines_bins_hold_a_tenth_each(scores):
    baseline = baseline_of(scores)
    assert len(baseline.edges) == BINS - 1
    assert baseline.shares == pytest.approx([1 / BINS] * BINS, abs=1e-3)


@given(SCORES, SCORES)
def test_any_scores_have_a_finite_distance_of_at_least_0(then, now):
    assert 0 <= prediction_distance(now, baseline_of(then)) < float("inf")


@pytest.mark.parametrize("rows", [100, 300, 1000])
def test_unchanged_scores_stay_near_0_however_few_they_are(scores, rows):
    generator, baseline = np.random.default_rng(4), baseline_of(scores)
    found = [prediction_distance(generator.choice(scores, rows), baseline) for _ in range(300)]
    assert np.mean(found) < 0.05
    assert np.quantile(found, 0.99) < 0.2


@pytest.mark.parametrize("rows", [100, 300, 1000])
def test_constant_scores_are_far_away(scores, rows):
    assert prediction_distance(np.full(rows, 0.5), baseline_of(scores)) > 1


def test_a_baseline_of_equal_scores_has_no_width_and_still_works():
    baseline = baseline_of(np.full(50, 0.25))
    assert prediction_distance(np.full(200, 0.25), baseline) < 0.1
    assert prediction_distance(np.full(200, 0.1), baseline) > 1


def test_a_baseline_survives_json(scores):
    baseline = baseline_of(scores)
    assert baseline_from_json(baseline.to_json()) == baseline


class FakeCloudWatch:
    """Keeps what was put, or fails."""

    def __init__(self, error=None):
        self.requests, self.error = [], error

    def put_metric_data(self, *_, **request):
        self.requests.append(request)
        if self.error:
            raise self.error


def publisher(client, count=200, environment=ENVIRONMENT):
    window = monitor.PredictionWindow(ScoreBaseline((0.5,), (0.5, 0.5)))
    window.add([0.1] * count)
    return monitor.Publisher(window, environment, lambda: client)


def test_the_metric_carries_the_dimensions_of_its_fleet():
    client = FakeCloudWatch()
    publisher(client).publish()
    (request,) = client.requests
    (metric,) = request["MetricData"]
    dimensions = {each["Name"]: each["Value"] for each in metric["Dimensions"]}
    assert request["Namespace"] == "Flights/Quality"
    assert dimensions == {"EndpointName": "flights", "VariantName": "model", "EndpointConfigName": "flights-2"}
    assert (metric["MetricName"], metric["Value"] > 1) == ("PredictionDistance", True)


def test_fewer_than_100_predictions_publish_nothing():
    client = FakeCloudWatch()
    publisher(client, count=99).publish()
    assert client.requests == []


def test_the_window_forgets_what_is_older_than_its_length():
    window = monitor.PredictionWindow(ScoreBaseline((0.5,), (0.5, 0.5)))
    window.add([0.1] * 5000)
    window.add([0.1, 0.9] * (monitor.WINDOW // 2))
    assert window.distance() == pytest.approx(0, abs=0.01)


def test_a_failing_publish_is_logged_once_and_never_raised(caplog):
    client = FakeCloudWatch(RuntimeError("no route"))
    failing = publisher(client)
    with caplog.at_level(logging.WARNING):
        failing.publish()
        failing.publish()
    assert (len(client.requests), len(caplog.records)) == (2, 1)


def test_a_client_that_cannot_be_made_is_no_failure_either(caplog):
    def broken():
        raise RuntimeError("no region")

    window = monitor.PredictionWindow(ScoreBaseline((0.5,), (0.5, 0.5)))
    window.add([0.1] * 200)
    monitor.Publisher(window, ENVIRONMENT, broken).publish()
    assert "no region" in caplog.text


class EnoughError(Exception):
    """Ends an endless loop."""


@pytest.mark.parametrize(("speed", "seconds"), [({}, 60), ({"AWS_CLOCK_SPEED": "120"}, 0.5)])
def test_it_publishes_each_60_seconds_of_aws_time(speed, seconds):
    client, slept = FakeCloudWatch(), []

    def sleep(duration):
        slept.append(duration)
        if len(slept) == 3:
            raise EnoughError

    with pytest.raises(EnoughError):
        publisher(client, environment=ENVIRONMENT | speed).run(sleep)
    assert (slept, len(client.requests)) == ([seconds] * 3, 2)
