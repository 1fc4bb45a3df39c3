"""Puts an act's faults in force, each on whom it is about, for as long as it should be. It must never judge them."""

import contextlib
from collections.abc import Iterator

from local.faults import FaultError, parse
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
}
"""Whom the faults of a scope are about, in a release."""


def begin(scene: Scene, act: Act, scope: str, target: str | None) -> list[str]:
    """Begin the act's faults of a scope; their texts."""
    begun = [fault for fault in act.fault if parse(fault).scope == scope]
    for fault in begun:
        scene.local.faults.put(fault, target)
        scene.tell.say(f"the rehearsal gives {WHOM[scope]} a fault: {fault}")
    return begun


@contextlib.contextmanager
def while_released(scene: Scene, act: Act, endpoint: str) -> Iterator[None]:
    """Faults of what surrounds a release to an endpoint, while the block runs."""
    targets = {"hosting": endpoint, "traffic": endpoint, "api": DEPLOYER}
    begun = [(fault, target) for scope, target in targets.items() for fault in begin(scene, act, scope, target)]
    try:
        yield
    finally:
        for fault, target in begun:
            scene.local.faults.clear(fault, target)


def check(act: Act, traffic: Traffic) -> None:
    """Raise RehearsalError when a fault of the traffic cannot be with the rows there are."""
    for fault in map(parse, act.fault):
        if isinstance(fault, TrafficFault):
            try:
                fault.fit(traffic.rows)
            except FaultError as error:
                raise RehearsalError(str(error), 2) from error
