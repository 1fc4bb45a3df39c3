"""Does what one step says: starts the job, evaluates the conditions, registers the model, or fails.

It is given a step whose dependencies have succeeded, resolves its arguments, and fills in the step's record. It must
never decide which step comes next.
"""

import asyncio
import dataclasses
import inspect
import json
import random
import re
import string
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from botocore.validate import ParamValidator
from moto.core.utils import get_service_model

from local import wire
from local.context import Context, Request, Response
from local.errors import AwsError, validation
from local.faults.jobs import StepFault
from local.jobs import Jobs, trouble
from local.jobs.job import JobError, Kind, describe
from local.jobs.trouble import Trouble
from local.pipelines import caching, conditions, retries
from local.pipelines.conditions import ConditionError
from local.pipelines.definition import Step
from local.pipelines.expressions import ExpressionError, Scope, documents, resolve

CreateModelPackage = Callable[[Request], Response | Awaitable[Response]]
_JOBS: Mapping[str, Kind] = {"Processing": "ProcessingJob", "Training": "TrainingJob"}
_NAME_LIMIT = 63
_ALPHABET = string.ascii_lowercase + string.digits


class StepError(Exception):
    """The step's FailureReason, and the trouble of AWS's, if any, that it tells of."""

    def __init__(self, reason: str, trouble: Trouble | None = None) -> None:
        super().__init__(reason)
        self.trouble = trouble


@dataclass
class StepRun:
    """One step in one execution, as ListPipelineExecutionSteps shows it; `properties` is what later steps can Get.

    `round` counts how often the execution was retried before, `attempts` how often the step was tried since.
    """

    step: Step
    status: str = "Starting"
    started: datetime | None = None
    ended: datetime | None = None
    failure_reason: str | None = None
    metadata: dict[str, Any] = field(default_factory=dict)
    cache_source: str | None = None
    selected_from: str | None = None
    round: int = 0
    attempts: int = 0
    properties: dict[str, Any] = field(default_factory=dict)

    def reused_from(self, execution_arn: str) -> "StepRun":
        """The same run, as a selective execution shows it that reuses its results."""
        return dataclasses.replace(self, selected_from=execution_arn)


@dataclass(frozen=True)
class Surroundings:
    """The execution a step runs in: `scope` sees what has succeeded so far."""

    pipeline_arn: str
    execution_arn: str
    scope: Scope

    @property
    def execution_id(self) -> str:
        """The last part of the execution's ARN."""
        return self.execution_arn.rpartition("/")[2]


def identifier(length: int, chance: random.Random) -> str:
    """Lower-case letters and digits, as AWS makes execution ids and job suffixes."""
    return "".join(chance.choices(_ALPHABET, k=length))


def job_name(execution_id: str, run: StepRun) -> str:
    """`pipelines-<execution>-<step>-<suffix>`; the step's name is cut and cleaned to what a job name may be.

    The suffix follows from the rest, so that the order in which steps happen to run does not matter.
    """
    step = run.step.name
    suffix = identifier(10, random.Random(f"{execution_id} {step} {run.round} {run.attempts}"))
    room = _NAME_LIMIT - len(f"pipelines-{execution_id}--{suffix}")
    cleaned = re.sub(r"[^A-Za-z0-9-]", "-", step)[:room].strip("-") or "step"
    return f"pipelines-{execution_id}-{cleaned}-{suffix}"


def checked(operation: str, request: Request) -> Request:
    """The request, if AWS would take it: no unknown member, no wrong type, bound or pattern. Raises StepError."""
    model = get_service_model("sagemaker").operation_model(operation)
    report = ParamValidator().validate(request, model.input_shape)
    if report.has_errors():
        raise _refused(operation, validation(report.generate_report()))
    try:
        return wire.parse(wire.Asked("sagemaker", operation, "json"), json.dumps(request).encode())
    except AwsError as error:
        raise _refused(operation, error) from error


def _refused(operation: str, error: AwsError) -> StepError:
    reason = f"ClientError: Failed to invoke sagemaker:{operation}. Error Details: {error.message}"
    return StepError(reason, trouble.of_answer(error))


