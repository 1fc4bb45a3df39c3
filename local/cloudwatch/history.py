"""What happened to alarms, as DescribeAlarmHistory tells it. It must never change an alarm.

CloudWatch keeps history for two weeks; here it is the newest ten thousand items.
Source: the API reference of DescribeAlarmHistory.
"""

import json
from collections import deque
from datetime import UTC, datetime
from typing import Any

from local.clock import Clock
from local.cloudwatch.wording import Alarm
from local.context import Request, Response

KEPT = 10_000
_METRIC_ALARM, _COMPOSITE_ALARM = "MetricAlarm", "CompositeAlarm"


def alarm_type(alarm: Alarm) -> str:
    """MetricAlarm or CompositeAlarm."""
    return _COMPOSITE_ALARM if "AlarmRule" in alarm else _METRIC_ALARM


class History:
    """The items of all alarms, oldest first."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._items: deque[Response] = deque(maxlen=KEPT)

    def add(self, alarm: Alarm, kind: str, summary: str, data: dict[str, Any]) -> None:
        """Remember a ConfigurationUpdate, a StateUpdate or an Action."""
        self._items.append(
            {
                "AlarmName": alarm["AlarmName"],
                "AlarmType": alarm_type(alarm),
                "Timestamp": self._clock.now(),
                "HistoryItemType": kind,
                "HistorySummary": summary,
                "HistoryData": json.dumps({"version": "1.0", **data}),
            }
        )

    def items(self, request: Request) -> list[Response]:
        """The items that DescribeAlarmHistory asks for, newest first unless ScanBy says otherwise."""
        wanted = {member: request.get(member) for member in ("AlarmName", "HistoryItemType")}
        types = request.get("AlarmTypes") or [_METRIC_ALARM]
        start = request.get("StartDate", datetime.min.replace(tzinfo=UTC))
        end = request.get("EndDate", datetime.max.replace(tzinfo=UTC))
        items = [
            item
            for item in self._items
            if item["AlarmType"] in types
            and all(value in (None, item[member]) for member, value in wanted.items())
            and start <= item["Timestamp"] <= end
        ]
        return items if request.get("ScanBy") == "TimestampAscending" else items[::-1]
