"""CloudWatch on this machine: its operations, and the loop that evaluates alarms as AWS time goes by.

It must never know who publishes a metric or who watches an alarm.
"""

import asyncio
from collections.abc import Callable

from local.cloudwatch.alarm_operations import AlarmOperations
from local.cloudwatch.dashboards import DashboardOperations
from local.cloudwatch.metrics import MetricOperations
from local.cloudwatch.store import MINUTE
from local.cloudwatch.watch import HIGH_RESOLUTION_STEP
from local.context import Context
from local.events import Emit

EVALUATION_LAG_SECONDS = 5.0
"""How long after the end of a period it is evaluated, so that its last samples are in."""


class CloudWatch(MetricOperations, AlarmOperations, DashboardOperations):
    """Metrics, alarms and dashboards. `emit` sends the events of alarms to EventBridge.

    `after_minute` is called with the end of each minute that was evaluated (epoch seconds).
    """

    def __init__(self, context: Context, emit: Emit = lambda *event: None) -> None:
        MetricOperations.__init__(self, context)
        AlarmOperations.__init__(self, context, self._store, emit)
        DashboardOperations.__init__(self, context)
        self.after_minute: list[Callable[[int], None]] = []

    async def run(self) -> None:
        """Evaluate alarms and perform their actions until cancelled."""
        async with asyncio.TaskGroup() as both:
            both.create_task(self._evaluate())
            both.create_task(self.actions.run())

    async def _evaluate(self) -> None:
        """Every alarm that is due, at each step of AWS time in turn: none is left out, however late it is."""
        clock = self._context.clock
        end = int(clock.time()) // HIGH_RESOLUTION_STEP * HIGH_RESOLUTION_STEP
        while True:
            end += HIGH_RESOLUTION_STEP
            await clock.sleep(end + EVALUATION_LAG_SECONDS - clock.time())
            self.evaluate(end)

    def evaluate(self, end: int) -> None:
        """Evaluate every alarm that is due at `end` (epoch seconds, a whole ten); tell who waits for minutes."""
        self._alarms.evaluate(end)
        if end % MINUTE == 0:
            for act in self.after_minute:
                act(end)
