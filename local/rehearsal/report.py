"""What a rehearsal measured, as data and as report.json. Units are in the names.

Nothing is computed here that was not measured in the run; it must never write a report of half a rehearsal as if whole.
"""

import contextlib
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from local.rehearsal.problems import RehearsalError


@dataclass(frozen=True)
class Requests:
    """Requests during a rollout, from CloudWatch: both fleets, the new one, and how many were answered 4xx or 5xx."""

    total: int
    green: int
    failed: int
    failed_green: int


@dataclass(frozen=True)
class ActReport:
    """One rollout: what was expected, how it ended and why, and its minutes for the picture."""

    name: str
    stage: str
    strategy: str
    fault: str | None
    model_package_arn: str
    outcome: str
    expected: str
    reasons: list[str]
    rollout_seconds: float
    verdict_seconds: float | None
    requests: Requests
    minutes: list[dict[str, float | None]] = field(default_factory=list)
    moments: list[dict[str, Any]] = field(default_factory=list)


@dataclass
class Report:
    """The whole rehearsal. `as_told`: every act ended as its story says; `surprises` says which did not."""

    title: str
    speed: float
    seed: int
    acts: list[ActReport] = field(default_factory=list)
    packages: list[dict[str, Any]] = field(default_factory=list)
    pipeline_executions: list[dict[str, Any]] = field(default_factory=list)
    surprises: list[str] = field(default_factory=list)
    wall_seconds: float = 0.0

    @property
    def as_told(self) -> bool:
        """No act ended otherwise than the story tells."""
        return not self.surprises

    def write(self, path: Path) -> None:
        """Write report.json whole, or not at all."""
        text = json.dumps({**asdict(self), "as_told": self.as_told}, indent=2)
        write_whole(path, text + "\n")


def write_whole(path: Path, text: str) -> None:
    """Write a file so that nobody ever sees half of it. Raises RehearsalError when it cannot be written."""
    partial = path.with_suffix(path.suffix + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_text(text)
        partial.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            partial.unlink()
        raise RehearsalError(f"{path} cannot be written: {error.strerror}") from error
