"""Text for people: the plan as a page, a status as a page. Pure; programs read JSON instead."""

from collections.abc import Sequence
from itertools import accumulate

from deploy.around.drift import seen_by_hand
from deploy.guardrails import Guardrail, guardrails
from deploy.names import version_label
from deploy.observe import Observation
from deploy.plan import Plan
from deploy.policy import Policy
from deploy.views.status import Status, View

WIDTH = 48


def plan_page(policy: Policy, plan: Plan, seen: Observation, findings: Sequence[str]) -> str:
    """What apply would do now: the package, every request in order, the timeline, what each alarm can catch."""
    parts = [
        _head(policy, plan, seen),
        _refusal(findings),
        _requests(plan),
        _trials(plan),
        _timeline(policy, plan),
        _watch(policy, plan),
    ]
    return "\n\n".join(filter(None, parts))


def _head(policy: Policy, plan: Plan, seen: Observation) -> str:
    package, endpoint = seen.package, seen.endpoint
    serves = f"{endpoint.status}, serves {endpoint.config}" if endpoint else "does not exist yet"
    version = f" ({version_label(seen.current.package_arn)})" if seen.current and seen.current.package_arn else ""
    keeps = ", the size it was scaled to" if plan.retain else ""
    return "\n".join(
        [
            f"Plan for stage {policy.stage}: version {package.version} of {package.group}",
            f"  package    {package.arn} ({package.approval or 'no approval status'})",
            f"  endpoint   {policy.endpoint.name}: {serves}{version}",
            f"  becomes    {plan.name}",
            f"  fleet      {plan.instances} x {policy.endpoint.instance_type}{keeps}",
            *(f"  note       {said}" for said in seen_by_hand(policy, seen)),
        ]
    )


def _refusal(findings: Sequence[str]) -> str:
    if not findings:
        return ""
    return "\n".join(["apply would refuse this now:", *(f"  - {finding}" for finding in findings)])


def _requests(plan: Plan) -> str:
    operation = max(len(call.operation) for call in plan.calls)
    lines = [
        f"  {number:>2}. {call.operation:<{operation}}  {call.target}\n      {'':<{operation}}  {call.why}"
        for number, call in enumerate(plan.calls, 1)
    ]
    return "\n".join(["Requests, in order", *lines])


def _trials(plan: Plan) -> str:
    if not plan.trials:
        return ""
    lines = ["Trials, before any shift; each is taken down again, and a bad one ends the rollout"]
    for planned in plan.trials:
        lines += [
            f"  {planned.name}: {planned.trial.told()}",
            f"    no verdict before {planned.trial.minimum_requests} requests are answered;",
            "    then bad at the first look at which it breaks a guardrail's limit, good when the time is up",
        ]
        lines += [f"    {planned.trial.warning}"] if planned.trial.warning else []
    return "\n".join(lines)


def _timeline(policy: Policy, plan: Plan) -> str:
    """Each step's share to scale, and under it, for each alarm, when it cannot (.) and can (=) fire."""
    if not plan.steps:
        return "Timeline\n  the new fleet takes all traffic as soon as SageMaker finds it healthy"
    baking = [step for step in plan.steps if step.seconds]
    total = sum(step.seconds for step in baking)
    ends = list(accumulate(step.seconds for step in baking))
    columns = [round(end / total * WIDTH) for end in ends]
    scale, shares, start = "0", "|", 0
    for step, end, column in zip(baking, ends, columns, strict=True):
        scale = scale.ljust(max(column, len(scale) + 1)) + f"{end / 60:g}"
        label, room = f" {step.share:.0%} ", column - start - 1
        shares += (label if len(label) <= room else "").center(room, "-") + "|"
        start = column
    name = max(len(rail.name) for rail in guardrails(policy))
    rows = [f"  {rail.name:<{name}}  {_alarm_row(rail, total, columns)}" for rail in guardrails(policy)]
    steps = [
        f"  {step.name}: {step.instances} of {step.of} instances, {step.share:.0%} of the traffic, "
        f"{step.seconds / 60:g} minutes"
        for step in plan.steps
    ]
    return "\n".join(
        [
            "Timeline, in minutes after the new fleet is up (SageMaker first needs some minutes to start it)",
            f"  {'':<{name}}  {scale}",
            f"  {'new fleet':<{name}}  {shares}",
            *rows,
            *steps,
            f"  at most {policy.rollout.timeout_minutes:g} minutes in all, then SageMaker rolls back",
        ]
    )


def _alarm_row(rail: Guardrail, total: int, columns: Sequence[int]) -> str:
    blind = round(rail.earliest / total * WIDTH)
    return "".join("|" if column in (0, *columns) else "." if column <= blind else "=" for column in range(WIDTH + 1))


def _watch(policy: Policy, plan: Plan) -> str:
    if not plan.steps:
        return "Guardrails\n  none: SageMaker applies none to the first creation of an endpoint"
    lines = ["Guardrails, on the new fleet alone; any one of them rolls everything back"]
    for rail in guardrails(policy):
        fits = [
            f"{step.name} {'yes' if step.seconds >= rail.earliest else 'too short'}"
            for step in plan.steps
            if step.seconds
        ]
        lines += [
            f"  {rail.name}: {rail.catches}",
            f"    {rail.rule}; can fire from minute {rail.earliest / 60:g} on ({', '.join(fits)})",
        ]
    minimum = policy.guardrails.minimum_requests
    lines.append(f"  fewer than {minimum} requests answered by the new fleet: inconclusive, not promoted")
    return "\n".join(lines)


def status_page(policy: Policy, view: View, status: Status) -> str:
    """Where the stage stands, and why."""
    lines = [f"{policy.stage}: {status.outcome}", *(f"  {reason}" for reason in status.reasons)]
    endpoint, package = view.endpoint, view.package
    if endpoint:
        lines.append(f"  endpoint   {endpoint.name}: {endpoint.status}")
        lines.append(f"  serves     {endpoint.config}")
        if package:
            life = " ".join(filter(None, package.lifecycle)) or "no lifecycle"
            lines.append(f"             version {package.version} of {package.group}: {package.approval}, {life}")
    if endpoint and endpoint.pending:
        candidate = view.candidate
        lines.append(f"  pending    {endpoint.pending}" + (f" (version {candidate.version})" if candidate else ""))
    lines += [f"  alarm      {alarm.name}: {alarm.state}" for alarm in view.alarms]
    return "\n".join(lines)
