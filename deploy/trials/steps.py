"""The judgement about trials: start the next one, go on with it, record what it has shown, take it down. Pure.

One trial at a time, in the policy's order. It must never let the shift begin before the last one was good and is gone.
"""

from datetime import datetime

from deploy import registry
from deploy.decision import Decision, Evidence, Outcome, wait
from deploy.observe import Observation
from deploy.plan import Plan
from deploy.policy import Policy
from deploy.preflight import refusal
from deploy.trials import record as trials
from deploy.trials.record import TrialPlan, TrialSeen
from deploy.trials.verdict import Finding


def decide(policy: Policy, plan: Plan, seen: Observation, evidence: Evidence, now: datetime) -> Decision | None:
    """The next thing to do about the trials; None when all of them were good and are gone."""
    assert seen.endpoint
    for number, trial in enumerate(plan.trials):
        found = seen.trials[number] if number < len(seen.trials) else None
        if found and found.moving:
            return wait(evidence, now, (f"{trial.name}: SageMaker is changing {trial.scene.name}",))
        if found is None or (found.verdict is None and not found.has_begun):
            return _start(policy, plan, seen, evidence, now, trial, found)
        if found.verdict is None:
            return _weigh(policy, trial, found, evidence, now)
        end = trial.end(found, seen.endpoint.weights)
        if end:
            if evidence.settling(trial.scene.previous, now):
                return Decision(reasons=("SageMaker has accepted the update",))
            return Decision((end,), reasons=(f"{trial.name} is {found.verdict}: {found.reason}", end.why))
        if found.verdict is Finding.BAD:
            return _turned_down(policy, seen, trial, found)
    return None


def _start(
    policy: Policy,
    plan: Plan,
    seen: Observation,
    evidence: Evidence,
    now: datetime,
    trial: TrialPlan,
    found: TrialSeen | None,
) -> Decision:
    """What is missing for a trial to have traffic: the model, its config, the endpoint on it."""
    if evidence.settling(trial.scene.name, now):
        return Decision(reasons=("SageMaker has accepted the update",))
    if evidence.sent_at(trial.scene.name):
        failure = f" SageMaker says: {seen.endpoint.failure}" if seen.endpoint and seen.endpoint.failure else ""
        said = f"SageMaker did not bring {trial.scene.name} into service.{failure}"
        return Decision(outcome=Outcome.FAILED, reasons=(said, "Mend what it names and run apply again."))
    refused = refusal(policy, plan, seen)
    if refused:
        return refused
    model = () if seen.has_model else (plan.model,)
    calls = (*model, *trial.start)
    if found:
        calls = calls[-1:]
    elif len(trial.start) > 1:
        calls = calls[:-1]
    return Decision(calls, reasons=(f"{trial.name}: {trial.trial.told()}",))


def _weigh(policy: Policy, trial: TrialPlan, found: TrialSeen, evidence: Evidence, now: datetime) -> Decision:
    """A trial with traffic: note since when, look at what it shows, record a verdict, or go on."""
    note = trials.begun(trial, found, now)
    if note:
        return Decision((note,), reasons=(note.why,))
    verdict = trials.shown(policy, trial, found, now)
    if verdict.finding:
        return Decision((trials.recorded(found, verdict.finding, verdict.reasons),), reasons=verdict.reasons)
    ends = trials.ends(trial, found)
    if ends and (now >= ends or found.over):
        undo = f"abort takes it down: python -m deploy abort --stage {policy.stage}"
        said = f"{trial.name} has had its {trial.trial.minutes:g} minutes, but {verdict.reasons[0]}"
        return Decision(outcome=Outcome.INCONCLUSIVE, reasons=(said, *verdict.reasons[1:], f"Run apply again; {undo}"))
    return wait(evidence, now, (f"{trial.name} until {ends:%Y-%m-%d %H:%M} UTC: {verdict.reasons[0]}",), ends)


def _turned_down(policy: Policy, seen: Observation, trial: TrialPlan, found: TrialSeen) -> Decision:
    """A bad trial that is gone: reject the package."""
    reasons = (
        f"{trial.name} was bad: {found.reason}",
        f"{policy.endpoint.name} serves {trial.scene.previous} alone again.",
    )
    summary = f"Turned down in {policy.stage}: {' '.join(reasons)}"
    record = registry.rejected(seen.package, policy.stage, trial.scene.name, summary)
    return Decision((record,) if record else (), Outcome.ROLLED_BACK, reasons)
