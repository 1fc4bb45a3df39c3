"""SageMaker Pipelines' operations, by their names: pipelines and their versions; executions are `executions`.

It must never interpret a definition itself. Sources: the API reference of CreatePipeline, UpdatePipeline and their
neighbours.
"""

import asyncio
import random
from typing import Any

from local.context import Context, Request, Response
from local.errors import not_found, validation
from local.idempotency import Tokens
from local.jobs import Jobs
from local.jobs.job import JobError
from local.listing import page
from local.pipelines import answers
from local.pipelines.definition import parse
from local.pipelines.executions import Executions
from local.pipelines.pipeline import Pipeline
from local.pipelines.steps import CreateModelPackage, Steps
from local.pipelines.versions import Versions

_DEFINITIONS = {"PipelineDefinition", "PipelineDefinitionS3Location"}
_CHANGEABLE = ("PipelineDisplayName", "PipelineDescription", "RoleArn", "ParallelismConfiguration")


class Pipelines:
    """Every pipeline by name.

    `chance` names executions, and so their jobs; `tags` is the table, by ARN, that creation tags are written into.
    """

    def __init__(
        self,
        context: Context,
        jobs: Jobs,
        create_model_package: CreateModelPackage,
        chance: random.Random | None = None,
        tags: dict[str, Any] | None = None,
    ) -> None:
        self._context = context
        self._jobs = jobs
        self._tags = {} if tags is None else tags
        self._tokens = Tokens()
        self._pipelines: dict[str, Pipeline] = {}
        chance = chance or random.Random()
        executions = Executions(context, Steps(context, jobs, create_model_package), self._pipeline, chance)
        self._executions = executions
        self.start_pipeline_execution = executions.start
        self.describe_pipeline_execution = executions.describe
        self.list_pipeline_executions = executions.summaries
        self.list_pipeline_execution_steps = executions.steps
        self.list_pipeline_parameters_for_execution = executions.parameters
        self.describe_pipeline_definition_for_execution = executions.definition
        self.update_pipeline_execution = executions.update
        self.stop_pipeline_execution = executions.stop
        self.retry_pipeline_execution = executions.retry

    async def create_pipeline(self, request: Request) -> Response:
        """A new pipeline. Raises a ValidationException for a taken name or a definition that cannot be executed."""
        if earlier := self._tokens.find("CreatePipeline", request):
            return earlier
        name, text = request["PipelineName"], await self._definition_text(request)
        if name in self._pipelines:
            raise validation(
                f"Pipeline names must be unique within an AWS account and region. Pipeline with name ({name}) "
                "already exists."
            )
        now, arn = self._context.clock.now(), self._context.arn(f"pipeline/{name}")
        versions = Versions(arn)
        versions.add(text, parse(text), now, request.get("PipelineVersionAliases", []))
        described = {
            "PipelineArn": arn,
            "PipelineName": name,
            "PipelineDisplayName": name,
            **{member: request.get(member) for member in _CHANGEABLE if member in request},
            "ParallelismConfiguration": request.get("ParallelismConfiguration"),
            "PipelineStatus": "Active",
            "CreationTime": now,
            "LastModifiedTime": now,
            "CreatedBy": {},
            "LastModifiedBy": {},
        }
        self._pipelines[name] = Pipeline(described, versions)
        self._tags[arn] = list(request.get("Tags", []))
        return self._tokens.keep("CreatePipeline", request, {"PipelineArn": arn})

    async def update_pipeline(self, request: Request) -> Response:
        """Change what the request names; another definition is a new version. Executions that run keep theirs."""
        pipeline = self._pipeline(request["PipelineName"])
        versions, aliases = pipeline.versions, request.get("PipelineVersionAliases", [])
        text = await self._definition_text(request) if _DEFINITIONS & set(request) else versions.latest.text
        if text == versions.latest.text and aliases:
            raise validation(
                "PipelineVersionAliases can be given only when the definition changes; use UpdatePipelineVersion."
            )
        now = self._context.clock.now()
        if text != versions.latest.text:
            versions.add(text, parse(text), now, aliases)
        pipeline.described |= {member: request[member] for member in _CHANGEABLE if member in request}
        pipeline.described["LastModifiedTime"] = now
        return {"PipelineArn": pipeline.arn, "PipelineVersionId": versions.latest.number}

    def describe_pipeline(self, request: Request) -> Response:
        """The pipeline, by name or ARN, as it is now or was in a version."""
        pipeline = self._pipeline(request["PipelineName"])
        return {**pipeline.answer(), **pipeline.versions.find(request).described()}

    def delete_pipeline(self, request: Request) -> Response:
        """Remove a pipeline, and its executions. Raises ConflictException while one runs."""
        return self._tokens.once("DeletePipeline", request, self._delete)

    def list_pipelines(self, request: Request) -> Response:
        """Summaries by prefix and time; newest first unless the request says otherwise."""
        prefix = request.get("PipelineNamePrefix", "")
        found = [pipeline.answer() for name, pipeline in self._pipelines.items() if name.startswith(prefix)]
        found = [] if request.get("ManagedBy") == "AWS" else found
        return page(
            [{**answer, "LastExecutionTime": answer["LastRunTime"]} for answer in found],
            answers.times(request),
            kind="Pipeline",
            members=answers.PIPELINE_SUMMARY,
            result="PipelineSummaries",
        )

    def list_pipeline_versions(self, request: Request) -> Response:
        """The versions of a pipeline, newest first unless the request says otherwise."""
        pipeline = self._pipeline(request["PipelineName"])
        summaries = [version.summary(pipeline.arn) for version in pipeline.versions.all]
        return page(
            summaries,
            answers.times(request),
            kind="PipelineVersion",
            members=list(summaries[0]),
            result="PipelineVersionSummaries",
        )

    def update_pipeline_version(self, request: Request) -> Response:
        """Change a version's name, description and aliases."""
        pipeline = self._pipeline(request["PipelineArn"])
        return {"PipelineArn": pipeline.arn, "PipelineVersionId": pipeline.versions.update(request).number}

    async def close(self) -> None:
        """Stop what runs and return when no process of it is left."""
        self._jobs.hurry()
        await self._executions.close()

    def _delete(self, request: Request) -> Response:
        pipeline = self._pipeline(request["PipelineName"])
        self._executions.forget(pipeline)
        del self._pipelines[pipeline.described["PipelineName"]]
        self._tags.pop(pipeline.arn, None)
        return {"PipelineArn": pipeline.arn}

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

    def _pipeline(self, name_or_arn: str) -> Pipeline:
        name = name_or_arn.rpartition("/")[2]
        if name not in self._pipelines:
            raise not_found(f"Pipeline '{self._context.arn(f'pipeline/{name}')}' does not exist.")
        return self._pipelines[name]
