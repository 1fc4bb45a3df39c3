"""What a promoted rollout leaves behind and nobody needs: trials, old versions, alarms of ended rollouts. Pure.

The newest endpoint configs are kept to roll back to (`rollout.keep_versions`), and so is what serves and what served
before. It must never delete what deploy did not name.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from deploy.calls import Call
from deploy.names import rollout_of, rollout_pattern

MOST_ALARMS = 100
"""Names that one DeleteAlarms takes."""


@dataclass(frozen=True)
class Kept:
    """An endpoint config that exists, and when it was made."""

    name: str
    created: datetime


@dataclass(frozen=True)
class Leftovers:
    """Everything that carries a name of this endpoint's rollouts."""

    configs: tuple[Kept, ...] = ()
    alarms: tuple[str, ...] = ()


NOTHING = Leftovers()


def calls(endpoint: str, left: Leftovers, needed: Iterable[str], keep: int) -> tuple[Call, ...]:
    """The requests that tidy up; `needed` are configs that stay, and the newest `keep` versions do as well."""
    needed = set(needed)
    pattern = rollout_pattern(endpoint)
    ours = sorted((item for item in left.configs if pattern.fullmatch(item.name)), key=lambda item: item.created)
    versions = [item.name for item in ours if not _is_trial(item.name)]
    stay = needed | set(versions[-keep:])
    gone = [item.name for item in ours if item.name not in stay]
    alarms = [name for name in left.alarms if pattern.fullmatch(rollout_of(name))]
    return (*_alarms(alarms, needed), *(call for name in gone for call in _config(name)))


def _config(name: str) -> Sequence[Call]:
    config = Call(
        "sagemaker", "DeleteEndpointConfig", {"EndpointConfigName": name}, name, "no longer needed", optional=True
    )
    if _is_trial(name):
        return (config,)
    model = Call("sagemaker", "DeleteModel", {"ModelName": name}, name, "no longer needed", optional=True)
    return config, model


def _alarms(names: Sequence[str], needed: set[str]) -> Sequence[Call]:
    gone = sorted(name for name in names if rollout_of(name) not in needed)
    return [
        Call(
            "cloudwatch",
            "DeleteAlarms",
            {"AlarmNames": gone[start : start + MOST_ALARMS]},
            gone[start],
            "alarms of ended rollouts",
            optional=True,
        )
        for start in range(0, len(gone), MOST_ALARMS)
    ]


def _is_trial(name: str) -> bool:
    return not re.search(r"-[0-9a-f]{8}$", name)
