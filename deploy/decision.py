"""What a judgement is made of and comes to: evidence, decisions and outcomes, as frozen data."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from deploy.calls import Call
from deploy.observe import Alarm, Firing

SETTLE = timedelta(seconds=60)
"""How long DescribeEndpoint may still show the state from before an update that SageMaker has accepted."""


class Outcome(StrEnum):
    """How a rollout ended; `IN_PROGRESS` only in a status."""

    CREATED = "created"
    PROMOTED = "promoted"
    ROLLED_BACK = "rolled_back"
    INCONCLUSIVE = "inconclusive"
    HELD = "held"
    FAILED = "failed"
    IN_PROGRESS = "in_progress"


EXIT_CODES = {
    Outcome.CREATED: 0,
    Outcome.PROMOTED: 0,
    Outcome.FAILED: 1,
    Outcome.ROLLED_BACK: 3,
    Outcome.INCONCLUSIVE: 4,
    Outcome.HELD: 4,
    Outcome.IN_PROGRESS: 4,
}


@dataclass(frozen=True)
class Evidence:
    """What this run has witnessed and a later look at AWS may not show any more; a run can do without it.

    `sent` is when the endpoint was sent to which config; `deadline` until when the run may wait.
    """

    sent: Mapping[str, datetime] = field(default_factory=dict)
    fired: tuple[Firing, ...] = ()
    failure: str = ""
    deadline: datetime | None = None

    def sent_at(self, config: str) -> datetime | None:
        """When this run sent the endpoint to a config; None when it did not."""
        return self.sent.get(config)

    def settling(self, config: str, now: datetime) -> bool:
        """Whether DescribeEndpoint may not show yet that the endpoint was sent there."""
        at = self.sent_at(config)
        return at is not None and now - at < SETTLE

    def witness(self, alarms: tuple[Alarm, ...], failure: str = "") -> "Evidence":
        """With the alarms that are in ALARM now, and SageMaker's FailureReason: it may be gone once a rollback ends."""
        known = {firing.alarm for firing in self.fired}
        new = [Firing(a.name, a.reason) for a in alarms if a.state == "ALARM" and a.name not in known]
        return replace(self, fired=(*self.fired, *new), failure=failure or self.failure)


@dataclass(frozen=True)
class Decision:
    """Requests to send now, in order; the outcome once it is known; and why. Neither of the two means: wait."""

    calls: tuple[Call, ...] = ()
    outcome: Outcome | None = None
    reasons: tuple[str, ...] = field(default=())


def wait(evidence: Evidence, now: datetime, reasons: tuple[str, ...], ends: datetime | None = None) -> Decision:
    """Wait, or when that would take longer than this run may: leave it to a later one."""
    if evidence.deadline is None or max(now, ends or now) <= evidence.deadline:
        return Decision(reasons=reasons)
    back = f"after {ends:%Y-%m-%d %H:%M} UTC" if ends else "later"
    advice = f"It goes on without this run. Run apply again {back} to end it."
    return Decision(outcome=Outcome.HELD, reasons=(*reasons, advice))
