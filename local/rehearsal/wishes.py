"""What the person who starts a rehearsal asks for, and the story as that changes it. It must never run anything."""

from dataclasses import dataclass
from pathlib import Path

from local.rehearsal.problems import RehearsalError
from local.rehearsal.story import Act, Story
from local.serving.faults import parse_fault
from local.unverified import DEFAULTS, Unverified


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
    unverified: Unverified = DEFAULTS


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
