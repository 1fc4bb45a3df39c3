"""The first half of an act: the pipeline runs, and its own condition decides whether there is a model to release."""

import asyncio
import json
import random
import shlex
from dataclasses import dataclass

from local.rehearsal import readback
from local.rehearsal.scene import Scene, json_of
from local.rehearsal.story import Act
from local.rehearsal.traffic import Traffic, rows_of

TRAFFIC_BYTES = 4_000_000


@dataclass(frozen=True)
class Trained:
    """A registered package, and the requests that will be sent while it is released."""

    package: str
    traffic: Traffic


async def train(scene: Scene, act: Act) -> Trained | None:
    """Run the pipeline as the act says; None when it ended without a package."""
    settings = "".join(f" --set {shlex.quote(f'{name}={value}')}" for name, value in act.parameters.items())
    scene.tell.working("training")

    def listen(line: str) -> None:
        if line.startswith("  "):
            scene.tell.working(line.strip())

    result = json_of(await scene.command(scene.story.train + settings, listen, accept=(0, 1)))
    speed = scene.local.context.clock.speed
    execution = await asyncio.to_thread(readback.execution, scene.sagemaker, result["execution"], speed)
    scene.report.pipeline_executions.append(execution)
    as_told = result["status"] == act.expect_pipeline
    scene.expect(as_told, f"the pipeline of “{act.title}” ended {result['status']}")
    if execution["model_package_arn"] is None:
        scene.tell.say(f"the pipeline ended {result['status']}: {result['reason']}", good=as_told)
        return None
    await _tell(scene, execution["model_package_arn"])
    return Trained(execution["model_package_arn"], await asyncio.to_thread(_traffic, scene, result["execution"]))


async def _tell(scene: Scene, package: str) -> None:
    """The steps' times, and what the evaluation measured."""
    described = await asyncio.to_thread(scene.sagemaker.describe_model_package, ModelPackageName=package)
    uri = described["ModelMetrics"]["ModelQuality"]["Statistics"]["S3Uri"]
    quality = json.loads(await asyncio.to_thread(scene.read, uri))
    steps = scene.report.pipeline_executions[-1]["steps"]
    times = ", ".join(f"{s['name']} {'cached' if s['cached'] else format(s['seconds'], '.1f') + ' s'}" for s in steps)
    scene.tell.say(times, good=True)
    champion = quality.get("champion")
    beside = f"; the champion's on the same flights is {readback.auc(champion):.4f}" if champion else ""
    version = described["ModelPackageVersion"]
    scene.tell.say(f"version {version} registered: AUC {readback.auc(quality):.4f}{beside}", good=True)


def _traffic(scene: Scene, execution: str) -> Traffic:
    """The requests to come: the first weeks of the story's output of this execution.

    They are shuffled, so that the few minutes of a bake hold all hours of a day, as a bake of days would.
    """
    wanted = scene.story.traffic
    uri = readback.output_uri(scene.sagemaker, execution, wanted.step, wanted.output)
    rows = rows_of(scene.read(f"{uri}/{wanted.output}.csv", TRAFFIC_BYTES), wanted.drop)
    random.Random(scene.wishes.seed).shuffle(rows)
    context = scene.local.context
    return Traffic(context.endpoint_url, context.clock, wanted.requests_per_minute, rows, scene.local.faults)
