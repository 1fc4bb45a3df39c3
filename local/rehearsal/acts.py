"""Plays the acts: train, and when the model passes, approve it and release exactly that package stage by stage.

What it knows it reads back through AWS operations. It must never tell an outcome that it did not observe.
"""

import asyncio

from local.rehearsal import harm, people, readback
from local.rehearsal.problems import RehearsalError
from local.rehearsal.report import ActReport, write_whole
from local.rehearsal.rollout import roll_out, roll_out_again
from local.rehearsal.scene import Scene
from local.rehearsal.story import Act, Release
from local.rehearsal.traffic import Traffic
from local.rehearsal.training import train
from local.rehearsal.watch import Watcher

EVENT_SECONDS = 10  # real seconds an approval's event may take


async def prepare(scene: Scene) -> people.Release:
    """The bucket, the data, the pipeline, and the queue that approvals arrive in; every stage's policy is checked."""
    await asyncio.to_thread(scene.s3.create_bucket, Bucket=scene.story.bucket)
    scene.tell.working(" and ".join(scene.story.prepare))

    async def one(command: str) -> None:
        await scene.command(command)
        scene.tell.say(command, good=True)

    try:
        async with asyncio.TaskGroup() as group:
            for stage in {release.stage for act in scene.story.acts for release in act.releases}:
                check = scene.story.check.format(stage=stage) + scene.settings()
                group.create_task(scene.command(check, accept=(0, 1)))
            for command in scene.story.prepare:
                group.create_task(one(command))
    except* RehearsalError as failed:
        raise failed.exceptions[0] from None
    client = scene.local.context.client
    names = scene.story.model_package_group
    return await asyncio.to_thread(lambda: people.listen(client("events"), client("sqs"), names))


async def play(scene: Scene, approvals: people.Release, number: int, act: Act) -> None:
    """Train as the act says; release what passed, stage by stage, until one does not take it."""
    scene.tell.act(number, act.title, act.tells)
    with harm.during(scene, act, {"jobs": None, "events": None}):
        trained = await train(scene, act)
        if trained is not None and act.releases:
            harm.check(act, trained.traffic)
            harm.begin(scene, act, "container", trained.package)
            package = await _approve(scene, approvals, trained.package)
            await _release(scene, approvals, act, package, trained.traffic)


async def _release(scene: Scene, approvals: people.Release, act: Act, package: str, traffic: Traffic) -> None:
    watcher = Watcher(scene.local)
    untouched = {r.endpoint: watcher.config(r.endpoint) for r in act.releases if r.expect == "untouched"}
    played: list[tuple[Release, ActReport]] = []
    for release in act.releases:
        if release.expect == "untouched":
            continue
        with harm.during(scene, act, harm.around(release.endpoint)):
            played.append((release, await roll_out(scene, watcher, act, release, package, traffic)))
        if played[-1][1].outcome not in ("created", "promoted"):
            break
    while played:
        again = await asyncio.to_thread(approvals.next_approved, 0)
        if again is None:
            break
        await roll_out_again(scene, watcher, *played[-1])
    for endpoint, before in untouched.items():
        same = watcher.config(endpoint) == before
        scene.tell.say(f"{endpoint} {'never saw it: still on' if same else 'CHANGED from'} {before}", good=same)
        scene.expect(same, f"{endpoint} was changed by “{act.title}”")


async def collect(scene: Scene) -> None:
    """Read the registry back into the report, and keep each version's evaluation report beside it."""
    group = scene.story.model_package_group
    scene.report.packages = await asyncio.to_thread(readback.packages, scene.sagemaker, scene.read, group)
    for package in scene.report.packages:
        text = await asyncio.to_thread(scene.read, package["evaluation_report"])
        package["evaluation_report"] = f"evaluation-of-version-{package['version']}.html"
        write_whole(scene.wishes.out / package["evaluation_report"], text)


async def _approve(scene: Scene, approvals: people.Release, package: str) -> str:
    """Approve, and wait for the event that says so; the ARN it carries."""
    await asyncio.to_thread(people.approve, scene.sagemaker, package, "approved in a rehearsal")
    approved = await asyncio.to_thread(approvals.next_approved, EVENT_SECONDS)
    if approved is None:
        raise RehearsalError(f"no event came {EVENT_SECONDS} s after {package} was approved")
    scene.tell.say(f"approved by a person; the event starts the release of {approved.partition('/')[2]}", good=True)
    return approved
