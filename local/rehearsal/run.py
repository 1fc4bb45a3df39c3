"""One rehearsal from beginning to end: the stand-in up, the story's acts one after the other, the reports written.

It runs commands, plays the people, and compares how acts ended with how the story tells them. It must never decide a
rollout: the project and the stand-in do.
"""

import fcntl
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from local.rehearsal.acts import collect, play, prepare
from local.rehearsal.narrator import Narrator
from local.rehearsal.page import write_page
from local.rehearsal.problems import RehearsalError
from local.rehearsal.report import Report, write_whole
from local.rehearsal.scene import Scene
from local.rehearsal.story import Act, Story, read
from local.server import running
from local.serving.faults import parse_fault


@dataclass(frozen=True)
class Wishes:
    """What the person who starts a rehearsal asks for; None leaves it to the story."""

    story: Path
    out: Path
    speed: float | None
    seed: int
    fault: str | None
    strategy: str | None
    settings: tuple[str, ...]


async def rehearse(wishes: Wishes, narrator: Narrator | None = None) -> int:
    """Rehearse; 0 when every act ended as the story tells, 1 otherwise. Raises RehearsalError when it cannot go on."""
    story = retold(read(wishes.story), wishes)
    narrator = narrator or Narrator()
    started = time.monotonic()
    report = Report(story.title, story.speed, wishes.seed)
    with only_one(wishes.out), tempfile.TemporaryDirectory(prefix="rehearsal-") as folder:
        narrator.title(f"{story.title}  (SageMaker on this machine, its clock x {story.speed:g})")
        async with running(Path(folder), speed=story.speed, seed=wishes.seed) as local:
            scene = await Scene.of(story, local, narrator, report, wishes)
            approvals = await prepare(scene)
            for number, act in enumerate(story.acts, 1):
                await play(scene, approvals, number, act)
            await collect(scene)
        report.wall_seconds = round(time.monotonic() - started, 1)
        report.write(wishes.out / "report.json")
        write_page(wishes.out / "report.html", report)
    narrator.title(_ending(report))
    write_whole(wishes.out / "transcript.txt", "".join(narrator.told).lstrip())
    narrator.say(f"{wishes.out / 'report.html'} shows it, {wishes.out / 'report.json'} holds the numbers")
    return 0 if report.as_told else 1


def retold(story: Story, wishes: Wishes) -> Story:
    """The story as the wishes change it: another clock, or another fault in the act that has one."""
    if wishes.speed is not None:
        story = story.model_copy(update={"speed": wishes.speed})
    if wishes.fault is None:
        return story
    healthy = wishes.fault == "none"
    if not healthy:
        try:
            parse_fault(wishes.fault)
        except ValueError as error:
            raise RehearsalError(f"--fault {wishes.fault}: {error}", 2) from error
    acts = tuple(_with_fault(act, None if healthy else wishes.fault) if act.fault else act for act in story.acts)
    return story.model_copy(update={"acts": acts})


def _with_fault(act: Act, fault: str | None) -> Act:
    if fault is not None:
        return act.model_copy(update={"fault": fault})
    releases = tuple(release.model_copy(update={"expect": "promoted"}) for release in act.releases)
    return act.model_copy(update={"fault": None, "releases": releases})


@contextmanager
def only_one(folder: Path) -> Iterator[None]:
    """Hold a folder while the block runs. Raises RehearsalError when another rehearsal does, or it cannot be made."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / ".lock").open("w")
    except OSError as error:
        raise RehearsalError(
            f"{folder} cannot be written to: {error.strerror}; choose another with --out", 2
        ) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise RehearsalError(f"another rehearsal is writing to {folder}; choose another with --out", 2) from error
        yield


def _ending(report: Report) -> str:
    if report.as_told:
        return f"Everything went as the story tells, in {report.wall_seconds:.0f} s."
    return "It did not go as the story tells: " + "; ".join(report.surprises)
