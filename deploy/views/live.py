"""What `watch` shows beside the status: each fleet's last minutes and each alarm's value, read in one request."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from deploy.aws import Aws
from deploy.guardrails import Guardrail, dimensions, guardrails
from deploy.names import alarm_name
from deploy.policy import Policy
from deploy.views.status import View

MINUTES = 3
"""Complete minutes that a number is made of; CloudWatch has the last one late."""

REQUESTS, FAILED = "Invocations", "Invocation5XXErrors"


@dataclass(frozen=True)
class FleetNow:
    """A fleet in the last minutes: its config, version, requests a minute, share of all requests, share that failed."""

    config: str
    version: str
    requests: float
    share: float
    failed: float | None


@dataclass(frozen=True)
class AlarmNow:
    """An alarm of the rollout: its guardrail, its state, and the metric's last value (None: no data)."""

    guardrail: Guardrail
    state: str
    value: float | None


@dataclass(frozen=True)
class Live:
    """The fleets, the one that serves first; the alarms; since when the update runs."""

    fleets: tuple[FleetNow, ...] = ()
    alarms: tuple[AlarmNow, ...] = ()
    since: datetime | None = None


@dataclass(frozen=True)
class _Wanted:
    """One series: a metric of one fleet."""

    config: str
    namespace: str
    metric: str
    statistic: str
    period: int


def look(aws: Aws, policy: Policy, view: View, now: datetime) -> Live:
    """The numbers of now."""
    endpoint = view.endpoint
    if not endpoint:
        return Live()
    configs = tuple(dict.fromkeys(filter(None, (endpoint.config, endpoint.pending))))
    states = {alarm.name: alarm.state for alarm in view.alarms}
    rails = [rail for rail in guardrails(policy) if alarm_name(view.rollout, rail.name) in states]
    wanted = {
        f"fleet{number}{metric.lower()}": _Wanted(config, "AWS/SageMaker", metric, "Sum", 60)
        for number, config in enumerate(configs)
        for metric in (REQUESTS, FAILED)
    }
    wanted |= {
        f"alarm{number}": _Wanted(view.rollout, rail.namespace, rail.metric, rail.statistic, rail.period)
        for number, rail in enumerate(rails)
    }
    series = _series(aws, policy, wanted, now)
    alarms = tuple(
        AlarmNow(rail, states[alarm_name(view.rollout, rail.name)], next(reversed(series[f"alarm{number}"]), None))
        for number, rail in enumerate(rails)
    )
    return Live(_fleets(view, configs, series), alarms, endpoint.pending_since)


def _fleets(view: View, configs: tuple[str, ...], series: Mapping[str, list[float]]) -> tuple[FleetNow, ...]:
    requests = [sum(series[f"fleet{number}{REQUESTS.lower()}"]) for number in range(len(configs))]
    failed = [sum(series[f"fleet{number}{FAILED.lower()}"]) for number in range(len(configs))]
    return tuple(
        FleetNow(
            config=config,
            version=_version(view, config),
            requests=sent / MINUTES,
            share=sent / sum(requests) if sent else 0.0,
            failed=bad / sent if sent else None,
        )
        for config, sent, bad in zip(configs, requests, failed, strict=True)
    )


def _series(aws: Aws, policy: Policy, wanted: Mapping[str, _Wanted], now: datetime) -> dict[str, list[float]]:
    """Each series' values of the last complete minutes, oldest first."""
    longest = max(one.period for one in wanted.values())
    end = now.replace(second=0, microsecond=0)
    queries: Any = [
        {
            "Id": name,
            "Label": name,
            "MetricStat": {
                "Metric": {
                    "Namespace": one.namespace,
                    "MetricName": one.metric,
                    "Dimensions": dimensions(policy, one.config),
                },
                "Period": one.period,
                "Stat": one.statistic,
            },
        }
        for name, one in wanted.items()
    ]
    found: dict[str, list[float]] = {name: [] for name in wanted}
    pages = aws.cloudwatch.get_paginator("get_metric_data").paginate(
        MetricDataQueries=queries,
        StartTime=end - timedelta(seconds=longest * MINUTES),
        EndTime=end,
        ScanBy="TimestampAscending",
    )
    for page in pages:
        for result in page["MetricDataResults"]:
            found[result["Label"]] += result["Values"]
    return found


def _version(view: View, config: str) -> str:
    package = view.package if view.endpoint and config == view.endpoint.config else view.candidate
    return f"version {package.version}" if package else "no version"
