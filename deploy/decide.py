"""The judgement: from (policy, observation, evidence, now) to the next requests, or the outcome, with reasons. Pure.

How success and rollback are told apart: after a rollback SageMaker's endpoint is InService as well, on the old config.
Promoted therefore means InService, on our config, with nothing pending. Rolled back means InService on another config
after our update was accepted, which AWS itself remembers: the endpoint's last deployment names our alarms, and they
are named after our config.
"""

from datetime import datetime

from deploy import preflight, registry
from deploy.around import dashboard, housekeeping, notice, scaling
from deploy.around.drift import seen_by_hand
from deploy.calls import Call
from deploy.decision import Decision, Evidence, Outcome, wait
from deploy.observe import Endpoint, Firing, Observation
from deploy.plan import Plan, make_plan
from deploy.policy import Policy
from deploy.registry import APPROVED
from deploy.trials import steps as trial_steps


def decide(policy: Policy, seen: Observation, evidence: Evidence, now: datetime) -> Decision:
    """What to do next about the rollout of `seen.package`."""
    return notice.told(policy, seen, _decide(policy, seen, evidence, now))


def _decide(policy: Policy, seen: Observation, evidence: Evidence, now: datetime) -> Decision:
    plan = make_plan(policy, seen)
    endpoint = seen.endpoint
    if endpoint is None:
        return _begin(policy, plan, seen)
    if endpoint.busy:
        return _wait(plan, seen, endpoint, evidence, now)
    if endpoint.status == "Failed" and policy.endpoint.recreate_failed:
        return _recreate(endpoint)
    if endpoint.status != "InService":
        return Decision(outcome=Outcome.FAILED, reasons=(broken(endpoint),))
    if endpoint.config == plan.name:
        return _arrived(policy, plan, seen)
    if evidence.settling(plan.name, now):
        return Decision(reasons=("SageMaker has accepted the update",))
    if evidence.sent_at(plan.name) or _was_accepted(plan, endpoint, seen.fired + evidence.fired):
        return _returned(policy, plan, seen, evidence)
    return trial_steps.decide(policy, plan, seen, evidence, now) or _begin(policy, plan, seen)


def _was_accepted(plan: Plan, endpoint: Endpoint, fired: tuple[Firing, ...]) -> bool:
    """Whether SageMaker took our update: its last deployment names our alarms, or one of them fired.

    The alarms are on the new fleet's metrics alone, so that they cannot fire before it has traffic.
    """
    return bool(fired) or any(call.target in endpoint.deployment_alarms for call in plan.alarms)


def _begin(policy: Policy, plan: Plan, seen: Observation) -> Decision:
    """The first request that is still missing; AWS shows the config before the endpoint is sent to it."""
    refusal = preflight.refusal(policy, plan, seen)
    if refusal:
        return refusal
    made = {alarm.name for alarm in seen.alarms}
    missing = [call for call in plan.alarms if call.target not in made]
    if not seen.has_model:
        missing.insert(0, plan.model)
    if not seen.ours:
        missing.append(plan.config)
    if seen.around.scales and seen.current and seen.current.instance_type != policy.endpoint.instance_type:
        missing.append(scaling.undo(policy))
    if missing:
        return Decision(tuple(missing), reasons=(f"preparing {plan.name}", *seen_by_hand(policy, seen)))
    return Decision((plan.shift,), reasons=(f"{plan.shift.operation}: {plan.shift.why}",))


def _wait(plan: Plan, seen: Observation, endpoint: Endpoint, evidence: Evidence, now: datetime) -> Decision:
    """Ours under way: wait, as long as this run may. Somebody else's: step aside."""
    target = endpoint.pending or endpoint.config
    trying = any(trial.serving for trial in seen.trials)
    ours = target in plan.targets or (trying and target == plan.previous) or _experiments(plan, seen)
    if not endpoint.pending and endpoint.status in {"Updating", "RollingBack"}:
        ours = ours or bool(evidence.sent) or _was_accepted(plan, endpoint, evidence.fired)
    if ours and endpoint.status not in {"Deleting", "SystemUpdating"}:
        said = f"{endpoint.status} to {target}"
        return wait(evidence, now, (f"{said}: {endpoint.phase}" if endpoint.phase else said,))
    doing = f"is {endpoint.status}" + (f" to {endpoint.pending}" if endpoint.pending else "")
    advice = "SageMaker takes no other update until that ends. Run apply again then."
    return Decision(outcome=Outcome.HELD, reasons=(f"{endpoint.name} {doing}, which is not this rollout.", advice))


def _experiments(plan: Plan, seen: Observation) -> bool:
    """Whether the rollout has an inference experiment: SageMaker changes the endpoint for it, to configs of its own.

    Its status is read after the endpoint's, so that it may be further on than the update that is seen.
    """
    return any(planned.trial.is_experiment for planned, _ in zip(plan.trials, seen.trials, strict=False))


