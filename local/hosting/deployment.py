"""What SageMaker does after CreateEndpoint and UpdateEndpoint: it walks from fleet to fleet, and back if it must.

An alarm in ALARM at any moment, instances that do not come up, or the timeout send an update back to the old fleet.
Sources: the developer guide, "Deployment guardrails" and "Events that SageMaker sends to EventBridge" (the messages).
What a rollback leaves in the endpoint's description is not documented. It must never choose the steps: `traffic` does.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from local.clock import Clock
from local.hosting import rules, traffic
from local.hosting.endpoint import Endpoint
from local.hosting.fleet import Fleet
from local.hosting.guardrails import Alarms, GuardrailError, Watch
from local.hosting.launcher import LaunchError
from local.hosting.traffic import Counts, DeploymentConfig, Step
from local.unverified import Unverified

SHIFTING_SECONDS = 2.0
"""How long traffic takes to reach the instances it is given to (AWS seconds)."""

TERMINATION_SECONDS = 5.0
"""How long instances without traffic take to go (AWS seconds)."""


@dataclass(frozen=True)
class World:
    """What a deployment needs: time, alarms, someone to tell.

    `changed` is told of an endpoint whose status changed, `advanced` of one whose deployment took a step.
    """

    clock: Clock
    unverified: Unverified
    alarms: Alarms
    changed: Callable[[Endpoint], None]
    advanced: Callable[[Endpoint], None]


async def create(world: World, endpoint: Endpoint, fleet: Fleet) -> None:
    """Bring up the first fleet of an endpoint, which is its green one; nothing guards it. Ends InService or Failed."""
    fleet.show("Creating", _instances("Launching", fleet.counts))
    world.changed(endpoint)
    try:
        await fleet.grow(fleet.counts)
    except LaunchError as error:
        endpoint.fail(str(error))
        await fleet.stop()
        endpoint.status = "Failed"
    else:
        fleet.activate(fleet.counts)
        endpoint.blue = fleet
        endpoint.status = "InService"
    endpoint.green = None
    fleet.steady()
    world.changed(endpoint)


class Update:
    """One UpdateEndpoint: from the fleet that serves to the endpoint's green one, as a DeploymentConfig says.

    `ignoring` are alarms that were in ALARM before. Where guardrails are excluded, the update is all at once, nothing
    watches over it, and nobody is told of its steps.
    """

    def __init__(
        self, world: World, endpoint: Endpoint, config: DeploymentConfig, ignoring: tuple[str, ...] = ()
    ) -> None:
        assert endpoint.blue is not None
        assert endpoint.green is not None
        self._world = world
        self._endpoint = endpoint
        self._blue, self._green = endpoint.blue, endpoint.green
        self._excluded = self._blue.guardrails_excluded or self._green.guardrails_excluded
        self._asked = config
        self._config = {} if self._excluded else config
        self._old = self._blue.sizes
        timeout = rules.timeout_seconds(self._config, world.unverified)
        self._watch = Watch(world.clock, world.alarms, rules.alarms(self._config), timeout, ignoring)

    async def run(self) -> None:
        """Walk to the new config. Ends InService, on it or on the old one; or UpdateRollbackFailed, on both."""
        endpoint, unverified = self._endpoint, self._world.unverified
        endpoint.failure_reason = None
        self._world.changed(endpoint)
        *shifting, done = traffic.forward(self._config, self._old, self._green.counts, unverified.canary_rounding)
        try:
            for step in shifting:
                await self._watch.over(self._take(step))
        except (GuardrailError, LaunchError) as error:
            await self._roll_back(str(error))
        else:
            await self._complete(done)
        self._world.changed(endpoint)

    async def _complete(self, done: Step) -> None:
        await self._take(done)
        endpoint = self._endpoint
        for fleet in filter(None, (endpoint.blue, endpoint.stray)):
            await fleet.stop()
        self._green.steady()
        endpoint.blue, endpoint.green, endpoint.stray = self._green, None, None
        endpoint.config = self._green.config
        endpoint.last_deployment_config = self._asked or None
        endpoint.status = "InService"

    async def _roll_back(self, reason: str) -> None:
        endpoint, green, unverified = self._endpoint, self._green, self._world.unverified
        endpoint.fail(reason)
        endpoint.status = unverified.rollback_status
        if unverified.last_deployment_config_after_rollback == "attempted":
            endpoint.last_deployment_config = self._asked or None
        self._world.changed(endpoint)
        rounding = unverified.canary_rounding
        steps = traffic.back(self._config, self._old, green.counts, green.sizes, green.active, rounding)
        try:
            for step in steps:
                await self._take(step)
        except LaunchError as error:
            endpoint.fail(f"{reason} The rollback failed as well: {error}")
            endpoint.stray = green
        else:
            await green.stop()
            if unverified.failure_reason_after_rollback == "empty":
                endpoint.failure_reason = None
        endpoint.green, endpoint.status = None, endpoint.resting_status
        self._blue.steady()
        green.steady()

    async def _take(self, step: Step) -> None:
        """Make a step true: take away what is too many, bring up what is missing, move traffic, bake."""
        for fleet, sizes in ((self._blue, step.old), (self._green, step.new)):
            await self._shrink(fleet, sizes)
        for fleet, sizes in ((self._blue, step.old), (self._green, step.new)):
            await self._grow(fleet, sizes)
        if step.active != self._green.active:
            forward = sum(step.active.values()) > sum(self._green.active.values())
            fleet, active = (self._green, step.active) if forward else (self._blue, step.old)
            self._show(fleet, "ActivatingTraffic", _with_traffic("Activating traffic", active, fleet))
            self._green.activate(step.active)
            await self._world.clock.sleep(SHIFTING_SECONDS)
        if step.bake_seconds:
            baking = f"Baking for {step.bake_seconds:g} seconds ({step.wait}) with traffic enabled"
            self._show(self._green, "Baking", _with_traffic(baking, step.active, self._green))
            await self._world.clock.sleep(step.bake_seconds)

    async def _shrink(self, fleet: Fleet, sizes: Counts) -> None:
        surplus = _missing(sizes, fleet.sizes)
        if not any(surplus.values()):
            return
        self._show(fleet, "Deleting", _instances("Terminating", surplus))
        await fleet.shrink(sizes)
        await self._world.clock.sleep(TERMINATION_SECONDS)

    async def _grow(self, fleet: Fleet, sizes: Counts) -> None:
        missing = _missing(fleet.sizes, sizes)
        if not any(missing.values()):
            return
        status = "Creating" if fleet is self._green else "Updating"
        self._show(fleet, status, _instances("Launching", missing))
        await fleet.grow(sizes)
        if fleet is self._blue:
            fleet.activate(sizes)

    def _show(self, fleet: Fleet, status: str, messages: Mapping[str, str]) -> None:
        """Say what is being done, which is one thing to one fleet at a time."""
        self._blue.steady()
        self._green.steady()
        fleet.show(status, messages)
        if not self._excluded:
            self._world.advanced(self._endpoint)


def _instances(doing: str, counts: Counts) -> Mapping[str, str]:
    return {name: f"{doing} {count} instance(s)." for name, count in counts.items() if count}


def _with_traffic(doing: str, active: Counts, fleet: Fleet) -> Mapping[str, str]:
    whole = fleet.counts
    return {
        name: f"{doing} on {'full' if count == whole[name] else 'canary'} capacity of {count} instance(s)."
        for name, count in active.items()
    }


def _missing(have: Counts, want: Counts) -> Counts:
    return {name: max(0, count - have.get(name, 0)) for name, count in want.items()}
