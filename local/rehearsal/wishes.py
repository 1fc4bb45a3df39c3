"""What the person who starts a rehearsal asks for, and the story as that changes it. It must never run anything."""

from dataclasses import dataclass
from pathlib import Path

from local.faults import Fault, FaultError, parse_all
from local.rehearsal.problems import RehearsalError
from local.rehearsal.story import Act, Release, Story
from local.unverified import DEFAULTS, Unverified

HEALTHY = "none"
_WORST_LAST = ("promoted", "inconclusive", "rolled_back", "failed", "untouched")


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
    expect: str | None = None
    unverified: Unverified = DEFAULTS


def retold(story: Story, wishes: Wishes) -> Story:
    """The story as the wishes change it: another clock, or other faults in the acts that have some.

    A story without a fault gets them in its last act that releases something. Raises RehearsalError.
    """
    if wishes.speed is not None:
        story = story.model_copy(update={"speed": wishes.speed})
    if wishes.fault is None:
        return story
    faults = _faults(wishes.fault)
    expected = wishes.expect or max((fault.expect for fault in faults), key=_WORST_LAST.index, default="promoted")
    chosen = [act for act in story.acts if act.fault] or [act for act in story.acts if act.releases][-1:]
    acts = tuple(_with_faults(act, faults, expected) if act in chosen else act for act in story.acts)
    return story.model_copy(update={"acts": acts})


def _faults(text: str) -> tuple[Fault, ...]:
    if text == HEALTHY:
        return ()
    try:
        return parse_all(text)
    except FaultError as error:
        raise RehearsalError(f"--fault {text}: {error}", 2) from error


def _with_faults(act: Act, faults: tuple[Fault, ...], expected: str) -> Act:
    """The act with these faults instead of its own. What the first stage does not take, the others never see.

    What not even the first stage sees has no package: its pipeline fails.
    """
    releases: list[Release] = []
    for release in act.releases:
        now = "untouched" if releases and expected != "promoted" else expected
        kept = release.expect == "created" and now == "promoted"
        releases.append(release if kept else release.model_copy(update={"expect": now}))
    pipeline = "Failed" if expected == "untouched" else act.expect_pipeline
    faulty = {"fault": tuple(map(str, faults)), "releases": tuple(releases), "expect_pipeline": pipeline}
    return act.model_copy(update=faulty)
