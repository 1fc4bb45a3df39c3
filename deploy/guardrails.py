"""The alarms that watch the new fleet during a rollout, as PutMetricAlarm requests.

Every alarm is on EndpointName + VariantName + EndpointConfigName (the new one): without the third dimension CloudWatch
mixes both fleets, and a dead 10 % canary reads as 10 % errors. Pure: it sends nothing and evaluates no alarm.
Metrics: AWS documentation, "Monitor Amazon SageMaker AI with CloudWatch", "Auto-Rollback Configuration and Monitoring".
"""

from dataclasses import dataclass
from typing import Any

from deploy.calls import Call, tags
from deploy.names import alarm_name
from deploy.policy import Policy

PUBLISH_LAG = 120
"""Seconds between a request and the alarm that has seen it: publishing and evaluation, at the slow end."""

MICROSECONDS = 1000


@dataclass(frozen=True)
class Guardrail:
    """One alarm: `statistic` of `metric` above `threshold` in `datapoints` of `of` periods of `period` seconds."""

    name: str
    setting: str
    namespace: str
    metric: str
    statistic: str
    threshold: float
    period: int
    datapoints: int
    of: int
    catches: str
    unit: str = ""

    @property
    def earliest(self) -> int:
        """Seconds of a bake before it can fire at all."""
        return self.datapoints * self.period + PUBLISH_LAG

    @property
    def rule(self) -> str:
        """The alarm's condition in CloudWatch's words."""
        return (
            f"{self.metric} {self.statistic} > {self.threshold:.12g}{self.unit}, "
            f"{self.datapoints} of {self.of} periods of {self.period} s"
        )


def guardrails(policy: Policy) -> tuple[Guardrail, ...]:
    """The alarms that a policy asks for."""
    rules = policy.guardrails
    minute = f"in {rules.period_seconds} s"
    found = []
    if rules.error_rate:
        found.append(
            Guardrail(
                name="error-rate",
                setting="guardrails.error_rate",
                namespace="AWS/SageMaker",
                metric="Invocation5XXErrors",
                statistic="Average",
                threshold=rules.error_rate.above,
                period=rules.period_seconds,
                datapoints=rules.error_rate.datapoints,
                of=rules.error_rate.of,
                catches=f"more than {rules.error_rate.above * 100:g} % of the new fleet's requests fail {minute}",
            )
        )
    if rules.latency_p99:
        found.append(
            Guardrail(
                name="latency-p99",
                setting="guardrails.latency_p99",
                namespace="AWS/SageMaker",
                metric="ModelLatency",
                statistic="p99",
                threshold=rules.latency_p99.above_ms * MICROSECONDS,
                period=rules.period_seconds,
                datapoints=rules.latency_p99.datapoints,
                of=rules.latency_p99.of,
                catches=f"1 % of the new fleet's requests take longer than {rules.latency_p99.above_ms:g} ms {minute}",
                unit=" µs",
            )
        )
    if rules.prediction_distance:
        found.append(
            Guardrail(
                name="prediction-distance",
                setting="guardrails.prediction_distance",
                namespace=policy.endpoint.metric_namespace,
                metric="PredictionDistance",
                statistic=rules.prediction_distance.statistic,
                threshold=rules.prediction_distance.above,
                period=rules.period_seconds,
                datapoints=rules.prediction_distance.datapoints,
                of=rules.prediction_distance.of,
                catches=(
                    f"the new fleet's predictions are further than {rules.prediction_distance.above:g} "
                    "from those of its training data"
                ),
            )
        )
    return tuple(found)


def dimensions(policy: Policy, config: str) -> list[dict[str, str]]:
    """CloudWatch dimensions of one fleet."""
    return [
        {"Name": "EndpointName", "Value": policy.endpoint.name},
        {"Name": "VariantName", "Value": policy.endpoint.variant},
        {"Name": "EndpointConfigName", "Value": config},
    ]


def alarm(guardrail: Guardrail, policy: Policy, config: str) -> Call:
    """The request that makes the alarm; made again, it changes nothing and keeps the alarm's state."""
    name = alarm_name(config, guardrail.name)
    percentile = guardrail.statistic.startswith("p")
    parameters: dict[str, Any] = {
        "AlarmName": name,
        "AlarmDescription": f"Rolls {policy.endpoint.name} back when {guardrail.catches} ({guardrail.setting}).",
        "Namespace": guardrail.namespace,
        "MetricName": guardrail.metric,
        "Dimensions": dimensions(policy, config),
        ("ExtendedStatistic" if percentile else "Statistic"): guardrail.statistic,
        "Period": guardrail.period,
        "EvaluationPeriods": guardrail.of,
        "DatapointsToAlarm": guardrail.datapoints,
        "Threshold": guardrail.threshold,
        "ComparisonOperator": "GreaterThanThreshold",
        # No traffic is not a failure; that it is no success either is what minimum_requests is for.
        "TreatMissingData": "notBreaching",
        "Tags": tags({"guarded-rollout:stage": policy.stage, "guarded-rollout:config": config}),
    }
    return Call("cloudwatch", "PutMetricAlarm", parameters, name, guardrail.rule)
