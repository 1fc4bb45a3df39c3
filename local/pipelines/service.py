"""SageMaker Pipelines' operations: pipelines and their executions.

Each public method answers the AWS operation of its name. It must never interpret a definition itself.
"""

import asyncio
import contextlib
import os
import random
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from local.context import Context, Request, Response
from local.errors import AwsError, not_found, validation
from local.jobs import Jobs
from local.jobs.job import JobError
from local.pipelines import answers, parameters
from local.pipelines.definition import Definition, parse
from local.pipelines.execution import Execution
from local.pipelines.steps import CreateModelPackage, Steps, identifier

_NOT_OFFERED = ("PipelineVersionId", "PipelineVersionAlias", "SelectiveExecutionConfig")


@dataclass
class _Pipeline:
    described: Response
    definition: Definition
    version: int = 1
    token: str | None = None
    executions: list[Execution] = field(default_factory=list)


class Pipelines:
    """Every pipeline by name and every execution by ARN. `chance` names executions and jobs."""

    def __init__(
        self,
        context: Context,
        jobs: Jobs,
        create_model_package: CreateModelPackage,
        chance: random.Random | None = None,
    ) -> None:
        self._context = context
        self._chance = chance or random.Random()
        self._jobs = jobs
        self._steps = Steps(context, jobs, create_model_package, self._chance)
        self._pipelines: dict[str, _Pipeline] = {}
        self._executions: dict[str, Execution] = {}
        self._tokens: dict[str, str] = {}

    async def create_pipeline(self, request: Request) -> Response:
        """A new pipeline. Raises a ValidationException for a taken name or a definition that cannot be executed."""
        name, token = request["PipelineName"], request.get("ClientRequestToken")
        arn = self._context.arn(f"pipeline/{name}")
        text = await self._definition_text(request)
        existing = self._pipelines.get(name)
        if existing and token and existing.token == token:
            return {"PipelineArn": arn}
        if existing:
            raise validation(
                f"Pipeline names must be unique within an AWS account and region. Pipeline with name ({name}) "
                "already exists."
            )
        definition, now = parse(text), self._context.clock.now()
        described = {
            "PipelineArn": arn,
            "PipelineName": name,
            "PipelineDisplayName": request.get("PipelineDisplayName", name),
            "PipelineDefinition": text,
            "PipelineDescription": request.get("PipelineDescription"),
            "RoleArn": request.get("RoleArn"),
            "PipelineStatus": "Active",
            "CreationTime": now,
            "LastModifiedTime": now,
            "CreatedBy": {},
            "LastModifiedBy": {},
            "ParallelismConfiguration": request.get("ParallelismConfiguration"),
        }
        self._pipelines[name] = _Pipeline(described, definition, token=token)
        return {"PipelineArn": arn}

    async def update_pipeline(self, request: Request) -> Response:
        """Change what the request names; executions that run keep the definition they started with."""
        pipeline = self._pipeline(request["PipelineName"])
        changes = {m: v for m, v in request.items() if m in pipeline.described and m != "PipelineName"}
        if {"PipelineDefinition", "PipelineDefinitionS3Location"} & set(request):
            changes["PipelineDefinition"] = await self._definition_text(request)
            pipeline.definition = parse(changes["PipelineDefinition"])
        pipeline.described |= changes | {"LastModifiedTime": self._context.clock.now()}
        pipeline.version += 1
        return {"PipelineArn": pipeline.described["PipelineArn"], "PipelineVersionId": pipeline.version}

    def describe_pipeline(self, request: Request) -> Response:
        """The pipeline, by name or ARN, as it is now."""
        pipeline = self._pipeline(request["PipelineName"])
        return {**pipeline.described, "LastRunTime": _last_run(pipeline)}

    def delete_pipeline(self, request: Request) -> Response:
        """Remove a pipeline, and its executions. Raises ConflictException while one runs."""
        pipeline = self._pipeline(request["PipelineName"])
        running = [e.arn for e in pipeline.executions if e.status in ("Executing", "Stopping")]
        if running:
            raise AwsError("ConflictException", f"Pipeline cannot be deleted while it runs: {', '.join(running)}.")
        for execution in pipeline.executions:
            del self._executions[execution.arn]
        del self._pipelines[pipeline.described["PipelineName"]]
        return {"PipelineArn": pipeline.described["PipelineArn"]}

    def list_pipelines(self, request: Request) -> Response:
        """Summaries by prefix and time; newest first unless the request says otherwise."""
        found = [
            {
                "PipelineArn": p.described["PipelineArn"],
                "PipelineName": name,
                "PipelineDisplayName": p.described["PipelineDisplayName"],
                "PipelineDescription": p.described["PipelineDescription"],
                "RoleArn": p.described["RoleArn"],
                "CreationTime": p.described["CreationTime"],
                "LastModifiedTime": p.described["LastModifiedTime"],
                "LastExecutionTime": _last_run(p),
            }
            for name, p in self._pipelines.items()
            if name.startswith(request.get("PipelineNamePrefix", "")) and _within(p.described["CreationTime"], request)
        ]
        by_name = request.get("SortBy") == "Name"
        found.sort(key=lambda summary: summary["PipelineName" if by_name else "CreationTime"])
        return answers.page("PipelineSummaries", _ordered(found, request), request)

    async def start_pipeline_execution(self, request: Request) -> Response:
        """Start an execution; the same ClientRequestToken gets the same one. Raises a ValidationException."""
        token = request.get("ClientRequestToken")
        if token in self._tokens:
            return {"PipelineExecutionArn": self._tokens[token]}
        refused = [member for member in _NOT_OFFERED if member in request]
        if refused:
            raise validation(f"{', '.join(refused)} is not offered here: an execution runs the whole current pipeline.")
        pipeline = self._pipeline(request["PipelineName"])
        values = parameters.bind(pipeline.definition.parameters, request.get("PipelineParameters", []))
        described = pipeline.described
        arn = f"{described['PipelineArn']}/execution/{identifier(12, self._chance)}"
        parallelism = request.get("ParallelismConfiguration") or described["ParallelismConfiguration"] or {}
        execution = Execution(
            context=self._context,
            steps=self._steps,
            pipeline=described,
            arn=arn,
            text=described["PipelineDefinition"],
            definition=pipeline.definition,
            parameters=values,
            request=request,
            parallel=parallelism.get("MaxParallelExecutionSteps", os.cpu_count() or 1),
        )
        pipeline.executions.append(execution)
        self._executions[arn] = execution
        if token:
            self._tokens[token] = arn
        return {"PipelineExecutionArn": arn}

    def describe_pipeline_execution(self, request: Request) -> Response:
        """Where it stands, and why it failed."""
        return answers.execution(self._execution(request))

    def list_pipeline_executions(self, request: Request) -> Response:
        """The pipeline's executions, newest first unless the request says otherwise."""
        executions = self._pipeline(request["PipelineName"]).executions
        found = [answers.execution_summary(e) for e in executions if _within(e.created, request)]
        if request.get("SortBy") == "PipelineExecutionArn":
            found.sort(key=lambda summary: summary["PipelineExecutionArn"])
        return answers.page("PipelineExecutionSummaries", _ordered(found, request), request)

    def list_pipeline_execution_steps(self, request: Request) -> Response:
        """The steps that have started, the last one first unless the request says otherwise."""
        steps = [answers.step(run) for run in self._execution(request).runs.values()]
        return answers.page("PipelineExecutionSteps", _ordered(steps, request), request)

    def list_pipeline_parameters_for_execution(self, request: Request) -> Response:
        """Every parameter with the value it runs with, defaults too."""
        return answers.page("PipelineParameters", answers.parameters(self._execution(request)), request)

    def describe_pipeline_definition_for_execution(self, request: Request) -> Response:
        """The definition it runs, whatever the pipeline has become since."""
        execution = self._execution(request)
        return {"PipelineDefinition": execution.text, "CreationTime": execution.created}

    def stop_pipeline_execution(self, request: Request) -> Response:
        """Begin to stop it; it is Stopped when its jobs are gone. Raises ConflictException when it has ended."""
        execution = self._execution(request)
        execution.stop()
        return {"PipelineExecutionArn": execution.arn}

    async def close(self) -> None:
        """Stop what runs and return when no process of it is left."""
        self._jobs.hurry()
        for execution in self._executions.values():
            with contextlib.suppress(AwsError):
                execution.stop()
        await asyncio.gather(*(execution.wait() for execution in self._executions.values()))

    async def _definition_text(self, request: Request) -> str:
        location = request.get("PipelineDefinitionS3Location")
        if ("PipelineDefinition" in request) == (location is not None):
            raise validation("Exactly one of PipelineDefinition and PipelineDefinitionS3Location is needed.")
        if location is None:
            return str(request["PipelineDefinition"])
        uri = f"s3://{location['Bucket']}/{location['ObjectKey']}"
        try:
            return (await asyncio.to_thread(self._jobs.storage.read, uri)).decode()
        except (JobError, UnicodeDecodeError) as error:
            raise validation(f"PipelineDefinitionS3Location cannot be read: {error}") from error

    def _pipeline(self, name_or_arn: str) -> _Pipeline:
        name = name_or_arn.rpartition("/")[2]
        if name not in self._pipelines:
            raise not_found(f"Pipeline '{self._context.arn(f'pipeline/{name}')}' does not exist.")
        return self._pipelines[name]

    def _execution(self, request: Request) -> Execution:
        arn = request["PipelineExecutionArn"]
        if arn not in self._executions:
            raise not_found(f"Pipeline execution '{arn}' does not exist.")
        return self._executions[arn]


def _last_run(pipeline: _Pipeline) -> datetime | None:
    return pipeline.executions[-1].created if pipeline.executions else None


def _within(moment: datetime, request: Request) -> bool:
    after, before = request.get("CreatedAfter"), request.get("CreatedBefore")
    return (after is None or moment > after) and (before is None or moment < before)


def _ordered(items: list[Any], request: Request) -> list[Any]:
    return items if request.get("SortOrder") == "Ascending" else items[::-1]
