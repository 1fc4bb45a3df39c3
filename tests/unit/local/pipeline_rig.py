"""What tests of executions share: pipelines whose clock runs 60 times as fast, with scripts in line as their steps."""

import asyncio
import json
import random

from local.clock import Clock
from local.context import Context
from local.errors import validation
from local.jobs import Jobs
from local.pipelines import Pipelines
from local.unverified import assume

ROLE = "arn:aws:iam::111122223333:role/role"
PIPELINE = "arn:aws:sagemaker:us-east-1:111122223333:pipeline/loop"


class World:
    """Pipelines whose clock runs 60 times as fast, and the events they sent."""

    def __init__(self, server, folder, *choices):
        self.events = []
        emit = lambda kind, arns, detail: self.events.append((kind, arns, detail))  # noqa: E731
        where = (Clock(speed=60), "us-east-1", "111122223333", folder, server)
        self.context = Context(*where, emit, unverified=assume(choices))
        self.jobs = Jobs(self.context)
        self.pipelines = Pipelines(self.context, self.jobs, self.refuse, random.Random(7))

    @staticmethod
    def refuse(request):
        raise validation(f"Model Package Group {request['ModelPackageGroupName']} does not exist.")

    async def create(self, *steps, parameters=(), **more):
        text = definition(*steps, parameters=parameters)
        await self.pipelines.create_pipeline({"PipelineName": "loop", "PipelineDefinition": text, **more})

    async def update(self, *steps, **more):
        request = {"PipelineName": "loop", "PipelineDefinition": definition(*steps), **more}
        return await self.pipelines.update_pipeline(request)

    def start(self, **more):
        return self.pipelines.start_pipeline_execution({"PipelineName": "loop", **more})["PipelineExecutionArn"]

    async def finish(self, arn):
        """Wait for the end; returns the description and the steps by name."""
        request = {"PipelineExecutionArn": arn}
        described = self.pipelines.describe_pipeline_execution(request)
        while described["PipelineExecutionStatus"] in ("Executing", "Stopping"):
            await asyncio.sleep(0.01)
            described = self.pipelines.describe_pipeline_execution(request)
        return described, {step["StepName"]: step for step in self.steps(arn)}

    def steps(self, arn):
        return self.pipelines.list_pipeline_execution_steps({"PipelineExecutionArn": arn})["PipelineExecutionSteps"]

    async def run(self, **more):
        return await self.finish(self.start(**more))


def play(server, folder, story, *choices):
    """Run one story, `async def story(world)`, and close the world after it."""

    async def whole():
        world = World(server, folder, *choices)
        try:
            await story(world)
        finally:
            await world.pipelines.close()

    asyncio.run(whole())


def definition(*steps, parameters=()):
    return json.dumps({"Version": "2020-12-01", "Parameters": list(parameters), "Steps": list(steps)})


def script(name, code, *arguments, **more):
    """A Processing step that runs a line of Python."""
    return {
        "Name": name,
        "Type": "Processing",
        "Arguments": {
            "ProcessingResources": {
                "ClusterConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 30}
            },
            "AppSpecification": {
                "ImageUri": "image",
                "ContainerEntrypoint": ["python3", "-c", code],
                "ContainerArguments": ["argument", *arguments],
            },
            "RoleArn": ROLE,
        },
        **more,
    }


def condition(name, conditions, if_steps=(), else_steps=()):
    arguments = {"Conditions": conditions, "IfSteps": list(if_steps), "ElseSteps": list(else_steps)}
    return {"Name": name, "Type": "Condition", "Arguments": arguments}


def fail(name, message):
    return {"Name": name, "Type": "Fail", "Arguments": {"ErrorMessage": message}}


def statuses(steps):
    return {name: step["StepStatus"] for name, step in steps.items()}
