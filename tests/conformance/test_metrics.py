"""CloudWatch as a rollout reads it: the metrics that an endpoint publishes, exact dimensions, statistics, math."""

import contextlib
from datetime import timedelta

import pytest

from tests.conformance.resources import VARIANT

NAMESPACE = "Conformance"


@pytest.fixture(scope="module")
def metric(account, resources):
    """Ten minutes of two metrics in a namespace of the suite's own: the dimensions, and the first minute."""
    dimension, cloudwatch = resources.name("metric"), account.client("cloudwatch")
    start = (account.now() - timedelta(minutes=20)).replace(second=0, microsecond=0)
    both = [{"Name": "Endpoint", "Value": dimension}, {"Name": "Config", "Value": "new"}]
    cloudwatch.put_metric_data(
        Namespace=NAMESPACE,
        MetricData=[
            {
                "MetricName": name,
                "Dimensions": dimensions,
                "Timestamp": start + timedelta(minutes=minute),
                "Values": values,
                "Unit": "Count",
            }
            for minute in range(10)
            for name, dimensions, values in (
                ("Requests", both, [10.0]),
                ("Requests", both[:1], [100.0]),
                ("Latency", both, [1.0, 2.0, 3.0, 4.0]),
                *([("Errors", both, [2.0])] if minute % 2 else []),
            )
        ],
    )
    return both, start


def _series(account, queries, start, minutes=10, count=10):
    """Values of the queries by id, oldest first, once they have as many as they should."""

    def read():
        answer = account.client("cloudwatch").get_metric_data(
            MetricDataQueries=queries,
            StartTime=start,
            EndTime=start + timedelta(minutes=minutes),
            ScanBy="TimestampAscending",
        )
        found = {result["Id"]: result["Values"] for result in answer["MetricDataResults"]}
        return found if all(len(values) == count for values in found.values()) else None

    return account.until(read, within=900)


def _query(name, metric, stat, dimensions, *, shown=True, namespace=NAMESPACE):
    what = {"Namespace": namespace, "MetricName": metric, "Dimensions": dimensions}
    return {"Id": name, "MetricStat": {"Metric": what, "Period": 60, "Stat": stat}, "ReturnData": shown}


@pytest.mark.aws(
    "Metrics", "A query matches a metric by its exact dimensions, never by a part", "User guide: Dimensions"
)
def test_dimensions_match_exactly(account, metric):
    both, start = metric
    queries = [_query("both", "Requests", "Sum", both), _query("one", "Requests", "Sum", both[:1])]
    assert _series(account, queries, start) == {"both": [10.0] * 10, "one": [100.0] * 10}
    answer = account.client("cloudwatch").get_metric_statistics(
        Namespace=NAMESPACE,
        MetricName="Requests",
        Dimensions=both[:1],
        StartTime=start,
        EndTime=start + timedelta(minutes=10),
        Period=600,
        Statistics=["Sum"],
    )
    assert sum(point["Sum"] for point in answer["Datapoints"]) == 1000.0
    other = [{"Name": "Endpoint", "Value": both[0]["Value"]}, {"Name": "Config", "Value": "old"}]
    assert _series(account, [_query("other", "Requests", "Sum", other)], start, count=0) == {"other": []}


@pytest.mark.aws(
    "Metrics", "Average, Sum, Minimum, Maximum, SampleCount and percentiles of a period", "User guide: Statistics"
)
def test_statistics_of_a_period(account, metric):
    both, start = metric
    wanted = {"Average": 2.5, "Sum": 10.0, "Minimum": 1.0, "Maximum": 4.0, "SampleCount": 4.0}
    queries = [_query(stat.lower(), "Latency", stat, both) for stat in wanted]
    assert _series(account, queries, start) == {stat.lower(): [value] * 10 for stat, value in wanted.items()}
    p100 = _series(account, [_query("p", "Latency", "p100", both)], start)["p"]
    assert p100 == pytest.approx([4.0] * 10, rel=0.01)


@pytest.mark.aws("Metrics", "Metric math: arithmetic of series, FILL and IF", "User guide: Metric math")
def test_metric_math_guards_a_rate_by_its_volume(account, metric):
    both, start = metric
    queries = [
        _query("e", "Errors", "Sum", both, shown=False),
        _query("r", "Requests", "Sum", both, shown=False),
        {"Id": "rate", "Expression": "100 * FILL(e, 0) / r"},
        {"Id": "guarded", "Expression": "IF(r >= 50, FILL(e, 0) / r, 0)"},
    ]
    assert _series(account, queries, start) == {"rate": [0.0, 20.0] * 5, "guarded": [0.0] * 10}


@pytest.mark.aws("Metrics", "A period without samples has no value in a sum of the metric", "User guide: Metric math")
def test_a_minute_without_samples_has_no_point(account, metric):
    both, start = metric
    assert _series(account, [_query("e", "Errors", "Sum", both)], start, count=5) == {"e": [2.0] * 5}


@pytest.fixture(scope="module")
def busy(account, resources):
    """An endpoint of a config of its own that answered 8 requests, failed 2 and refused 1; since when."""
    config = resources.config()
    endpoint = resources.endpoint(config)
    account.settled(endpoint)
    start = account.now().replace(second=0, microsecond=0)
    for body in ["x"] * 8 + ["fail", "fail", "refuse"]:
        with contextlib.suppress(account.client("sagemaker-runtime").exceptions.ModelError):
            account.invoke(endpoint, body)
    return {"EndpointName": endpoint, "VariantName": VARIANT, "EndpointConfigName": config}, start


@pytest.mark.aws(
    "Metrics",
    "Invocations, errors (0 or 1 each) and latencies in microseconds are published for the endpoint and variant",
    "Developer guide: Monitor with CloudWatch",
)
@pytest.mark.aws(
    "Metrics",
    "The same metrics are published for each endpoint config too, so that two fleets can be told apart",
    "Developer guide: Auto-Rollback Configuration",
)
@pytest.mark.parametrize("members", [2, 3], ids=["of the variant", "of one endpoint config"])
def test_an_endpoint_publishes_its_metrics(account, busy, members):
    named, start = busy
    dimensions = [{"Name": name, "Value": value} for name, value in list(named.items())[:members]]

    def total(metric, stat="Sum"):
        answer = account.client("cloudwatch").get_metric_statistics(
            Namespace="AWS/SageMaker",
            MetricName=metric,
            Dimensions=dimensions,
            StartTime=start,
            EndTime=account.now() + timedelta(minutes=1),
            Period=3600,
            Statistics=[stat],
        )
        return sum(point[stat] for point in answer["Datapoints"])

    account.until(lambda: total("Invocations") >= 11, within=900)
    assert total("Invocations") == total("Invocation5XXErrors", "SampleCount") == 11
    assert (total("Invocation5XXErrors"), total("Invocation4XXErrors")) == (2, 1)
    assert total("InvocationModelErrors") == 3
    assert total("ModelLatency") > 1000, "microseconds: 11 requests take more than a millisecond"
    assert total("OverheadLatency") > 0
