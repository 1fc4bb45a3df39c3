"""What must be true before anything is changed: every finding at once, each with what to do. Pure."""

from deploy.decision import Decision, Outcome
from deploy.observe import Observation
from deploy.plan import Plan
from deploy.policy import Policy
from deploy.registry import APPROVED, PASSED, REJECTED, ROLLED_BACK


def refusal(policy: Policy, plan: Plan, seen: Observation) -> Decision | None:
    """Why nothing may begin: the package was rolled back before, or something must be mended first."""
    package = seen.package
    if package.approval == REJECTED and package.outcome(policy.stage) == ROLLED_BACK:
        again = "Approve it again in the model registry to try once more."
        return Decision(outcome=Outcome.ROLLED_BACK, reasons=(package.description or "rolled back before", again))
    if seen.around.paused:
        resume = f"python -m deploy resume --stage {policy.stage}"
        said = f"{policy.endpoint.name} is paused: {seen.around.paused}. Nothing new begins. To go on: {resume}"
        return Decision(outcome=Outcome.HELD, reasons=(said,))
    problems = findings(policy, plan, seen)
    return Decision(outcome=Outcome.FAILED, reasons=tuple(problems)) if problems else None


def findings(policy: Policy, plan: Plan, seen: Observation) -> list[str]:
    """Why the rollout must not start; empty when it may."""
    return [
        *_package(policy, seen),
        *_endpoint(policy, plan, seen),
        *_way_back(plan, seen),
        *_alarms(seen),
        *_room(policy, plan, seen),
        *_names(plan, seen),
    ]


def _package(policy: Policy, seen: Observation) -> list[str]:
    package = seen.package
    found = []
    if package.status not in {"", "Completed"}:
        found.append(f"Version {package.version} is {package.status} in the registry; it must be Completed.")
    if package.approval != APPROVED:
        why = f" ({package.description})" if package.description else ""
        found.append(
            f"Version {package.version} is {package.approval or 'without an approval status'}{why}, not Approved. "
            "Approve it in the model registry, or deploy another version."
        )
    if not seen.has_data:
        found.append(f"The model's data {package.model_data} is not in S3: register the model again.")
    required = policy.requires_stage
    if required and package.outcome(required) not in PASSED:
        first = f"python -m deploy apply --stage {required} --model-package {package.arn}"
        found.append(
            f"Version {package.version} has not been promoted in {required} (requires_stage), "
            f"so {policy.stage} does not take it. First run: {first}"
        )
    return found


def _endpoint(policy: Policy, plan: Plan, seen: Observation) -> list[str]:
    current, endpoint = seen.current, policy.endpoint
    if not plan.previous or not current:
        return []
    found = []
    if len(current.variants) != 1 or current.shadows:
        names = ", ".join((*current.variants, *current.shadows))
        found.append(
            f"{endpoint.name} serves several variants ({names}); a rollout needs exactly one. End their test first."
        )
    elif current.variants[0] != endpoint.variant:
        found.append(
            f"{endpoint.name} serves variant {current.variants[0]}, but endpoint.variant is {endpoint.variant}: "
            f"SageMaker's guardrails need the same name. Write endpoint.variant: {current.variants[0]}."
        )
    problem = policy.rollout.shift.problem(plan.instances)
    if problem:
        found.append(
            f"The fleet of {endpoint.name} is {plan.instances} now: {problem.what}. Scale it out, or raise the share."
        )
    return found


def _way_back(plan: Plan, seen: Observation) -> list[str]:
    """What a rollback returns to must be there: SageMaker starts it from its model."""
    current = seen.current
    if not plan.previous or (current and current.has_model):
        return []
    missing = f"model {current.model} of endpoint config {current.name}" if current else plan.previous
    return [
        (
            f"There is no {missing}, which serves now: SageMaker could not roll back to it. "
            "Create it again under that name, or delete the endpoint and run apply again."
        )
    ]


def _alarms(seen: Observation) -> list[str]:
    """An alarm that is in ALARM before there is traffic says nothing about the new version."""
    return [
        f"Alarm {alarm.name} is in ALARM already ({alarm.reason}). Wait until it is OK, or delete it; then apply again."
        for alarm in seen.alarms
        if alarm.state == "ALARM"
    ]


def _room(policy: Policy, plan: Plan, seen: Observation) -> list[str]:
    """Both fleets need instances at once; a rolling update needs its batch."""
    quota, steps = seen.around.quota, plan.steps
    if quota is None:
        return []
    extra = plan.instances if not steps or steps[-1].key.endswith("final_bake_minutes") else steps[0].instances
    needed = extra + (seen.endpoint.instances if seen.endpoint else 0)
    if needed <= quota:
        return []
    kind = policy.endpoint.instance_type
    return [
        (
            f"The rollout has {needed} instances of {kind} at once, more than the quota '{kind} for endpoint usage' of "
            f"{quota}. Ask for more in Service Quotas, use rollout.strategy: rolling, or fewer instances."
        )
    ]


def _names(plan: Plan, seen: Observation) -> list[str]:
    """Our names hold a hash of everything in them: what has one and was made from another package is not ours."""
    if not seen.ours or seen.ours.package_arn in {"", seen.package.arn}:
        return []
    return [f"Endpoint config {plan.name} exists and serves {seen.ours.package_arn}: it is not ours. Delete it."]
