"""What PutMetricAlarm accepts, and what an alarm's definition says about its evaluation. Pure.

Source: the API reference of PutMetricAlarm. It must never accept what this stand-in does not evaluate: an alarm that
looks accepted and cannot fire is the worst answer.
"""

from collections.abc import Mapping
from typing import Any

from local.cloudwatch.evaluation import COMPARISONS, MISSING_DATA, Rule
from local.cloudwatch.queries import Queries
from local.cloudwatch.statistics import check_statistic, is_percentile
from local.cloudwatch.store import MINUTE, MetricStore
from local.context import Request
from local.errors import AwsError

ACTIONS = ("OKActions", "AlarmActions", "InsufficientDataActions")

_DAY = 86_400
_SHORT_PERIODS = (10, 20, 30)
_MOST_METRICS = 10
_NOT_OFFERED = (
    "ThresholdMetricId",
    "EvaluationCriteria",
    "EvaluationWindow",
    "EvaluationInterval",
    "WarmUpConfiguration",
    "ActionConfiguration",
)
_CHOICES = {
    "ComparisonOperator": tuple(COMPARISONS),
    "TreatMissingData": MISSING_DATA,
    "EvaluateLowSampleCountPercentile": ("evaluate", "ignore"),
}


def check(request: Request) -> None:
    """Refuse what CloudWatch refuses of PutMetricAlarm, and what is not evaluated here.

    Raises AwsError ValidationError.
    """
    for member in _NOT_OFFERED:
        if member in request:
            raise invalid(f"{member} is not offered here.")
    for member in ("ComparisonOperator", "EvaluationPeriods", "Threshold"):
        if member not in request:
            raise invalid(f"Missing required parameter: {member}.")
    for member, choices in _CHOICES.items():
        if request.get(member, choices[0]) not in choices:
            raise invalid(f"{member} must be one of {', '.join(choices)} here.")
    check_actions(request)
    _check_metrics(request) if "Metrics" in request else _check_metric(request)
    if request.get("DatapointsToAlarm", 1) > request["EvaluationPeriods"]:
        raise invalid("Datapoints to alarm must not be greater than evaluation periods.")
    seconds = period(request)
    if seconds not in _SHORT_PERIODS and (seconds < MINUTE or seconds % MINUTE):
        raise invalid(f"The period of an alarm is {seconds}; it must be 10, 20, 30 or a multiple of 60 seconds.")
    if seconds * request["EvaluationPeriods"] > (_DAY if seconds < 3600 else 7 * _DAY):
        raise invalid("Period multiplied by EvaluationPeriods must not be more than one day (seven for whole hours).")


def check_actions(request: Request) -> None:
    """Refuse an action that is no ARN. Raises AwsError ValidationError."""
    for action in [action for member in ACTIONS for action in request.get(member, ())]:
        if action.count(":") < 5 or not action.startswith("arn:"):
            raise invalid(f"Invalid arn syntax: {action}")


def _check_metrics(request: Request) -> None:
    if any(member in request for member in ("MetricName", "Namespace", "Statistic", "ExtendedStatistic", "Period")):
        raise invalid("Metrics cannot be used together with MetricName, Namespace, Statistic or Period.")
    asked = queries(request)
    if len(asked.returned()) != 1:
        raise invalid("Exactly one element of the metrics list should return data.")
    if sum("MetricStat" in query for query in request["Metrics"]) > _MOST_METRICS:
        raise invalid(f"An alarm must not have more than {_MOST_METRICS} metrics.")
    name = asked.returned()[0]["Id"]
    if len(asked.series(MetricStore(), name, 0, asked.period(name))) != 1:
        raise invalid(f"'{name}' must give one time series, not an array of them.")


def _check_metric(request: Request) -> None:
    if ("Statistic" in request) == ("ExtendedStatistic" in request):
        raise invalid("Exactly one of Statistic and ExtendedStatistic must be specified.")
    for member in ("MetricName", "Namespace", "Period"):
        if member not in request:
            raise invalid(f"Missing required parameter: {member}.")
    if is_percentile(check_statistic(statistic(request))) != ("ExtendedStatistic" in request):
        raise invalid("Statistic takes Average and its like; ExtendedStatistic takes percentiles such as p99.")


def statistic(alarm: Mapping[str, Any]) -> str:
    """The statistic of a single-metric alarm."""
    return str(alarm.get("Statistic") or alarm.get("ExtendedStatistic"))


def queries(alarm: Mapping[str, Any]) -> Queries:
    """What a metric-math alarm watches, as metric data queries."""
    return Queries(alarm["Metrics"])


def period(alarm: Mapping[str, Any]) -> int:
    """The length of the alarm's periods in seconds."""
    if "Metrics" not in alarm:
        return int(alarm["Period"])
    asked = queries(alarm)
    return asked.period(asked.returned()[0]["Id"])


def rule(alarm: Mapping[str, Any]) -> Rule:
    """How the alarm is evaluated."""
    enough = 0.0
    if alarm.get("EvaluateLowSampleCountPercentile") == "ignore" and "ExtendedStatistic" in alarm:
        percent = float(alarm["ExtendedStatistic"][1:])
        rare = min(percent, 100 - percent)
        enough = 1000 / rare if rare else float("inf")
    return Rule(
        alarm["ComparisonOperator"],
        alarm["Threshold"],
        alarm["EvaluationPeriods"],
        alarm.get("DatapointsToAlarm"),
        alarm.get("TreatMissingData", "missing"),
        enough,
    )


def invalid(message: str) -> AwsError:
    """What CloudWatch answers to an alarm that it does not take."""
    return AwsError("ValidationError", message)