class Steps:
    """Runs steps of any type. One for all executions, as jobs and the cache are shared."""

    def __init__(self, context: Context, jobs: Jobs, create_model_package: CreateModelPackage) -> None:
        self._context = context
        self._jobs = jobs
        self._create_model_package = create_model_package
        self._cache = caching.Cache()
        self._kinds = {
            "Processing": self._job,
            "Training": self._job,
            "Condition": self._condition,
            "RegisterModel": self._register,
            "Fail": self._fail,
        }

    async def run(self, run: StepRun, around: Surroundings) -> None:
        """Do the step, again as often as its retry policies say. Raises StepError."""
        clock = self._context.clock
        began, troubles = clock.time(), list[Trouble | None]()
        while True:
            run.attempts += 1
            try:
                await self._attempt(run, around)
            except StepError as error:
                troubles.append(error.trouble)
                seconds = retries.wait(run.step.retry_policies, troubles, clock.time() - began)
                if seconds is None:
                    raise
            else:
                return
            await clock.sleep(seconds)

    async def _attempt(self, run: StepRun, around: Surroundings) -> None:
        for fault in self._jobs.faults.of(StepFault, run.step.name):
            if fault.hits(run.step.name):
                raise StepError(f"ClientError: the rehearsal makes the step {run.step.name} fail ({fault}).")
        try:
            await self._kinds[run.step.type](run, around)
        except (ConditionError, ExpressionError, JobError) as error:
            raise StepError(str(error)) from error

    async def _job(self, run: StepRun, around: Surroundings) -> None:
        step, kind = run.step, _JOBS[run.step.type]
        name = job_name(around.execution_id, run)
        arguments = await self._resolved(step.arguments, around.scope, {f"{step.type}JobName": name})
        request = checked(f"Create{kind}", {**arguments, f"{kind}Name": name})
        key = caching.key(step.type, request)
        reused = step.cached and self._cache.find(
            around.pipeline_arn, step.name, key, self._context.clock.now(), step.expire_after
        )
        if reused:
            run.cache_source = reused.execution_arn
            run.metadata, run.properties = dict(reused.metadata), dict(reused.properties)
            return
        try:
            job = self._jobs.start(kind, request)
        except AwsError as error:
            raise _refused(f"Create{kind}", error) from error
        run.metadata = {kind: {"Arn": job.arn}}
        await self._jobs.over(job)
        if job.status != "Completed":
            reason = job.failure_reason or f"{kind} {name} is {job.status}."
            raise StepError(reason, trouble.of_reason(reason))
        run.properties = describe(job)
        run.properties["PropertyFiles"] = {
            file["PropertyFileName"]: _property_file(run.properties, file) for file in step.property_files
        }
        kept = caching.Run(around.execution_arn, self._context.clock.now(), run.metadata, run.properties)
        self._cache.keep(around.pipeline_arn, step.name, key, kept)

    async def _condition(self, run: StepRun, around: Surroundings) -> None:
        arguments = await self._resolved(run.step.arguments, around.scope)
        outcome = conditions.holds(arguments["Conditions"])
        run.metadata = {"Condition": {"Outcome": str(outcome)}}
        run.properties = {"Outcome": outcome}

    async def _register(self, run: StepRun, around: Surroundings) -> None:
        request = checked("CreateModelPackage", await self._resolved(run.step.arguments, around.scope))
        try:
            answer = self._create_model_package(request)
            arn = (await answer if inspect.isawaitable(answer) else answer)["ModelPackageArn"]
        except AwsError as error:
            raise _refused("CreateModelPackage", error) from error
        run.metadata = {"RegisterModel": {"Arn": arn}}
        run.properties = {**request, "ModelPackageArn": arn}

    async def _fail(self, run: StepRun, around: Surroundings) -> None:
        message = str((await self._resolved(run.step.arguments, around.scope))["ErrorMessage"])
        run.metadata = {"Fail": {"ErrorMessage": message}}
        raise StepError(message)

    async def _resolved(self, arguments: Any, scope: Scope, variables: Mapping[str, str] | None = None) -> Any:
        now = timestamp(self._context.clock.now())
        execution = {**scope.execution, "CurrentDateTime": now, **(variables or {})}
        scope = Scope(scope.parameters, execution, scope.steps)
        read = {uri: await asyncio.to_thread(self._document, uri) for uri in documents(arguments, scope)}
        return resolve(arguments, Scope(scope.parameters, execution, scope.steps, read))

    def _document(self, uri: str) -> Any:
        try:
            return json.loads(self._jobs.storage.read(uri))
        except ValueError as error:
            raise ExpressionError(f"{uri} is not JSON: {error}") from error


def timestamp(moment: datetime) -> str:
    """ISO 8601 in UTC to the millisecond."""
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def _property_file(described: Mapping[str, Any], file: Mapping[str, str]) -> str:
    outputs = described["ProcessingOutputConfig"]["Outputs"]
    output = next(output for output in outputs if output["OutputName"] == file["OutputName"])
    return f"{output['S3Output']['S3Uri'].rstrip('/')}/{file['FilePath']}"
