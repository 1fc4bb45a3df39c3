"""A trial as a rollout knows it: its place and requests, its state on AWS, its time, its verdict. Pure.

A trial's state is AWS's: its endpoint config or inference experiment exists, the endpoint is on it, and its tags hold
since when it has traffic and what it has shown. So a run can be killed after any request, and a trial of days is ended
by a later one. It must never record a verdict without its reason.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from deploy.calls import Call, tags
from deploy.labels import SINCE, VERDICT, VERDICT_REASON
from deploy.policy import Policy
from deploy.registry import clean
from deploy.strategies import Trial
from deploy.strategies.trial import Scene
from deploy.trials.verdict import NOTHING, Finding, Sample, Verdict, judge


@dataclass(frozen=True)
class TrialSeen:
    """A trial as AWS shows it.

    `serving` says that the endpoint is on it. An experiment is `moving` while SageMaker starts or stops it, and `over`
    once it has ended.
    """

    arn: str
    tags: Mapping[str, str]
    serving: bool
    over: bool = False
    moving: bool = False
    control: Sample = NOTHING
    challenger: Sample = NOTHING

    @property
    def since(self) -> datetime | None:
        """Since when it has traffic."""
        said = self.tags.get(SINCE)
        return datetime.fromisoformat(said) if said else None

    @property
    def has_begun(self) -> bool:
        """Whether it has, or has had, traffic; its config alone does not say so."""
        return self.serving or self.over or self.since is not None

    @property
    def verdict(self) -> Finding | None:
        """What it has shown, once that is recorded."""
        said = self.tags.get(VERDICT)
        return Finding(said) if said else None

    @property
    def reason(self) -> str:
        """Why."""
        return self.tags.get(VERDICT_REASON, "")


@dataclass(frozen=True)
class TrialPlan:
    """One trial of a rollout: its section of the policy, and where it takes place."""

    name: str
    trial: Trial
    scene: Scene

    @property
    def start(self) -> tuple[Call, ...]:
        """The requests that start it."""
        return self.trial.start(self.scene)

    def end(self, seen: TrialSeen, weights: Mapping[str, float]) -> Call | None:
        """The next request that takes it down; None when it is down."""
        if not seen.serving:
            return None
        cut = weights.get(self.scene.challenger.variant) == 0
        calls = self.trial.end(self.scene, good=seen.verdict is Finding.GOOD or cut)
        return calls[0]


def begun(plan: TrialPlan, seen: TrialSeen, now: datetime) -> Call | None:
    """The request that notes since when the trial has traffic; None when that is noted."""
    return None if seen.since else _note(seen, {SINCE: now.isoformat(timespec="seconds")}, f"{plan.name} has traffic")


def ends(plan: TrialPlan, seen: TrialSeen) -> datetime | None:
    """When the trial's time is up; None while it has no traffic."""
    return seen.since + timedelta(minutes=plan.trial.minutes) if seen.since else None


def shown(policy: Policy, plan: TrialPlan, seen: TrialSeen, now: datetime) -> Verdict:
    """What the trial shows now."""
    end = ends(plan, seen)
    over = seen.over or (end is not None and now >= end)
    return judge(policy.guardrails, plan.trial.minimum_requests, seen.control, seen.challenger, over=over)


def recorded(seen: TrialSeen, finding: Finding, reasons: tuple[str, ...]) -> Call:
    """The request that records a verdict, on the trial itself."""
    reason = clean("; ".join(reasons))
    return _note(seen, {VERDICT: finding, VERDICT_REASON: reason}, f"the verdict: {finding}")


def _note(seen: TrialSeen, values: Mapping[str, str], why: str) -> Call:
    return Call("sagemaker", "AddTags", {"ResourceArn": seen.arn, "Tags": tags(values)}, seen.arn, why)
