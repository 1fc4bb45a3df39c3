"""What a rehearsal measured, as data and as report.json. Units are in the names.

Nothing is computed here that was not measured in the run; it must never write a report of half a rehearsal as if whole.
"""

import contextlib
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from local.rehearsal.pace import Pace
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
    """One rollout: what was expected, how it ended and why, and its minutes for the picture.

    `fired` are the alarms of the new fleet that were the first in ALARM; `pace` is how its traffic kept up.
    """

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
    pace: Pace = field(default_factory=Pace)
    fired: list[str] = field(default_factory=list)
    minutes: list[dict[str, float | None]] = field(default_factory=list)
    moments: list[dict[str, Any]] = field(default_factory=list)


@dataclass
class Report:
    """The whole rehearsal. `as_told`: every act ended as its story says; `surprises` says which did not.

    `delays` says what the machine was too slow for; `clock_held_seconds` is how long AWS's clock stood still, in real
    seconds.
    """

    title: str
    speed: float
    seed: int
    acts: list[ActReport] = field(default_factory=list)
    packages: list[dict[str, Any]] = field(default_factory=list)
    pipeline_executions: list[dict[str, Any]] = field(default_factory=list)
    surprises: list[str] = field(default_factory=list)
    delays: list[str] = field(default_factory=list)
    clock_held_seconds: float = 0.0
    wall_seconds: float = 0.0

    @property
    def as_told(self) -> bool:
        """No act ended otherwise than the story tells."""
        return not self.surprises

    @property
    def decisions(self) -> dict[str, Any]:
        """What the same story with the same seed decides again, on any machine that keeps up, at any speed."""
        return {
            "pipelines": [
                {"status": execution["status"], "steps": {step["name"]: step["status"] for step in execution["steps"]}}
                for execution in self.pipeline_executions
            ],
            "rollouts": [
                {"act": act.name, "stage": act.stage, "outcome": act.outcome, "fired": act.fired} for act in self.acts
            ],
            "packages": [
                {name: package[name] for name in ("version", "approval_status", "lifecycle")}
                for package in self.packages
            ],
        }

    def write(self, path: Path) -> None:
        """Write report.json whole, or not at all."""
        derived = {"as_told": self.as_told, "kept_up": not self.delays, "decisions": self.decisions}
        text = json.dumps({**asdict(self), **derived}, indent=2)
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
