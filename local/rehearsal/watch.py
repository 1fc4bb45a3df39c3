"""What happens to an endpoint while it is being updated, measured from outside: DescribeEndpoint, CloudWatch, alarms.

A watcher only reads. What it writes down is what the live line, the report and the verdict's time are made of.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from local.context import Response
from local.errors import AwsError
from local.server import Running

LOOK_EVERY_SECONDS = 0.05  # real seconds: looking costs under a millisecond
MINUTE = 60


@dataclass(frozen=True)
class Look:
    """One look: the endpoint's status, what its fleets did in the last two minutes, and the alarms of the new fleet.

    `share`, `error_rate` are 0 to 1, of the new fleet; None when nothing was measured. `p99` in milliseconds.
    """

    at: float
    status: str
    config: str
    green: str | None
    phase: str
    share: float | None
    error_rate: float | None
    p99: float | None
    alarms: dict[str, str]


@dataclass
class Seen:
    """Everything a watcher saw of one rollout."""

    endpoint: str
    variant: str
    started: float
    before: str | None
    green: str | None = None
    first_green: float | None = None
    verdict: float | None = None
    looks: list[Look] = field(default_factory=list)

    def verdict_seconds(self) -> float | None:
        """AWS seconds from the first request that the new fleet answered to the end of the rollout."""
        if self.first_green is None or self.verdict is None:
            return None
        return self.verdict - self.first_green


class Watcher:
    """Watches endpoints through operations any client has, called in this process so that a look costs nothing."""

    def __init__(self, local: Running) -> None:
        self._clock = local.context.clock
        self._describe = local.services.hosting.describe_endpoint
        self._metrics = local.services.cloudwatch.get_metric_data
        self._alarms = local.services.cloudwatch.describe_alarms
        self._history = local.services.cloudwatch.describe_alarm_history

    @contextlib.asynccontextmanager
    async def watching(self, endpoint: str, show: Callable[[Seen, Look], None]) -> AsyncIterator[Seen]:
        """Watch while the block runs; each look is handed to `show`."""
        described = self.describe(endpoint)
        variant = described["ProductionVariants"][0]["VariantName"] if described else ""
        seen = Seen(endpoint, variant, self._clock.time(), described["EndpointConfigName"] if described else None)
        task = asyncio.create_task(self._watch(seen, show))
        try:
            yield seen
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    def describe(self, endpoint: str) -> Response | None:
        """DescribeEndpoint, or None when there is no such endpoint."""
        try:
            return self._describe({"EndpointName": endpoint})
        except AwsError:
            return None

    def config(self, endpoint: str) -> str | None:
        """The config an endpoint serves with, or None when there is no such endpoint."""
        described = self.describe(endpoint)
        return None if described is None else str(described["EndpointConfigName"])

    def total(self, seen: Seen, metric: str, config: str | None = None) -> int:
        """The sum of a metric over the rollout: of both fleets, or of one."""
        end = self._clock.time() + MINUTE
        values = self.series(seen, metric, "Sum", config, start=seen.started, end=end)
        return round(sum(value for _, value in values))

    def series(
        self, seen: Seen, metric: str, stat: str, config: str | None, *, start: float, end: float
    ) -> list[tuple[float, float]]:
        """(epoch second, value) by minute."""
        dimensions = [{"Name": "EndpointName", "Value": seen.endpoint}, {"Name": "VariantName", "Value": seen.variant}]
        if config is not None:
            dimensions.append({"Name": "EndpointConfigName", "Value": config})
        named = {"Namespace": "AWS/SageMaker", "MetricName": metric, "Dimensions": dimensions}
        answer = self._metrics(
            {
                "MetricDataQueries": [{"Id": "m", "MetricStat": {"Metric": named, "Period": MINUTE, "Stat": stat}}],
                "StartTime": datetime.fromtimestamp(start, UTC),
                "EndTime": datetime.fromtimestamp(end, UTC),
                "ScanBy": "TimestampAscending",
            }
        )
        found = answer["MetricDataResults"][0]
        return [(at.timestamp(), value) for at, value in zip(found["Timestamps"], found["Values"], strict=True)]

    def fired(self, seen: Seen) -> list[str]:
        """The alarms of the new fleet that went into ALARM first, in one and the same minute."""
        if seen.green is None:
            return []
        prefix = f"{seen.green}-"
        since = datetime.fromtimestamp(seen.started, UTC)
        items = self._history({"HistoryItemType": "StateUpdate", "StartDate": since, "ScanBy": "TimestampAscending"})
        fired = [
            (int(item["Timestamp"].timestamp()) // MINUTE, item["AlarmName"].removeprefix(prefix))
            for item in items["AlarmHistoryItems"]
            if item["AlarmName"].startswith(prefix) and item["HistorySummary"].endswith("to ALARM")
        ]
        return sorted({name for minute, name in fired if minute == fired[0][0]})

    async def _watch(self, seen: Seen, show: Callable[[Seen, Look], None]) -> None:
        while True:
            described = self.describe(seen.endpoint)
            if described:
                seen.variant = described["ProductionVariants"][0]["VariantName"]
                look = self._look(seen, described)
                self._note(seen, look)
                show(seen, look)
            await asyncio.sleep(LOOK_EVERY_SECONDS)

    def _look(self, seen: Seen, described: Response) -> Look:
        pending = described.get("PendingDeploymentSummary")
        if pending:
            seen.green = pending["EndpointConfigName"]
        now = self._clock.time()
        return Look(
            at=now,
            status=described["EndpointStatus"],
            config=described["EndpointConfigName"],
            green=seen.green,
            phase=_phase(pending),
            share=self._share(seen, now),
            error_rate=self._recent(seen, "Invocation5XXErrors", "Average", now),
            p99=self._recent(seen, "ModelLatency", "p99", now, scale=1000),
            alarms=self._alarm_states(seen.green),
        )

    def _recent(self, seen: Seen, metric: str, stat: str, now: float, scale: float = 1) -> float | None:
        if seen.green is None:
            return None
        values = self.series(seen, metric, stat, seen.green, start=now - MINUTE, end=now + 1)
        return values[-1][1] / scale if values else None

    def _share(self, seen: Seen, now: float) -> float | None:
        if seen.green is None:
            return None
        window = {"start": now - MINUTE, "end": now + 1}
        both = self.series(seen, "Invocations", "Sum", None, **window)
        green = dict(self.series(seen, "Invocations", "Sum", seen.green, **window))
        return green.get(both[-1][0], 0) / both[-1][1] if both and both[-1][1] else None

    def _alarm_states(self, config: str | None) -> dict[str, str]:
        if config is None:
            return {}
        found = self._alarms({"AlarmNamePrefix": f"{config}-"})["MetricAlarms"]
        return {alarm["AlarmName"].removeprefix(f"{config}-"): alarm["StateValue"] for alarm in found}

    def _note(self, seen: Seen, look: Look) -> None:
        """Keep the look when it shows something new, and the two moments a verdict's time is made of."""
        if seen.green and seen.first_green is None and self.total(seen, "Invocations", seen.green):
            seen.first_green = look.at
        ended = seen.green is not None and (look.status == "RollingBack" or (look.config == seen.green))
        rolled_back = seen.green is not None and look.status == "InService" and look.config != seen.green
        if seen.verdict is None and seen.first_green is not None and (ended or rolled_back):
            seen.verdict = look.at
        last = seen.looks[-1] if seen.looks else None
        if last is None or (last.status, last.phase, last.alarms) != (look.status, look.phase, look.alarms):
            seen.looks.append(look)


def _phase(pending: Response | None) -> str:
    """The new fleet's newest variant status: Creating, ActivatingTraffic, Baking, Deleting; or ""."""
    if not pending:
        return ""
    statuses = pending.get("ProductionVariants", [{}])[0].get("VariantStatus", [])
    return str(statuses[-1]["Status"]) if statuses else ""
