"""Step caching: what identifies a run, and how long it may be reused.

The key is the documented attributes only, so outputs never matter, and an S3 input is its URI, not its content. Only
successful runs of the same step of the same pipeline are reused.
Source: the developer guide, "Caching Pipeline Steps" and "Turn on step caching".
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

ATTRIBUTES: Mapping[str, tuple[str, ...]] = {
    "Processing": ("AppSpecification", "Environment", "ProcessingInputs"),
    "Training": (
        "AlgorithmSpecification",
        "CheckpointConfig",
        "DebugHookConfig",
        "DebugRuleConfigurations",
        "Environment",
        "HyperParameters",
        "InputDataConfig",
    ),
}
_DURATION = re.compile(
    r"p?(?:(?P<years>\d+)y)?(?:(?P<months>\d+)m)?(?:(?P<weeks>\d+)w)?(?:(?P<days>\d+)d)?"
    r"(?:t(?:(?P<hours>\d+)h)?(?:(?P<minutes>\d+)m)?)?",
    re.IGNORECASE,
)
_DAYS = {"years": 365, "months": 30, "weeks": 7, "days": 1}


@dataclass(frozen=True)
class Run:
    """A successful run: which execution it belongs to, when it ended, and what the step showed and offered then."""

    execution_arn: str
    ended: datetime
    metadata: Mapping[str, Any]
    properties: Mapping[str, Any]


def key(step_type: str, request: Mapping[str, Any]) -> str:
    """The identity of a resolved request."""
    attributes = {name: request[name] for name in ATTRIBUTES[step_type] if name in request}
    return hashlib.sha256(json.dumps(attributes, sort_keys=True).encode()).hexdigest()


def duration(text: str) -> timedelta:
    """ExpireAfter: an ISO 8601 duration to the minute; AWS takes it without the P as well ("30d", "T16m").

    Raises ValueError.
    """
    match = _DURATION.fullmatch(text)
    parts = {name: int(value) for name, value in match.groupdict().items() if value} if match else {}
    if not parts:
        raise ValueError(f"{text!r} is not a duration such as P30D, PT1H or 30dT5h")
    days = sum(_DAYS[name] * parts.get(name, 0) for name in _DAYS)
    return timedelta(days=days, hours=parts.get("hours", 0), minutes=parts.get("minutes", 0))


class Cache:
    """The newest successful run for each pipeline, step and key."""

    def __init__(self) -> None:
        self._runs: dict[tuple[str, str, str], Run] = {}

    def find(self, pipeline: str, step: str, run_key: str, now: datetime, expire_after: timedelta | None) -> Run | None:
        """A run to reuse, unless it is older than `expire_after`."""
        run = self._runs.get((pipeline, step, run_key))
        if run is None or (expire_after is not None and now - run.ended > expire_after):
            return None
        return run

    def keep(self, pipeline: str, step: str, run_key: str, run: Run) -> None:
        """Remember a successful run in place of an older one."""
        self._runs[pipeline, step, run_key] = run
