"""The live view of `watch`: a tree of the fleets, the alarms, the time left, and what apply would do now. Pure text."""

from collections.abc import Sequence
from datetime import datetime

from deploy.guardrails import MICROSECONDS
from deploy.policy import Policy
from deploy.views.live import AlarmNow, FleetNow, Live
from deploy.views.status import Status, View

NAME, SHARE = 20, 10
STARTING_MINUTES = 5
"""About what SageMaker needs to start a fleet."""


def tree(policy: Policy, view: View, status: Status, live: Live, now: datetime) -> str:
    """The whole view; `status.reasons` are what holds now, and why."""
    endpoint = view.endpoint
    head = f"{policy.stage}  {policy.endpoint.name}  {endpoint.status if endpoint else 'does not exist'}"
    branches = [_fleets(live), *_alarms(live.alarms), _why(status)]
    return "\n".join([f"{head}{_time(policy, live, now)}", *_drawn([branch for branch in branches if branch])])


def _time(policy: Policy, live: Live, now: datetime) -> str:
    """How long the update runs, and about how long it still takes when all goes well."""
    if live.since is None:
        return ""
    took = (now - live.since).total_seconds() / 60
    rollout = policy.rollout
    bakes = sum(step.seconds for step in rollout.shift.steps(policy.endpoint.instance_count, rollout.final_bake)) / 60
    left = max(bakes + STARTING_MINUTES - took, 0)
    return f"  for {took:.0f} min, about {left:.0f} min left" if left else f"  for {took:.0f} min, any moment now"


def _fleets(live: Live) -> list[str]:
    return ["fleets", *map(_fleet, live.fleets)] if live.fleets else []


def _fleet(fleet: FleetNow) -> str:
    bar = "#" * round(fleet.share * SHARE)
    failed = "no requests" if fleet.failed is None else f"{fleet.requests:.0f} requests/min, {fleet.failed:.1%} failed"
    return f"{fleet.version:<{NAME}}{fleet.share:>4.0%} |{bar:<{SHARE}}| {failed}"


def _alarms(alarms: Sequence[AlarmNow]) -> list[list[str]]:
    return [["alarms, on the new fleet alone", *map(_alarm, alarms)]] if alarms else []


def _alarm(alarm: AlarmNow) -> str:
    rail = alarm.guardrail
    state = "NO DATA" if alarm.state == "INSUFFICIENT_DATA" else alarm.state
    value = "nothing yet" if alarm.value is None else _number(alarm.value, rail.unit)
    return f"{rail.name:<{NAME}}{state:<8} {value} (limit {_number(rail.threshold, rail.unit)})"


def _number(value: float, unit: str) -> str:
    return f"{value / MICROSECONDS:.0f} ms" if unit.strip() == "µs" else f"{value:.3g}"


def _why(status: Status) -> list[str]:
    return [str(status.outcome), *status.reasons]


def _drawn(branches: Sequence[Sequence[str]]) -> list[str]:
    """Each branch's first line on the trunk, its other lines on it."""
    lines = []
    for number, (first, *rest) in enumerate(branches, 1):
        last = number == len(branches)
        lines.append(f"{'└' if last else '├'}─ {first}")
        for index, line in enumerate(rest, 1):
            lines.append(f"{' ' if last else '│'}  {'└' if index == len(rest) else '├'}─ {line}")
    return lines
