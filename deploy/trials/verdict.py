"""The verdict of a trial: what both sides answered, judged by the stage's guardrails. Pure.

This is the seam for better statistics: `judge` is given both sides' numbers and says good, bad or nothing yet. It must
never call a version good on less evidence than the stage asks for.
"""

from dataclasses import dataclass
from enum import StrEnum

from deploy.policy import Guardrails

MICROSECONDS = 1000


class Finding(StrEnum):
    """What a trial has shown."""

    GOOD = "good"
    BAD = "bad"


@dataclass(frozen=True)
class Sample:
    """What one side did: requests that it was sent, those it refused (4xx) and failed (5xx), p99 latency in µs."""

    requests: int = 0
    refused: int = 0
    failed: int = 0
    p99: float | None = None

    @property
    def answered(self) -> int:
        """Requests that prove something: those it refused do not."""
        return self.requests - self.refused

    @property
    def error_rate(self) -> float:
        """Share of the answered requests that failed."""
        return self.failed / self.answered if self.answered > 0 else 0.0

    def __str__(self) -> str:
        slowest = f", p99 {self.p99 / MICROSECONDS:.0f} ms" if self.p99 is not None else ""
        return f"{self.failed} of {self.answered} failed ({self.error_rate:.2%}){slowest}"


NOTHING = Sample()


@dataclass(frozen=True)
class Verdict:
    """The finding, None while there is none, and why, with the numbers of both sides."""

    finding: Finding | None
    reasons: tuple[str, ...]


def judge(rails: Guardrails, minimum: int, control: Sample, challenger: Sample, *, over: bool) -> Verdict:
    """What the trial shows so far; `over` when its time is up. A bad version is bad before that."""
    numbers = f"new version: {challenger}; serving version: {control}"
    if challenger.answered < minimum:
        few = f"the new version has answered {challenger.answered} of the {minimum} requests that a verdict needs"
        return Verdict(None, (few, numbers))
    broken = _broken(rails, challenger)
    if broken:
        return Verdict(Finding.BAD, (*broken, numbers))
    return Verdict(Finding.GOOD if over else None, (numbers,))


def _broken(rails: Guardrails, challenger: Sample) -> tuple[str, ...]:
    """The limits that the new version breaks over the whole trial."""
    found = []
    if rails.error_rate and challenger.error_rate > rails.error_rate.above:
        found.append(
            f"error rate {challenger.error_rate:.2%} is above guardrails.error_rate {rails.error_rate.above:.2%}"
        )
    limit = rails.latency_p99.above_ms if rails.latency_p99 else None
    if limit is not None and challenger.p99 is not None and challenger.p99 > limit * MICROSECONDS:
        took = challenger.p99 / MICROSECONDS
        found.append(f"p99 latency {took:.0f} ms is above guardrails.latency_p99 {limit:g} ms")
    return tuple(found)
