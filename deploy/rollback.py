"""`rollback`: back to the version that served before, by the same guarded shift that brought the present one.

The version that is left is rejected first: a person has judged it, and nothing may bring it back meanwhile. Then the
newest one before it that is still Approved is rolled out like any other, trials left out, on a config that is marked
with what it replaces. The mark goes last, so a run that finds it finishes a rollback and begins none.
It must never return to a version that is not Approved.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from deploy import registry, rollout
from deploy.aws import Aws
from deploy.calls import Call
from deploy.clock import Clock
from deploy.decision import Decision, Outcome
from deploy.execute import send
from deploy.labels import PREVIOUS_CONFIG, RESTORED_FROM
from deploy.names import version_label
from deploy.policy import Policy
from deploy.registry import APPROVED
from deploy.rollback_now import Fleet, Retreat, fleet, look, may_reject, none_before, unusable

LONGEST_WAY = 100
"""Endpoint configs that are looked through: more are never kept (`rollout.keep_versions`)."""


def roll_back(aws: Aws, clock: Clock, policy: Policy, say: Callable[[Any, Decision], None]) -> Decision:
    """Carry the guarded rollback to its end, from wherever it stands. `ROLLED_BACK` is its success."""
    seen = look(aws, policy)
    seen = replace(seen, target=_approved_before(aws, seen.current) or seen.target)
    serving = seen.endpoint.config if seen.endpoint else ""
    back = _under_way(aws, seen)
    if back is None:
        refused = _refuse(policy, seen)
        if refused:
            return refused
        assert seen.current
        assert seen.target
        back = seen.target
        _leave(aws, policy, seen.current, back)
    return _return(aws, clock, policy, back, back.config.tag(RESTORED_FROM) or serving, say)


def _approved_before(aws: Aws, current: Fleet | None) -> Fleet | None:
    """The newest fleet before this one whose version is another, and Approved."""
    before = current
    for _ in range(LONGEST_WAY):
        before = fleet(aws, before.config.tag(PREVIOUS_CONFIG)) if before else None
        if before is None or current is None:
            return None
        package = before.package
        if package and package.approval == APPROVED and package.arn != current.config.package_arn:
            return before
    return None


def _under_way(aws: Aws, seen: Retreat) -> Fleet | None:
    """The fleet that an earlier run is on its way to, or has reached and not recorded."""
    if seen.current and seen.current.config.tag(RESTORED_FROM):
        return seen.current
    pending = fleet(aws, seen.endpoint.pending) if seen.endpoint and seen.endpoint.pending else None
    return pending if pending and pending.config.tag(RESTORED_FROM) else None


def _refuse(policy: Policy, seen: Retreat) -> Decision | None:
    """Why there is no way back; None when there is one."""
    refused = unusable(policy, seen.endpoint, seen.current)
    if refused or not seen.endpoint or not seen.current:
        return refused
    if seen.endpoint.busy:
        to = f" to {seen.endpoint.pending}" if seen.endpoint.pending else ""
        said = f"{seen.endpoint.name} is {seen.endpoint.status}{to}: SageMaker takes no other update until that ends."
        return Decision(outcome=Outcome.FAILED, reasons=(said,))
    if not seen.target:
        return none_before(seen.endpoint, seen.current)
    package = seen.target.package
    if package is None or package.approval != APPROVED:
        status = package.approval if package else "not in the registry"
        said = f"{version_label(seen.target.config.package_arn)}, which served before, is {status}: approve it first."
        at_once = f"Or return to its endpoint config as it was, unguarded: rollback --stage {policy.stage} --now"
        return Decision(outcome=Outcome.FAILED, reasons=(said, at_once))
    return None


def _leave(aws: Aws, policy: Policy, current: Fleet, target: Fleet) -> None:
    """Reject the version that is left."""
    if current.package is None or not may_reject(policy, target, current.package):
        return
    reason = f"Rolled back by hand from {policy.stage} to {version_label(target.config.package_arn)}."
    record = registry.rejected(current.package, policy.stage, current.config.name, reason, policy.title)
    if record:
        send(aws, record)


def _return(
    aws: Aws, clock: Clock, policy: Policy, back: Fleet, left: str, say: Callable[[Any, Decision], None]
) -> Decision:
    """Roll the version out, and take the mark off when it serves."""
    seen, decision = rollout.apply(aws, clock, policy.shift_only, back.config.package_arn, say, restored_from=left)
    if decision.outcome is not Outcome.PROMOTED:
        return decision
    assert seen.ours
    unmark = {"ResourceArn": seen.ours.arn, "TagKeys": [RESTORED_FROM]}
    send(aws, Call("sagemaker", "DeleteTags", unmark, seen.ours.arn, "the rollback is recorded"))
    reason = f"{policy.endpoint.name} serves {version_label(back.config.package_arn)} again, on {seen.name}."
    return Decision(outcome=Outcome.ROLLED_BACK, reasons=(reason, *decision.reasons))
