"""The rig of the CloudWatch tests: one whose clock stands at noon until a test moves it, and short ways to ask it."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from local.clock import Clock
from local.cloudwatch import CloudWatch
from local.context import Context
from local.unverified import DEFAULTS, Unverified

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


class StillClock(Clock):
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        super().__init__()
        self.moment = NOON.timestamp()

    def time(self) -> float:
        return self.moment


class Rig:
    """A CloudWatch at noon, and the events it sent."""

    def __init__(self, folder: Path, unverified: Unverified = DEFAULTS) -> None:
        self.clock = StillClock()
        self.context = Context(
            self.clock, "us-east-1", "111122223333", folder, "http://127.0.0.1:1", lambda *event: None,
            unverified=unverified,
        )  # fmt: skip
        self.events: list[Any] = []
        self.cloudwatch = CloudWatch(self.context, lambda *event: self.events.append(event))

    def put(self, minute: float, *values: float, name: str = "M", **more: Any) -> None:
        """Publish values some minutes after noon."""
        datum = {"MetricName": name, "Timestamp": NOON + timedelta(minutes=minute), "Values": list(values), **more}
        self.cloudwatch.put_metric_data({"Namespace": "Test", "MetricData": [datum]})

    def data(self, *queries: dict[str, Any], minutes: float = 5, **more: Any) -> dict[str, Any]:
        """GetMetricData from noon on, oldest first."""
        end = NOON + timedelta(minutes=minutes)
        times = {"StartTime": NOON, "EndTime": end, "ScanBy": "TimestampAscending"}
        return self.cloudwatch.get_metric_data({"MetricDataQueries": list(queries), **times, **more})

    def values(self, *queries: dict[str, Any], minutes: float = 5) -> list[list[float]]:
        """The values of each returned query, oldest first."""
        return [result["Values"] for result in self.data(*queries, minutes=minutes)["MetricDataResults"]]

    def pass_to(self, seconds: int) -> None:
        """Let AWS time go on to so many seconds after noon, evaluating alarms every ten."""
        noon = int(NOON.timestamp())
        for end in range(int(self.clock.moment) // 10 * 10 + 10, noon + seconds + 1, 10):
            self.clock.moment = float(end)
            self.cloudwatch.evaluate(end)

    def alarm(self, name: str = "errors", kind: str = "MetricAlarm") -> dict[str, Any]:
        """An alarm as DescribeAlarms shows it."""
        answer = self.cloudwatch.describe_alarms({"AlarmNames": [name], "AlarmTypes": [kind]})
        (alarm,) = answer[f"{kind}s"]
        return alarm

    def history(self, **request: Any) -> list[dict[str, Any]]:
        """DescribeAlarmHistory, newest first."""
        return self.cloudwatch.describe_alarm_history(request)["AlarmHistoryItems"]


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path)


def dimensions(**values: str) -> list[dict[str, str]]:
    """Dimensions as requests spell them."""
    return [{"Name": name, "Value": value} for name, value in values.items()]


def metric(
    query_id: str, name: str = "M", stat: str = "Sum", *, period: int = 60, shown: bool = True
) -> dict[str, Any]:
    """A MetricDataQuery of a metric without dimensions."""
    asked = {"Metric": {"Namespace": "Test", "MetricName": name}, "Period": period, "Stat": stat}
    return {"Id": query_id, "MetricStat": asked, "ReturnData": shown}
