"""What a policy's keys must be to one another: problems that no single key has. Pure."""

import math

from deploy import canary
from deploy.guardrails import PUBLISH_LAG, guardrails
from deploy.policy import Policy


def problems(policy: Policy) -> list[str]:
    """Every cross-field problem, each with the keys, the values and what to write instead."""
    return [*_sizes(policy), *_times(policy), *_alarms(policy)]


def _sizes(policy: Policy) -> list[str]:
    found = canary.problem(policy, policy.endpoint.instance_count)
    if not found:
        return []
    percent = policy.rollout.canary.percent
    count = policy.endpoint.instance_count
    enough = math.ceil(100 / percent)
    if count == 1:
        return [f"{found}. Write endpoint.instance_count: {enough}."]
    return [f"{found}. Write rollout.canary.percent: {math.ceil(100 / count)}, or endpoint.instance_count: {enough}."]


def _times(policy: Policy) -> list[str]:
    rollout = policy.rollout
    waits = rollout.canary.bake_minutes + rollout.final_bake_minutes
    if waits < rollout.timeout_minutes:
        return []
    return [
        (
            f"rollout.timeout_minutes is {rollout.timeout_minutes:g}, but the bakes alone take {waits:g} "
            f"(rollout.canary.bake_minutes {rollout.canary.bake_minutes:g} + rollout.final_bake_minutes "
            f"{rollout.final_bake_minutes:g}): every rollout would time out and roll back. "
            f"Write {math.ceil(waits) + 20} or more (SageMaker also needs time to start instances), or shorter bakes."
        )
    ]


def _alarms(policy: Policy) -> list[str]:
    rails = guardrails(policy)
    if not rails:
        return [
            (
                "guardrails holds no alarm, and SageMaker rolls nothing back without one. "
                "Write guardrails.error_rate, guardrails.latency_p99 or guardrails.prediction_distance."
            )
        ]
    found = []
    bake = canary.steps(policy, policy.endpoint.instance_count)[0].seconds
    for rail in rails:
        if rail.datapoints > rail.of:
            found.append(
                f"{rail.setting}.datapoints is {rail.datapoints}, more than {rail.setting}.of, which is {rail.of}: "
                f"it could never fire. Write {rail.of} or less."
            )
        elif bake < rail.earliest:
            found.append(
                f"rollout.canary.bake_minutes is {bake / 60:g}, but {rail.setting} can fire after "
                f"{rail.earliest / 60:g} minutes at the earliest ({rail.datapoints} periods of {rail.period} s, and "
                f"{PUBLISH_LAG} s until CloudWatch has seen them): the canary would end unwatched. "
                f"Write bake_minutes: {math.ceil(rail.earliest / 60)} or more, or fewer datapoints."
            )
    return found
