"""Small sentences that the deploy tests share: a policy, a world with a version in service, a rollout to its end."""

from pathlib import Path
from typing import Any

import fake_aws
from fake_aws import FakeAws

from deploy import rollback_now, rollout, stage_files
from deploy.decision import Decision
from deploy.policy import ROLE_VARIABLE, Policy

STAGES = Path(__file__).parent / "stages"
ENVIRON = {ROLE_VARIABLE: fake_aws.ROLE}


def policy(*overrides: str, stage: str = "staging", folder: Path = STAGES) -> Policy:
    return stage_files.load(stage, overrides, ENVIRON, folder)


def quiet(_: Any, __: Decision) -> None:
    return None


def apply(world: FakeAws, arn: str, *overrides: str, stage: str = "staging") -> Decision:
    return rollout.apply(world, world.clock, policy(*overrides, stage=stage), arn, quiet)[1]


def roll_back(world: FakeAws, stage: str = "staging") -> Decision:
    return rollback_now.roll_back(world, world.clock, policy(stage=stage), quiet)


def serving(*, versions: int = 1) -> tuple[FakeAws, list[str]]:
    """A world in which the versions were rolled out one after the other, all good; and their ARNs."""
    world = FakeAws()
    arns = []
    for version in range(1, versions + 1):
        arns.append(world.add_package(version))
        assert apply(world, arns[-1]).outcome in {"created", "promoted"}
    world.calls.clear()
    return world, arns
