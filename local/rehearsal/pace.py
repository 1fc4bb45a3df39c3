"""Whether this machine kept up with AWS's clock, and how that is said. Pure.

Bakes and alarms run on AWS's clock, models and networks on the machine's: a machine that is too slow for the speed
sends the traffic late and measures latencies that are its own. Then a verdict says something about the machine, not
about the release. It must never change a verdict.
"""

from dataclasses import dataclass

LATE_SECONDS = 60.0
"""AWS seconds: a request that leaves later than that is counted in another minute than the story wants."""

MOST_LATE = 0.05
"""The share of late requests from which on a machine did not keep up."""

SHORT_HOLD_SECONDS = 1.0


@dataclass(frozen=True)
class Pace:
    """The traffic of one rollout: requests sent, how many of them late, and the latest of all (AWS seconds)."""

    requests: int = 0
    late: int = 0
    latest_seconds: float = 0.0

    @property
    def kept_up(self) -> bool:
        """Whether the requests left when the story wants them."""
        return self.late <= MOST_LATE * self.requests


def delay(stage: str, pace: Pace) -> str | None:
    """What a rollout's traffic says against its verdict; None when it kept up."""
    if pace.kept_up:
        return None
    share = pace.late / pace.requests
    return (
        f"{share:.0%} of the requests to {stage} left more than an AWS minute late, the latest "
        f"{pace.latest_seconds / LATE_SECONDS:.0f} minutes"
    )


def advice(delays: list[str], speed: float) -> str:
    """What is said of a rehearsal whose machine did not keep up."""
    said = "; ".join(delays)
    return f"This machine did not keep up with AWS's clock x {speed:g}: {said}. Repeat it with a lower --speed."


def held(seconds: float) -> str | None:
    """What is said of a clock that stood still for so many real seconds; None when that is not worth a line."""
    if seconds < SHORT_HOLD_SECONDS:
        return None
    return (
        f"AWS's clock stood still for {seconds:.1f} s in which this process could not run: stopped, asleep or held up"
    )
