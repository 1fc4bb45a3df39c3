"""Retry policies of a step: which troubles are tried again, how long to wait, and when to give up. Pure.

Without a policy of the step's own, throttling and service faults are tried again all the same. Seconds are AWS's.
Source: the developer guide, "Retry policy for pipeline steps".
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from local.jobs.trouble import Trouble

STEP_TYPES = ("Processing", "Training", "RegisterModel")
_MOST = {"IntervalSeconds": 43_200, "MaxAttempts": 20, "ExpireAfterMin": 14_400}
_DEFAULT_ATTEMPTS = 5


@dataclass(frozen=True)
class RetryPolicy:
    """One policy: the first wait, what each further wait is multiplied by, and either limit; the other is None."""

    troubles: frozenset[Trouble]
    interval_seconds: float = 1.0
    backoff_rate: float = 2.0
    attempts: int | None = _DEFAULT_ATTEMPTS
    expire_after_seconds: float | None = None


ALWAYS = RetryPolicy(frozenset({Trouble.SERVICE_FAULT, Trouble.THROTTLING}))


def parse(raw: Iterable[Mapping[str, Any]]) -> tuple[RetryPolicy, ...]:
    """The policies of a step's RetryPolicies. Raises ValueError that says what is wrong."""
    return tuple(_policy(policy) for policy in raw)


def wait(policies: Sequence[RetryPolicy], troubles: Sequence[Trouble | None], elapsed_seconds: float) -> float | None:
    """Seconds to wait before the step is tried again; None: it has failed.

    `troubles` are those of each attempt so far, the last one's last; `elapsed_seconds` since the first attempt began.
    """
    last = troubles[-1]
    policy = next((policy for policy in (*policies, ALWAYS) if last in policy.troubles), None)
    if policy is None:
        return None
    retries = sum(trouble in policy.troubles for trouble in troubles[:-1])
    if policy.attempts is not None and retries >= policy.attempts:
        return None
    if policy.expire_after_seconds is not None and elapsed_seconds >= policy.expire_after_seconds:
        return None
    return policy.interval_seconds * policy.backoff_rate**retries


def _policy(raw: Mapping[str, Any]) -> RetryPolicy:
    given = raw.get("ExceptionType", [])
    names = [given] if isinstance(given, str) else given
    unknown = sorted(set(names) - set(Trouble))
    if unknown or not names:
        raise ValueError(f"ExceptionType {', '.join(unknown) or 'is missing; it'} must be one of {', '.join(Trouble)}")
    if {"MaxAttempts", "ExpireAfterMin"} <= set(raw):
        raise ValueError("a retry policy has MaxAttempts or ExpireAfterMin, not both")
    for member, most in _MOST.items():
        if not 0 <= raw.get(member, 0) <= most:
            raise ValueError(f"{member} is {raw[member]}; it must be between 0 and {most}")
    rate = raw.get("BackoffRate", 2.0)
    if rate < 0:
        raise ValueError(f"BackoffRate is {rate}; it must not be negative")
    minutes = raw.get("ExpireAfterMin")
    return RetryPolicy(
        frozenset(map(Trouble, names)),
        raw.get("IntervalSeconds", 1),
        rate,
        raw.get("MaxAttempts", None if minutes is not None else _DEFAULT_ATTEMPTS),
        None if minutes is None else minutes * 60,
    )
