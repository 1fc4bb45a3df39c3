"""What a finished process means: why it failed, and the metrics its log holds.

Sources: botocore's documentation of FailureReason, ExitMessage and MetricDefinition. Pure: it is given the texts.
"""

import re
from datetime import datetime
from typing import Any

from local.jobs.job import JobError

MESSAGE_LIMIT = 1024
_TAIL = 700


def failure_reason(exit_code: int, failure: str, log: str) -> str:
    """SageMaker's FailureReason: what the script wrote to /opt/ml/output/failure, else the end of its log."""
    code = 128 - exit_code if exit_code < 0 else exit_code
    said = failure.strip() or _tail(log) or "the script wrote nothing"
    ending = f", exit code: {code}"
    return f"AlgorithmError: {said}"[: MESSAGE_LIMIT - len(ending)] + ending


def compile_metrics(definitions: list[dict[str, str]]) -> dict[str, re.Pattern[str]]:
    """The patterns by metric name. Raises JobError for one that is no regular expression or has no group."""
    patterns = {}
    for definition in definitions:
        name, text = definition["Name"], definition["Regex"]
        try:
            patterns[name] = re.compile(text)
        except re.error as error:
            raise JobError(f"MetricDefinition {name}: {text} is not a regular expression: {error}") from error
        if not patterns[name].groups:
            raise JobError(f"MetricDefinition {name}: {text} has no group (...) around the number.")
    return patterns


def final_metrics(patterns: dict[str, re.Pattern[str]], log: str, now: datetime) -> list[dict[str, Any]]:
    """FinalMetricDataList: the last number each pattern finds in the log."""
    metrics = []
    for name, pattern in patterns.items():
        numbers = [number for match in pattern.finditer(log) if (number := _number(match.group(1))) is not None]
        if numbers:
            metrics.append({"MetricName": name, "Value": numbers[-1], "Timestamp": now})
    return metrics


def _number(text: str) -> float | None:
    try:
        return float(text)
    except (TypeError, ValueError):
        return None


def _tail(log: str) -> str:
    """The last whole lines that fit: a traceback's point is its last line."""
    lines = log.rstrip()[-_TAIL:]
    return lines if len(log.rstrip()) <= _TAIL else lines.partition("\n")[2] or lines
