"""Reads the trials of a rollout from AWS: whether each exists, has traffic, is over, and what both sides answered.

Only Describe, List and Get calls; it judges nothing.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from deploy import observe
from deploy.aws import Aws
from deploy.errors import is_missing
from deploy.labels import ROLLOUT
from deploy.observe import Endpoint
from deploy.strategies.trial import Dimensions
from deploy.trials.record import TrialPlan, TrialSeen
from deploy.trials.verdict import Sample

ENDED = frozenset({"Completed", "Cancelled"})
DAY = 86_400
LATENCY, REQUESTS, REFUSED, FAILED = "ModelLatency", "Invocations", "Invocation4XXErrors", "Invocation5XXErrors"


def trials(aws: Aws, endpoint: Endpoint, planned: tuple[TrialPlan, ...], now: datetime) -> tuple[TrialSeen, ...]:
    """The trials there are, up to the first that is not good and gone: no later one can exist."""
    found: list[TrialSeen] = []
    for plan in planned:
        seen = _experiment(aws, plan) if plan.trial.is_experiment else _config(aws, endpoint, plan)
        if seen is None:
            break
        found.append(_measured(aws, plan, seen, now))
        if seen.serving or seen.moving or seen.verdict is None:
            break
    return tuple(found)


def experiment_on(aws: Aws, endpoint: str, labels: Mapping[str, str]) -> Mapping[str, str]:
    """The tags of the rollout's experiment that is on the endpoint now and has these tags; empty when there is none."""
    pages = aws.sagemaker.get_paginator("list_inference_experiments").paginate(Type="ShadowMode")
    for page in pages:
        for summary in page["InferenceExperiments"]:
            if summary["Status"] in ENDED:
                continue
            said: Any = aws.sagemaker.describe_inference_experiment(Name=summary["Name"])
            tags = observe.tags_of(aws, said["Arn"])
            ours = ROLLOUT in tags and labels.items() <= tags.items()
            if ours and said["EndpointMetadata"]["EndpointName"] == endpoint:
                return tags
    return {}


def _config(aws: Aws, endpoint: Endpoint, plan: TrialPlan) -> TrialSeen | None:
    config = observe.fleet_config(aws, plan.scene.name)
    return TrialSeen(config.arn, config.tags, serving=endpoint.config == config.name) if config else None


def _experiment(aws: Aws, plan: TrialPlan) -> TrialSeen | None:
    try:
        said: Any = aws.sagemaker.describe_inference_experiment(Name=plan.scene.name)
    except ClientError as error:
        if is_missing(error):
            return None
        raise
    serving, over = said["Status"] == "Running", said["Status"] in ENDED
    tags = observe.tags_of(aws, said["Arn"])
    return TrialSeen(said["Arn"], tags, serving, moving=not (serving or over), over=over)


def _measured(aws: Aws, plan: TrialPlan, seen: TrialSeen, now: datetime) -> TrialSeen:
    """With what both sides have answered since the trial has traffic; nothing when the verdict is known already."""
    if seen.since is None or seen.verdict is not None:
        return seen
    until = min(now, seen.since + timedelta(minutes=plan.trial.minutes)) if seen.over else now
    control, challenger = plan.trial.measured(plan.scene)
    return replace(
        seen,
        control=sample(aws, control, seen.since, until),
        challenger=sample(aws, challenger, seen.since, until),
    )


def sample(aws: Aws, dimensions: Dimensions, since: datetime, until: datetime) -> Sample:
    """What one side did in that time. The p99 is of the whole time, of a longer trial that of its worst day."""
    begin = since.replace(second=0, microsecond=0)
    length = min(max(round((until - begin).total_seconds() / 60 + 0.5) * 60, 60), DAY)
    statistics = {REQUESTS: "Sum", REFUSED: "Sum", FAILED: "Sum", LATENCY: "p99"}
    queries: Any = [
        {
            "Id": name.lower(),
            "Label": name,
            "MetricStat": {
                "Metric": {
                    "Namespace": "AWS/SageMaker",
                    "MetricName": name,
                    "Dimensions": [{"Name": key, "Value": value} for key, value in dimensions.items()],
                },
                "Period": length,
                "Stat": statistic,
            },
        }
        for name, statistic in statistics.items()
    ]
    values: dict[str, list[float]] = {name: [] for name in statistics}
    pages = aws.cloudwatch.get_paginator("get_metric_data").paginate(
        MetricDataQueries=queries,
        StartTime=begin,
        EndTime=begin + timedelta(seconds=max(length, 1) * _days(begin, until)),
    )
    for page in pages:
        for result in page["MetricDataResults"]:
            values[result["Label"]] += result["Values"]
    return Sample(
        requests=round(sum(values[REQUESTS])),
        refused=round(sum(values[REFUSED])),
        failed=round(sum(values[FAILED])),
        p99=max(values[LATENCY], default=None),
    )


def _days(begin: datetime, until: datetime) -> int:
    """Periods that cover the time: one, or one a day."""
    return int((until - begin).total_seconds() // DAY) + 1
