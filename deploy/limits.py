"""What a policy's keys must be to one another: problems that no single key has. Pure."""

import math
from collections import Counter
from collections.abc import Sequence

from deploy.guardrails import PUBLISH_LAG, guardrails
from deploy.policy import Policy
from deploy.settings import seconds
from deploy.strategies import Step


def problems(policy: Policy) -> list[str]:
    """Every cross-field problem, each with the keys, the values and what to write instead."""
    problem = policy.rollout.shift.problem(policy.endpoint.instance_count)
    if problem:
        return [f"{problem.what}. {problem.fix}"]
    steps = policy.rollout.shift.steps(policy.endpoint.instance_count, policy.rollout.final_bake)
    return [*_times(policy, steps), *_alarms(policy, steps)]


def _times(policy: Policy, steps: Sequence[Step]) -> list[str]:
    rollout = policy.rollout
    waits = sum(step.seconds for step in steps)
    if waits < seconds(rollout.timeout_minutes):
        return []
    return [
        (
            f"rollout.timeout_minutes is {rollout.timeout_minutes:g}, but the bakes alone take {waits / 60:g} "
            f"({_sum(steps)}): every rollout would time out and roll back. "
            f"Write {math.ceil(waits / 60) + 20} or more (SageMaker needs time to start instances), or bake less."
        )
    ]


def _sum(steps: Sequence[Step]) -> str:
    """`3 x rollout.linear.bake_minutes 10 + rollout.final_bake_minutes 5`."""
    parts = Counter((step.key, step.seconds) for step in steps)
    return " + ".join(
        f"{f'{times} x ' if times > 1 else ''}{key} {bake / 60:g}" for (key, bake), times in parts.items()
    )


def _alarms(policy: Policy, steps: Sequence[Step]) -> list[str]:
    rails = guardrails(policy)
    if policy.rollout.unguarded:
        return []
    if not rails:
        return [
            (
                "guardrails holds no alarm, and SageMaker rolls nothing back without one. "
                "Write guardrails.error_rate, guardrails.latency_p99 or guardrails.prediction_distance."
            )
        ]
    found = []
    watched = steps[:-1] or steps
    for rail in rails:
        if rail.datapoints > rail.of:
            found.append(
                f"{rail.setting}.datapoints is {rail.datapoints}, more than {rail.setting}.of, which is {rail.of}: "
                f"it could never fire. Write {rail.of} or less."
            )
        elif sum(step.seconds for step in watched) < rail.earliest:
            found.append(
                f"{_sum(watched)} minutes are watched before the new fleet has all traffic for good, but "
                f"{rail.setting} can fire after {rail.earliest / 60:g} minutes at the earliest "
                f"({rail.datapoints} periods of {rail.period} s, and {PUBLISH_LAG} s until CloudWatch has seen them): "
                f"it would come too late. Write {watched[0].key.rpartition('.')[2]}: "
                f"{math.ceil(rail.earliest / 60 / len(watched))} or more, or fewer datapoints."
            )
    return found