def _arrived(policy: Policy, plan: Plan, seen: Observation) -> Decision:
    """In service on our config: good if there is evidence for it."""
    package = seen.package
    minimum = policy.guardrails.minimum_requests
    if package.approval != APPROVED:
        said = f"{policy.endpoint.name} serves version {package.version}, which is {package.approval} in the registry."
        advice = f"Approve it, or run: python -m deploy rollback --stage {policy.stage}"
        return Decision(outcome=Outcome.HELD, reasons=(said, advice))
    if not plan.previous:
        outcome = Outcome.CREATED
        reasons = (f"{policy.endpoint.name} is in service with version {package.version}; nothing served before it.",)
    elif package.has_passed(policy.stage, plan.name):
        outcome = Outcome.PROMOTED
        reasons = (f"{policy.endpoint.name} serves version {package.version}, promoted before.",)
    elif seen.around.smoke:
        said = f"Version {package.version} serves, but the smoke request failed: {seen.around.smoke}."
        return Decision(outcome=Outcome.INCONCLUSIVE, reasons=(said, _undo(policy)))
    elif (seen.requests or 0) < minimum:
        said = (
            f"SageMaker finished the update and no alarm fired, but version {package.version} has answered "
            f"{seen.requests or 0} requests, fewer than {minimum} (guardrails.minimum_requests): "
            "no evidence is not good evidence."
        )
        return Decision(outcome=Outcome.INCONCLUSIVE, reasons=(said, _undo(policy)))
    else:
        outcome = Outcome.PROMOTED
        reasons = (
            (
                f"{policy.endpoint.name} serves version {package.version}: {policy.rollout.strategy} ended, "
                f"no alarm fired, and it has answered {seen.requests} requests (at least {minimum} were asked for)."
            ),
        )
    records = [registry.passed(package, policy.stage, policy.title, plan.name, outcome)]
    others = [other for other in seen.live if other.arn != package.arn]
    records += [registry.archived(other, policy.title, package.version) for other in others]
    return Decision((*filter(None, records), *_aftercare(policy, plan, seen)), outcome, reasons)


def _undo(policy: Policy) -> str:
    undo = f"python -m deploy rollback --stage {policy.stage}"
    return f"It serves now. Run apply again once it has had traffic, or undo it: {undo}"


def _recreate(endpoint: Endpoint) -> Decision:
    """The stage allows it: delete what cannot be mended; without an endpoint the next look creates one."""
    call = Call("sagemaker", "DeleteEndpoint", {"EndpointName": endpoint.name}, endpoint.name, "it is Failed")
    return Decision((call,), reasons=(f"{endpoint.name} is Failed; endpoint.recreate_failed lets it be made anew",))


def _aftercare(policy: Policy, plan: Plan, seen: Observation) -> tuple[Call, ...]:
    """What surrounds a version that has just been found good: scaling, the dashboard, nothing old left over."""
    if seen.package.has_passed(policy.stage, plan.name):
        return ()
    needed = [name for name in (plan.name, plan.previous) if name]
    tidy = housekeeping.calls(policy.endpoint.name, seen.around.left, needed, policy.rollout.keep_versions)
    region = seen.package.arn.split(":")[3]
    drawn = (dashboard.call(policy, region, tuple(needed)),) if policy.dashboard else ()
    return (*scaling.calls(policy), *drawn, *tidy)


def _returned(policy: Policy, plan: Plan, seen: Observation, evidence: Evidence) -> Decision:
    """In service on another config after our update: say why, and reject the package."""
    reasons = rollback_reasons(policy, plan, seen, evidence)
    if seen.current and seen.current.package_arn == seen.package.arn:
        said = "The same version serves under the earlier policy, so it stays Approved. Change the policy to try again."
        return Decision(outcome=Outcome.ROLLED_BACK, reasons=(*reasons, said))
    summary = f"Rolled back from {policy.stage}: {' '.join(reasons)}"
    record = registry.rejected(seen.package, policy.stage, plan.name, summary)
    return Decision((record,) if record else (), Outcome.ROLLED_BACK, reasons)


def rollback_reasons(policy: Policy, plan: Plan, seen: Observation, evidence: Evidence) -> tuple[str, ...]:
    """Which alarms fired, with CloudWatch's numbers; when none did, SageMaker's own reason, which may be empty."""
    fired = {firing.alarm: firing.reason for firing in (*seen.fired, *evidence.fired)}
    reasons = [f"Alarm {name} fired: {reason}" for name, reason in sorted(fired.items())]
    failure = (seen.endpoint.failure if seen.endpoint else "") or evidence.failure
    if not reasons:
        reasons.append(f"No alarm fired, but SageMaker did not finish the update to {plan.name}.")
        reasons += [f"SageMaker says: {failure}"] if failure else []
    return (*reasons, f"{policy.endpoint.name} serves {seen.endpoint.config if seen.endpoint else 'nothing'} again.")


def broken(endpoint: Endpoint) -> str:
    """Why no update is possible, and what to do."""
    why = f" ({endpoint.failure})" if endpoint.failure else ""
    if endpoint.status == "Failed":
        return (
            f"{endpoint.name} is Failed{why}. SageMaker allows nothing but to delete it: "
            f"aws sagemaker delete-endpoint --endpoint-name {endpoint.name}, then run apply again."
        )
    return f"{endpoint.name} is {endpoint.status}{why}. Mend it in SageMaker, then run apply again."
