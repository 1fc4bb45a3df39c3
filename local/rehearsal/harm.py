"""Puts an act's faults in force, each on whom it is about, for as long as it should be. It must never judge them."""

import contextlib
from collections.abc import Iterator, Mapping

from local.faults import Active, FaultError, parse
from local.faults.traffic import TrafficFault
from local.rehearsal.problems import RehearsalError
from local.rehearsal.scene import DEPLOYER, Scene
from local.rehearsal.story import Act
from local.rehearsal.traffic import Traffic

WHOM = {
    "container": "its containers",
    "hosting": "its endpoint",
    "traffic": "its traffic",
    "api": "the deploy stage's calls",
    "jobs": "its jobs",
    "events": "its events",
}
"""Whom the faults of a scope are about, in a release."""


def begin(scene: Scene, act: Act, scope: str, target: str | None) -> list[Active]:
    """Begin the act's faults of a scope."""
    begun = [scene.local.faults.put(fault, target) for fault in act.fault if parse(fault).scope == scope]
    for active in begun:
        scene.tell.say(f"the rehearsal gives {WHOM[scope]} a fault: {active.fault}")
    return begun


@contextlib.contextmanager
def during(scene: Scene, act: Act, targets: Mapping[str, str | None]) -> Iterator[None]:
    """The act's faults of these scopes are in force while the block runs, each about its scope's target."""
    begun = [active for scope, target in targets.items() for active in begin(scene, act, scope, target)]
    try:
        yield
    finally:
        for active in begun:
            scene.local.faults.end(active)
    for active in begun:
        if active.fault.happened == 0:
            scene.tell.say(f"{active.fault} never happened, and proves nothing", good=False)


def around(endpoint: str) -> dict[str, str | None]:
    """Whom the faults of a release to an endpoint are about, by scope; those of its containers aside."""
    return {"hosting": endpoint, "traffic": endpoint, "api": DEPLOYER}


def check(act: Act, traffic: Traffic) -> None:
    """Raise RehearsalError when a fault of the traffic cannot be with the rows there are."""
    for fault in map(parse, act.fault):
        if isinstance(fault, TrafficFault):
            try:
                fault.fit(traffic.rows)
            except FaultError as error:
                raise RehearsalError(str(error), 2) from error
