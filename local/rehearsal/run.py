"""One rehearsal from beginning to end: the stand-in up, the story's acts one after the other, the reports written.

It runs commands, plays the people, and compares how acts ended with how the story tells them. It must never decide a
rollout: the project and the stand-in do.
"""

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local.rehearsal.acts import collect, play, prepare
from local.rehearsal.narrator import Narrator
from local.rehearsal.pace import advice, held
from local.rehearsal.page import write_page
from local.rehearsal.problems import RehearsalError
from local.rehearsal.report import Report, write_whole
from local.rehearsal.scene import Scene
from local.rehearsal.story import read
from local.rehearsal.wishes import Wishes, retold
from local.server import running


async def rehearse(wishes: Wishes, narrator: Narrator | None = None) -> int:
    """Rehearse; 0 when every act ended as the story tells, 1 otherwise. Raises RehearsalError when it cannot go on."""
    story = retold(read(wishes.story), wishes)
    narrator = narrator or Narrator()
    started = time.monotonic()
    report = Report(story.title, story.speed, wishes.seed)
    with only_one(wishes.out):
        narrator.title(f"{story.title}  (SageMaker on this machine, its clock x {story.speed:g})")
        async with running(speed=story.speed, seed=wishes.seed, unverified=wishes.unverified) as local:
            scene = await Scene.of(story, local, narrator, report, wishes)
            approvals = await prepare(scene)
            for number, act in enumerate(story.acts, 1):
                await play(scene, approvals, number, act)
            await collect(scene)
            report.clock_held_seconds = round(local.context.clock.held_seconds, 2)
        report.wall_seconds = round(time.monotonic() - started, 1)
        report.write(wishes.out / "report.json")
        write_page(wishes.out / "report.html", report)
    narrator.title(_ending(report))
    if report.delays:
        narrator.say(advice(report.delays, report.speed), good=False)
    if note := held(report.clock_held_seconds):
        narrator.say(note)
    write_whole(wishes.out / "transcript.txt", "".join(narrator.told).lstrip())
    narrator.say(f"{wishes.out / 'report.html'} shows it, {wishes.out / 'report.json'} holds the numbers")
    return 0 if report.as_told else 1


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
