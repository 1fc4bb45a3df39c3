"""The operations on executions: start, all of it or a selection, watch, change, stop, and retry.

Sources: the API reference of StartPipelineExecution, RetryPipelineExecution and their neighbours. It must never
interpret a definition itself.
"""

import asyncio
import contextlib
import os
import random
from collections.abc import Callable

from local.context import Context, Request, Response
from local.errors import AwsError, not_found, validation
from local.idempotency import Tokens
from local.listing import cut, page
from local.pipelines import answers, parameters, selection
from local.pipelines.execution import Execution
from local.pipelines.pipeline import Pipeline
from local.pipelines.steps import StepRun, Steps, identifier
from local.pipelines.versions import Version

_SOURCES = ("Succeeded", "Failed")


class Executions:
    """Every execution by ARN. `find` finds a pipeline by name or ARN; `chance` names executions."""

    def __init__(self, context: Context, steps: Steps, find: Callable[[str], Pipeline], chance: random.Random) -> None:
        self._context = context
        self._steps = steps
        self._pipeline = find
        self._chance = chance
        self._executions: dict[str, Execution] = {}
        self._tokens = Tokens()

    def start(self, request: Request) -> Response:
        """Start an execution; the same ClientRequestToken gets the same one. Raises a ValidationException."""
        return self._tokens.once("StartPipelineExecution", request, self._start)

    def describe(self, request: Request) -> Response:
        """Where it stands, and why it failed."""
        return answers.execution(self._execution(request))

    def summaries(self, request: Request) -> Response:
        """The pipeline's executions, newest first unless the request says otherwise."""
        pipeline = self._pipeline(request["PipelineName"])
        executions = pipeline.executions
        if "PipelineVersionAlias" in request:
            number = pipeline.versions.find({"PipelineVersionAlias": request["PipelineVersionAlias"]}).number
            executions = [execution for execution in executions if execution.version == number]
        return page(
            [{"CreationTime": execution.created, **answers.execution_summary(execution)} for execution in executions],
            answers.times(request),
            kind="PipelineExecution",
            members=answers.EXECUTION_SUMMARY,
            result="PipelineExecutionSummaries",
        )

    def steps(self, request: Request) -> Response:
        """The steps that have started, the last one first unless the request says otherwise."""
        steps = [answers.step(run) for run in self._execution(request).runs.values()]
        ascending = request.get("SortOrder") == "Ascending"
        return cut(steps if ascending else steps[::-1], request, "PipelineExecutionSteps")

    def parameters(self, request: Request) -> Response:
        """Every parameter with the value it runs with, defaults too."""
        return cut(answers.parameters(self._execution(request)), request, "PipelineParameters")

    def definition(self, request: Request) -> Response:
        """The definition it runs, whatever the pipeline has become since."""
        execution = self._execution(request)
        return {"PipelineDefinition": execution.text, "CreationTime": execution.created}

    def update(self, request: Request) -> Response:
        """Change its name, its description, or how many steps run at once: the steps that start from now on."""
        execution = self._execution(request)
        execution.update(request)
        return {"PipelineExecutionArn": execution.arn}

    def stop(self, request: Request) -> Response:
        """Begin to stop it; it is Stopped when its jobs are gone. Raises ConflictException when it has ended."""
        return self._tokens.once("StopPipelineExecution", request, self._stop)

    def retry(self, request: Request) -> Response:
        """Go on where it failed, with what had succeeded. Raises ConflictException when there is nothing to retry."""
        return self._tokens.once("RetryPipelineExecution", request, self._retry)

    def forget(self, pipeline: Pipeline) -> None:
        """Drop a pipeline's executions. Raises ConflictException while one runs."""
        running = [e.arn for e in pipeline.executions if e.status in ("Executing", "Stopping")]
        if running:
            raise AwsError("ConflictException", f"Pipeline cannot be deleted while it runs: {', '.join(running)}.")
        for execution in pipeline.executions:
            del self._executions[execution.arn]

    async def close(self) -> None:
        """Stop what runs and return when no process of it is left."""
        for execution in self._executions.values():
            with contextlib.suppress(AwsError):
                execution.stop()
        await asyncio.gather(*(execution.wait() for execution in self._executions.values()))

    def _start(self, request: Request) -> Response:
        if "RoleArn" in request:
            raise validation("RoleArn is for pipelines that AWS manages; an execution uses its pipeline's role.")
        pipeline = self._pipeline(request["PipelineName"])
        version = pipeline.versions.find(request)
        values = parameters.bind(version.definition.parameters, request.get("PipelineParameters", []))
        selected, reused = self._selected(request, pipeline, version)
        arn = f"{pipeline.arn}/execution/{identifier(12, self._chance)}"
        parallelism = request.get("ParallelismConfiguration") or pipeline.described["ParallelismConfiguration"] or {}
        execution = Execution(
            context=self._context,
            steps=self._steps,
            pipeline=pipeline.described,
            arn=arn,
            version=version,
            selected=selected,
            reused=reused,
            parameters=values,
            request=request,
            parallel=parallelism.get("MaxParallelExecutionSteps", os.cpu_count() or 1),
        )
        pipeline.executions.append(execution)
        version.last_execution = arn
        self._executions[arn] = execution
        return {"PipelineExecutionArn": arn}

    def _selected(
        self, request: Request, pipeline: Pipeline, version: Version
    ) -> tuple[frozenset[str], dict[str, StepRun]]:
        """The names of the steps to run, and the runs whose results they reuse."""
        steps = version.definition.steps
        config = request.get("SelectiveExecutionConfig")
        if config is None:
            return frozenset(steps), {}
        names = frozenset(item["StepName"] for item in config["SelectedSteps"])
        needs = selection.needed(steps, names)
        source = config.get("SourcePipelineExecutionArn")
        if source is None and needs:
            raise validation(
                f"Invalid SourcePipelineExecutionArn: null. The selected steps [{', '.join(sorted(names))}] have "
                f"dependencies on [{', '.join(sorted(needs))}]"
            )
        if source is None:
            return names, {}
        execution = next((e for e in pipeline.executions if e.arn == source and e.status in _SOURCES), None)
        if execution is None:
            said = f"{source} is not an execution of {pipeline.arn} that has succeeded or failed"
            raise validation(f"Invalid SourcePipelineExecutionArn: {said}.")
        succeeded = {name: run for name, run in execution.runs.items() if run.status == "Succeeded"}
        outcomes = {name: run.properties.get("Outcome") for name, run in succeeded.items()}
        selection.check_reusable({name: steps[name] for name in names}, needs, outcomes)
        return names, {name: succeeded[name].reused_from(source) for name in steps if name in needs}

    def _stop(self, request: Request) -> Response:
        execution = self._execution(request)
        execution.stop()
        return {"PipelineExecutionArn": execution.arn}

    def _retry(self, request: Request) -> Response:
        execution = self._execution(request)
        execution.retry(request)
        return {"PipelineExecutionArn": execution.arn}

    def _execution(self, request: Request) -> Execution:
        arn = request.get("PipelineExecutionArn", "")
        if arn not in self._executions:
            raise not_found(f"Pipeline execution '{arn}' does not exist.")
        return self._executions[arn]
