"""One execution of a pipeline: starts what can start, at most so many steps at once, until nothing can.

One that failed can be retried: what succeeded stays, the rest begins anew. It asks `graph` what comes next and `Steps`
to do it, keeps the record, and sends an `event` for each change. Source: the API reference of StartPipelineExecution,
StopPipelineExecution and RetryPipelineExecution. It must never interpret a step's arguments.
"""

import asyncio
import logging
from collections.abc import Collection, Mapping
from typing import Any

from local.context import Context, Response
from local.errors import AwsError
from local.pipelines import event, graph
from local.pipelines.expressions import Scope
from local.pipelines.steps import StepError, StepRun, Steps, Surroundings, timestamp
from local.pipelines.versions import Version

_REASON_LIMIT = 1300
_STEP_REASON_LIMIT = 1024
_CHANGEABLE = ("PipelineExecutionDescription", "PipelineExecutionDisplayName", "ParallelismConfiguration")
_log = logging.getLogger("local")


class Execution:
    """A running or finished execution of a version of its pipeline. `request` is StartPipelineExecution's.

    Of the version's steps it runs those that are `selected`, and takes the results of others from `reused` runs.
    """

    def __init__(
        self,
        context: Context,
        steps: Steps,
        pipeline: Mapping[str, str],
        arn: str,
        version: Version,
        selected: Collection[str],
        reused: Mapping[str, StepRun],
        parameters: Mapping[str, Any],
        request: Mapping[str, Any],
        parallel: int,
    ) -> None:
        self.arn = arn
        self.text = version.text
        self.version = version.number
        self.parameters = parameters
        self.request = request
        self.status = "Executing"
        self.failure_reason: str | None = None
        self.created = self.modified = context.clock.now()
        self.runs: dict[str, StepRun] = dict(reused)
        self._context = context
        self._steps = steps
        self._pipeline = pipeline
        self._selected = {name: step for name, step in version.definition.steps.items() if name in selected}
        self._parallel = parallel
        self._round = 0
        self._tasks: dict[asyncio.Task[None], StepRun] = {}
        self._announce(None)
        self._finished = asyncio.create_task(self._run(), name=arn)

    @property
    def pipeline_arn(self) -> str:
        """The ARN of the pipeline it executes."""
        return self._pipeline["PipelineArn"]

    def stop(self) -> None:
        """Stop it: no step starts any more, and what runs is ended. Raises ConflictException when it has ended."""
        if self.status != "Executing":
            raise AwsError("ConflictException", f"{self.arn} is {self.status}; only an Executing one can be stopped.")
        self._become("Stopping")
        for task, run in self._tasks.items():
            self._step_becomes(run, "Stopping")
            task.cancel()

    def retry(self, request: Mapping[str, Any]) -> None:
        """Go on with what has not succeeded. Raises ConflictException for one that cannot be retried."""
        allowed = ("Failed", "Stopped") if self._context.unverified.retry_stopped_execution == "allow" else ("Failed",)
        if self.status not in allowed:
            said = f"{self.arn} is {self.status}; only a {' or '.join(allowed)} one can be retried."
            raise AwsError("ConflictException", said)
        ended_by = [run.step.name for run in self.runs.values() if run.step.type == "Fail"]
        if ended_by:
            said = f"{self.arn} was ended by its Fail step {ended_by[0]}; such an execution cannot be retried"
            raise AwsError("ConflictException", f"{said}: start another.")
        self.update({member: value for member, value in request.items() if member == "ParallelismConfiguration"})
        self.runs = {name: run for name, run in self.runs.items() if run.status == "Succeeded"}
        self.failure_reason = None
        self._round += 1
        self._become("Executing")
        self._finished = asyncio.create_task(self._run(), name=self.arn)

    def update(self, changes: Mapping[str, Any]) -> None:
        """Change its description, its display name, or how many steps run at once from now on."""
        self.request = {**self.request, **{m: v for m, v in changes.items() if m in _CHANGEABLE}}
        if "ParallelismConfiguration" in changes:
            self._parallel = changes["ParallelismConfiguration"]["MaxParallelExecutionSteps"]
        self.modified = self._context.clock.now()

    async def wait(self) -> None:
        """Return when it has ended."""
        await asyncio.shield(self._finished)

    async def _run(self) -> None:
        while True:
            for name in self._ready():
                run = self.runs[name] = StepRun(
                    self._selected[name], started=self._context.clock.now(), round=self._round
                )
                self._announce_step(run, None)
                self._tasks[asyncio.create_task(self._step(run), name=f"{self.arn} {name}")] = run
            if not self._tasks:
                break
            done, _ = await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                self._end_step(self._tasks.pop(task), task)
        self._end()

    def _ready(self) -> list[str]:
        if self.status != "Executing":
            return []
        statuses = {name: run.status for name, run in self.runs.items()}
        outcomes = {
            name: run.properties["Outcome"]
            for name, run in self.runs.items()
            if run.step.type == "Condition" and run.status == "Succeeded"
        }
        room = self._parallel - len(self._tasks)
        return graph.ready(self._selected, statuses, outcomes)[: max(room, 0)]

    async def _step(self, run: StepRun) -> None:
        self._step_becomes(run, "Executing")
        execution = {
            "PipelineName": self._pipeline["PipelineName"],
            "PipelineArn": self.pipeline_arn,
            "PipelineExecutionArn": self.arn,
            "PipelineExecutionId": self.arn.rpartition("/")[2],
            "StartDateTime": timestamp(self.created),
        }
        properties = {name: r.properties for name, r in self.runs.items() if r.status == "Succeeded"}
        scope = Scope(self.parameters, execution, properties)
        await self._steps.run(run, Surroundings(self.pipeline_arn, self.arn, scope))

    def _end_step(self, run: StepRun, task: asyncio.Task[None]) -> None:
        run.ended = self._context.clock.now()
        error = None if task.cancelled() else task.exception()
        if error:
            known = isinstance(error, StepError)
            run.failure_reason = str(error if known else f"InternalFailure: {error!r}")[:_STEP_REASON_LIMIT]
            if not known:
                _log.error("step %s of %s", run.step.name, self.arn, exc_info=error)
        self._step_becomes(run, "Stopped" if task.cancelled() else "Failed" if error else "Succeeded")

    def _end(self) -> None:
        failed = [run for run in self.runs.values() if run.status == "Failed"]
        if self.status == "Stopping":
            self._become("Stopped")
        elif failed:
            messages = [run.metadata["Fail"]["ErrorMessage"] for run in failed if "Fail" in run.metadata]
            names = ", ".join(run.step.name for run in failed)
            reason = " ".join(messages) or f"Step failure: One or multiple steps failed. ({names})"
            self.failure_reason = reason[:_REASON_LIMIT]
            self._become("Failed")
        else:
            self._become("Succeeded")

    def _become(self, status: str) -> None:
        previous, self.status, self.modified = self.status, status, self._context.clock.now()
        self._announce(previous)

    def _step_becomes(self, run: StepRun, status: str) -> None:
        previous, run.status, self.modified = run.status, status, self._context.clock.now()
        self._announce_step(run, previous)

    def _announce(self, previous: str | None) -> None:
        ended = None if self.status in ("Executing", "Stopping") else self.modified
        self._emit(event.EXECUTION, event.execution(self.request, self.status, previous, self.created, ended))

    def _announce_step(self, run: StepRun, previous: str | None) -> None:
        self._emit(event.STEP, event.step(run, previous))

    def _emit(self, kind: str, detail: Response) -> None:
        arns = {"pipelineArn": self.pipeline_arn, "pipelineExecutionArn": self.arn}
        self._context.emit(kind, list(arns.values()), detail | arns)
