"""The instances of one endpoint config: brought up together, kept up, scaled, stopped. An update has two of them.

It must never decide when traffic moves: a deployment does, by setting `active`.
"""

import asyncio
import random
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from local.clock import Clock
from local.hosting.launcher import HEALTHY_WITHIN_SECONDS, Launcher, LaunchError, Place
from local.hosting.models import Container
from local.serving import Instance

if TYPE_CHECKING:
    from local.hosting.capture import Capture
    from local.hosting.exchange import Exchange
    from local.hosting.shadow import Mirror

RESTART_SECONDS = 10.0
"""How long after an instance died, or failed to come back, it is started again (AWS seconds)."""


@dataclass(frozen=True)
class VariantPlan:
    """What a production or shadow variant is to be: from its endpoint config, or retained from the fleet before."""

    name: str
    container: Container
    count: int
    weight: float
    healthy_within: float = HEALTHY_WITHIN_SECONDS
    shadow: bool = False

    @classmethod
    def of(
        cls, variant: Mapping[str, Any], container: Container, retained: Mapping[str, Any], *, shadow: bool = False
    ) -> "VariantPlan":
        """From a ProductionVariant; `retained` may hold DesiredInstanceCount and DesiredWeight that replace its own."""
        return cls(
            variant["VariantName"],
            container,
            retained.get("DesiredInstanceCount", variant["InitialInstanceCount"]),
            retained.get("DesiredWeight", variant["InitialVariantWeight"]),
            variant.get("ContainerStartupHealthCheckTimeoutInSeconds", HEALTHY_WITHIN_SECONDS),
            shadow,
        )


class Variant:
    """The running instances of one production or shadow variant.

    `active` is how many of them may get traffic, from the first; `status` is its VariantStatus, None when it is steady;
    `observers` are told, at once and in order, of each request that it was asked.
    """

    def __init__(self, place: Place, plan: VariantPlan) -> None:
        self.place = place
        self.plan = plan
        self.weight = self.desired_weight = plan.weight
        self.desired_count = plan.count
        self.instances: list[Instance] = []
        self.active = 0
        self.status: dict[str, Any] | None = None
        self.observers: list[Callable[[Exchange], None]] = []
        both = (("EndpointName", place.endpoint), ("VariantName", place.variant))
        self.dimensions = (both, (("EndpointConfigName", place.config), *both))

    @property
    def share(self) -> float:
        """The part of its instances that get traffic."""
        return self.active / len(self.instances) if self.instances else 0.0

    def pick(self, rng: random.Random) -> Instance | None:
        """A random instance that gets traffic and is alive."""
        usable = [instance for instance in self.instances[: self.active] if instance.alive]
        return rng.choice(usable) if usable else None


class Fleet:
    """The variants of one endpoint config on one endpoint: those in production and at most one shadow.

    `mirror` copies requests to the shadow and `capture` keeps them, when they are there; they end with the fleet.
    """

    def __init__(self, endpoint: str, config: str, plans: list[VariantPlan], launcher: Launcher, clock: Clock) -> None:
        self.endpoint = endpoint
        self.config = config
        self._folder = launcher.folder(endpoint, config)
        places = (Place(endpoint, config, plan.name, self._folder / plan.name) for plan in plans)
        self.variants = {plan.name: Variant(place, plan) for place, plan in zip(places, plans, strict=True)}
        self.production = {name: variant for name, variant in self.variants.items() if not variant.plan.shadow}
        self.shadow = next((variant for variant in self.variants.values() if variant.plan.shadow), None)
        self.mirror: Mirror | None = None
        self.capture: Capture | None = None
        self._launcher = launcher
        self._clock = clock
        self._repairs: set[asyncio.Task[None]] = set()

    @property
    def counts(self) -> dict[str, int]:
        """How many instances each variant is to have."""
        return {name: variant.desired_count for name, variant in self.variants.items()}

    async def start(self) -> None:
        """Bring every instance up. Raises LaunchError; what came up by then stays until `stop`."""
        await _all(*(self._grow(variant, variant.desired_count) for variant in self.variants.values()))

    async def scale(self, name: str, count: int) -> None:
        """Give a variant so many instances, all with traffic. Raises LaunchError and leaves the others as they were."""
        variant = self.variants[name]
        variant.desired_count = count
        extra = variant.instances[count:]
        if extra:
            variant.instances = variant.instances[:count]
            variant.active = count
            await asyncio.gather(*(instance.stop() for instance in extra))
            return
        before = list(variant.instances)
        if count == len(before):
            return
        try:
            await self._grow(variant, count - len(before))
        except LaunchError:
            failed = [instance for instance in variant.instances if instance not in before]
            variant.instances, variant.desired_count = before, len(before)
            await asyncio.gather(*(instance.stop() for instance in failed))
            raise
        variant.active = count

    async def stop(self) -> None:
        """End every process of the fleet."""
        for repair in self._repairs:
            repair.cancel()
        await asyncio.gather(*self._repairs, return_exceptions=True)
        if self.mirror is not None:
            await self.mirror.close()
        instances = [instance for variant in self.variants.values() for instance in variant.instances]
        await asyncio.gather(*(instance.stop() for instance in instances))
        for variant in self.variants.values():
            variant.instances, variant.active = [], 0
        if self.capture is not None:
            await self.capture.close()
        await asyncio.to_thread(shutil.rmtree, self._folder, ignore_errors=True)

    def activate(self, active: Mapping[str, int]) -> None:
        """Let so many instances of each variant get traffic."""
        for name, count in active.items():
            self.variants[name].active = count

    def show(self, status: str | None, message: str = "") -> None:
        """Set the VariantStatus of every variant; None is steady."""
        shown = {"Status": status, "StatusMessage": message, "StartTime": self._clock.now()} if status else None
        for variant in self.variants.values():
            variant.status = shown

    async def _grow(self, variant: Variant, count: int) -> None:
        archive = await self._launcher.download(variant.place, variant.plan.container)

        def replace(dead: Instance) -> None:
            repair = asyncio.create_task(self._replace(variant, dead, create))
            self._repairs.add(repair)
            repair.add_done_callback(self._repairs.discard)

        def create() -> Instance:
            return self._launcher.instance(variant.place, variant.plan.container, archive, replace)

        instances = [create() for _ in range(count)]
        variant.instances.extend(instances)
        await _all(*(self._launch(variant, instance) for instance in instances))

    async def _launch(self, variant: Variant, instance: Instance) -> None:
        await self._launcher.start(variant.place, instance, variant.plan.healthy_within)

    async def _replace(self, variant: Variant, dead: Instance, create: Callable[[], Instance]) -> None:
        await dead.stop()
        while dead in variant.instances:
            await self._clock.sleep(RESTART_SECONDS)
            fresh = create()
            try:
                await self._launch(variant, fresh)
            except LaunchError:
                continue
            if dead not in variant.instances:
                await fresh.stop()
                return
            variant.instances[variant.instances.index(dead)] = fresh


async def _all(*work: Any) -> None:
    """Wait for all of it, then raise the first error. When cancelled, all of it is cancelled and waited for."""
    outcomes = await asyncio.gather(*work, return_exceptions=True)
    for outcome in outcomes:
        if isinstance(outcome, BaseException):
            raise outcome
