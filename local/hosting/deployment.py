"""What SageMaker does after CreateEndpoint and UpdateEndpoint: provision, shift traffic, bake, watch alarms, roll back.

An update is blue/green: the whole new fleet comes up beside the old one, gets traffic step by step, and replaces it. An
alarm in ALARM at any moment, a fleet that does not come up, or the timeout takes all traffic back to the old fleet.
Sources: the developer guide, "Deployment guardrails" and "Events that SageMaker sends to EventBridge" (the messages).
Whether SageMaker shows RollingBack then, and with which FailureReason, is not documented.
It must never choose the steps: `traffic` does.
"""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from local.clock import Clock
from local.hosting import traffic
from local.hosting.endpoint import Endpoint
from local.hosting.fleet import Fleet
from local.hosting.launcher import LaunchError
from local.hosting.traffic import DeploymentConfig, Shift

PROVISIONING_SECONDS = 20.0
"""What getting instances costs beyond starting the containers (AWS seconds)."""

SHIFTING_SECONDS = 2.0
"""How long traffic takes to reach the instances it is given to (AWS seconds)."""

TERMINATION_SECONDS = 5.0
"""How long a fleet without traffic takes to go (AWS seconds)."""

WATCH_SECONDS = 5.0
"""How often alarms and the timeout are looked at (AWS seconds)."""


@dataclass(frozen=True)
class World:
    """What a deployment needs: time, alarms, someone to tell.

    `alarm_fired_since` is why an alarm is in ALARM, or was since a moment; None when it was not. `changed` is told of
    an endpoint whose status changed, `advanced` of one whose deployment took a step.
    """

    clock: Clock
    alarm_fired_since: Callable[[str, datetime], str | None]
    changed: Callable[[Endpoint], None]
    advanced: Callable[[Endpoint], None]


class _RollbackError(Exception):
    """The deployment cannot go on; the message says why."""


async def create(world: World, endpoint: Endpoint, fleet: Fleet) -> None:
    """Bring up the first fleet of an endpoint, which is its green one; nothing guards it. Ends InService or Failed."""
    fleet.show("Creating", "Provisioning instances")
    world.changed(endpoint)
    try:
        await _provision(world, fleet)
    except LaunchError as error:
        endpoint.fail(str(error))
        await fleet.stop()
        endpoint.status = "Failed"
    else:
        fleet.activate(fleet.counts)
        endpoint.blue = fleet
        endpoint.status = "InService"
    endpoint.green = None
    fleet.show(None)
    world.changed(endpoint)


async def update(world: World, endpoint: Endpoint, fleet: Fleet, config: DeploymentConfig) -> None:
    """From the fleet that serves to a new one, which is the endpoint's green one already.

    Ends InService: on the new config, or on the old one with a FailureReason.
    """
    endpoint.failure_reason = None
    endpoint.status = "Updating"
    world.changed(endpoint)
    watch = _Watch(world, config)
    try:
        await _shift(world, endpoint, fleet, config, watch)
    except (_RollbackError, LaunchError) as error:
        await _roll_back(world, endpoint, fleet, str(error))
    else:
        await _complete(world, endpoint, fleet)
    endpoint.green = None
    endpoint.last_deployment_config = config or None
    endpoint.status = "InService"
    world.changed(endpoint)


async def rescale(world: World, endpoint: Endpoint, weights: dict[str, float], counts: dict[str, int]) -> None:
    """New weights and instance counts of the fleet that serves. Ends InService, on a failure with the old counts."""
    endpoint.failure_reason = None
    endpoint.status = "Updating"
    world.changed(endpoint)
    fleet = endpoint.blue
    assert fleet is not None
    try:
        for name, count in counts.items():
            await fleet.scale(name, count)
    except LaunchError as error:
        endpoint.fail(str(error))
        endpoint.status = "RollingBack"
        world.changed(endpoint)
    else:
        for name, weight in weights.items():
            fleet.variants[name].weight = fleet.variants[name].desired_weight = weight
    endpoint.status = "InService"
    world.changed(endpoint)


async def _shift(world: World, endpoint: Endpoint, fleet: Fleet, config: DeploymentConfig, watch: "_Watch") -> None:
    async def step(status: str, message: str, work: Coroutine[Any, Any, None]) -> None:
        fleet.show(status, message)
        world.advanced(endpoint)
        await watch.while_(work)

    instances = sum(fleet.counts.values())
    await step("Creating", f"Provisioning {instances} instance(s)", _provision(world, fleet))
    for shift in traffic.shifts(config, fleet.counts):
        capacity = _capacity(shift, fleet)
        fleet.activate(shift.active)
        await step("ActivatingTraffic", f"Activating traffic on {capacity}", world.clock.sleep(SHIFTING_SECONDS))
        baking = f"Baking for {shift.bake_seconds:g} seconds ({shift.name}) with traffic enabled on {capacity}"
        await step("Baking", baking, world.clock.sleep(shift.bake_seconds))


async def _complete(world: World, endpoint: Endpoint, fleet: Fleet) -> None:
    old = endpoint.blue
    assert old is not None
    fleet.show(None)
    old.show("Deleting", "Terminating the old fleet")
    world.advanced(endpoint)
    await _terminate(world, old)
    endpoint.blue, endpoint.config = fleet, fleet.config


async def _roll_back(world: World, endpoint: Endpoint, fleet: Fleet, reason: str) -> None:
    fleet.activate(dict.fromkeys(fleet.counts, 0))
    endpoint.fail(reason)
    endpoint.status = "RollingBack"
    fleet.show("Deleting", "Terminating the new fleet")
    world.changed(endpoint)
    world.advanced(endpoint)
    await _terminate(world, fleet)


async def _provision(world: World, fleet: Fleet) -> None:
    await world.clock.sleep(PROVISIONING_SECONDS)
    await fleet.start()


async def _terminate(world: World, fleet: Fleet) -> None:
    await fleet.stop()
    await world.clock.sleep(TERMINATION_SECONDS)


def _capacity(shift: Shift, fleet: Fleet) -> str:
    whole = shift.active == fleet.counts
    kind = "full" if whole else "canary" if shift.name == "WaitIntervalInSeconds" else "partial"
    return f"{kind} capacity of {sum(shift.active.values())} instance(s)"


class _Watch:
    """The conditions under which a deployment goes on."""

    def __init__(self, world: World, config: DeploymentConfig) -> None:
        self._world = world
        self._alarms = traffic.alarms(config)
        self._timeout = traffic.timeout_seconds(config)
        self._began = world.clock.now()

    async def while_(self, work: Coroutine[Any, Any, None]) -> None:
        """Do the work, looking again and again. Raises _RollbackError, having cancelled the work."""
        task = asyncio.create_task(work)
        try:
            while not task.done():
                self._look()
                await asyncio.wait({task}, timeout=WATCH_SECONDS / self._world.clock.speed)
            await task
            self._look()
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def _look(self) -> None:
        for name in self._alarms:
            why = self._world.alarm_fired_since(name, self._began)
            if why is not None:
                raise _RollbackError(
                    f"Rolled back to the previous configuration: alarm {name} is in ALARM state. {why}"
                )
        if self._world.clock.now() - self._began >= timedelta(seconds=self._timeout):
            raise _RollbackError(
                "Rolled back to the previous configuration: the deployment did not finish within "
                f"MaximumExecutionTimeoutInSeconds ({self._timeout})."
            )
