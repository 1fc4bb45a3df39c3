"""What PutMetricAlarm accepts, and what an alarm's definition says about its evaluation. Pure.

Source: the API reference of PutMetricAlarm. It must never accept what this stand-in does not evaluate: an alarm that
looks accepted and cannot fire is the worst answer.
"""

from typing import Any

from local.cloudwatch.evaluation import COMPARISONS, MISSING_DATA, Rule
from local.cloudwatch.queries import Queries, check_period
from local.cloudwatch.statistics import check_statistic, is_percentile
from local.context import Request
from local.errors import AwsError

METRIC_ID = "metric"
"""The id that stands for the one metric of an alarm without Metrics."""

_DAY = 86_400
_NOT_OFFERED = (
    "ThresholdMetricId",
    "EvaluationCriteria",
    "EvaluationWindow",
    "EvaluationInterval",
    "WarmUpConfiguration",
)


def check(request: Request) -> None:
    """Refuse what CloudWatch refuses of PutMetricAlarm, and what is not evaluated here.

    Raises AwsError ValidationError.
    """
    for member in _NOT_OFFERED:
        if member in request:
            raise _invalid(f"{member} is not offered here.")
    for member in ("ComparisonOperator", "EvaluationPeriods", "Threshold"):
        if member not in request:
            raise _invalid(f"Missing required parameter: {member}.")
    if request["ComparisonOperator"] not in COMPARISONS:
        raise _invalid(f"ComparisonOperator must be one of {', '.join(COMPARISONS)} here.")
    if request.get("TreatMissingData", "missing") not in MISSING_DATA:
        raise _invalid(f"TreatMissingData must be one of {', '.join(MISSING_DATA)}.")
    _check_statistic(request)
    if request.get("DatapointsToAlarm", 1) > request["EvaluationPeriods"]:
        raise _invalid("Datapoints to alarm must not be greater than evaluation periods.")
    if period(request) * request["EvaluationPeriods"] > (_DAY if period(request) < 3600 else 7 * _DAY):
        raise _invalid("Period multiplied by EvaluationPeriods must not be more than one day (seven for whole hours).")


def _check_statistic(request: Request) -> None:
    if "Metrics" in request:
        if any(member in request for member in ("MetricName", "Namespace", "Statistic", "ExtendedStatistic", "Period")):
            raise _invalid("Metrics cannot be used together with MetricName, Namespace, Statistic or Period.")
        if len(queries(request).returned()) != 1:
            raise _invalid("Exactly one element of the metrics list should return data.")
        return
    if ("Statistic" in request) == ("ExtendedStatistic" in request):
        raise _invalid("Exactly one of Statistic and ExtendedStatistic must be specified.")
    for member in ("MetricName", "Namespace", "Period"):
        if member not in request:
            raise _invalid(f"Missing required parameter: {member}.")
    check_period(request["Period"])
    if is_percentile(check_statistic(statistic(request))) != ("ExtendedStatistic" in request):
        raise _invalid("Statistic takes Average and its like; ExtendedStatistic takes percentiles such as p99.")


def statistic(alarm: Request) -> str:
    """The statistic of a single-metric alarm."""
    return str(alarm.get("Statistic") or alarm.get("ExtendedStatistic"))


def queries(alarm: Request) -> Queries:
    """What the alarm watches, as metric data queries."""
    return Queries(alarm["Metrics"])


def period(alarm: Request) -> int:
    """The length of the alarm's periods in seconds."""
    if "Metrics" not in alarm:
        return int(alarm["Period"])
    asked = queries(alarm)
    return asked.period(asked.returned()[0]["Id"])


def rule(alarm: Request) -> Rule:
    """How the alarm is evaluated."""
    enough = 0.0
    if alarm.get("EvaluateLowSampleCountPercentile") == "ignore" and "ExtendedStatistic" in alarm:
        share = float(alarm["ExtendedStatistic"][1:]) / 100
        rare = min(share, 1 - share)
        enough = 10 / rare if rare else float("inf")
    return Rule(
        alarm["ComparisonOperator"],
        alarm["Threshold"],
        alarm["EvaluationPeriods"],
        alarm.get("DatapointsToAlarm"),
        alarm.get("TreatMissingData", "missing"),
        enough,
    )


def event_configuration(alarm: Request) -> dict[str, Any]:
    """The alarm's metrics as the CloudWatch Alarm State Change event spells them."""
    if "Metrics" in alarm:
        return {"metrics": [_event_query(query) for query in alarm["Metrics"]]}
    metric = {**{k: alarm.get(k) for k in ("Namespace", "MetricName", "Dimensions")}}
    stat = {"Metric": metric, "Period": alarm["Period"], "Stat": statistic(alarm)}
    return {"metrics": [_event_query({"Id": METRIC_ID, "MetricStat": stat, "ReturnData": True})]}


def _event_query(query: dict[str, Any]) -> dict[str, Any]:
    shown: dict[str, Any] = {"id": query["Id"], "returnData": query.get("ReturnData", True)}
    if "Expression" in query:
        return {**shown, "expression": query["Expression"]}
    asked = query["MetricStat"]
    metric = {
        "namespace": asked["Metric"]["Namespace"],
        "name": asked["Metric"]["MetricName"],
        "dimensions": {item["Name"]: item["Value"] for item in asked["Metric"].get("Dimensions") or ()},
    }
    return {**shown, "metricStat": {"metric": metric, "period": asked["Period"], "stat": asked["Stat"]}}


def _invalid(message: str) -> AwsError:
    return AwsError("ValidationError", message)
