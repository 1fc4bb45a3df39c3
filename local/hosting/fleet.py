"""The instances of one endpoint config: brought up, kept up, taken away. An update has two of them.

It must never decide how many instances there are nor when traffic moves: a deployment does.
"""

import asyncio
import shutil
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from local.clock import Clock
from local.hosting.dice import Dice, chosen
from local.hosting.launcher import Launcher, LaunchError, Place
from local.hosting.plan import VariantPlan
from local.serving import Instance

if TYPE_CHECKING:
    from local.hosting.capture import Capture
    from local.hosting.exchange import Exchange
    from local.hosting.shadow import Mirror


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
        """The part of the variant's traffic that its active instances are for, 0 to 1."""
        return min(1.0, self.active / self.desired_count)

    def pick(self, dice: Dice) -> Instance | None:
        """An instance that gets traffic and is alive, at random: of all, or of those with the fewest requests."""
        usable = [instance for instance in self.instances[: self.active] if instance.alive]
        if self.plan.routing == "LEAST_OUTSTANDING_REQUESTS" and usable:
            fewest = min(instance.outstanding for instance in usable)
            usable = [instance for instance in usable if instance.outstanding == fewest]
        return chosen(usable, dice.roll(f"instance of {self.place.variant}")) if usable else None


class Fleet:
    """The variants of one endpoint config on one endpoint: those in production and at most one shadow.

    `mirror` copies requests to the shadow and `capture` keeps them, when they are there; they end with the fleet.
    """

    def __init__(self, endpoint: str, config: str, plans: list[VariantPlan], launcher: Launcher, clock: Clock) -> None:
        self.endpoint = endpoint
        self.config = config
        self.created = clock.now()
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
        self._retiring: set[asyncio.Task[None]] = set()

    @property
    def guardrails_excluded(self) -> bool:
        """Whether SageMaker has no guardrails for what runs here."""
        return any(variant.plan.guardrails_excluded for variant in self.variants.values())

    @property
    def counts(self) -> dict[str, int]:
        """How many instances each variant is to have."""
        return {name: variant.desired_count for name, variant in self.variants.items()}

    @property
    def sizes(self) -> dict[str, int]:
        """How many instances each variant has now."""
        return {name: len(variant.instances) for name, variant in self.variants.items()}

    @property
    def active(self) -> dict[str, int]:
        """How many instances of each variant may get traffic."""
        return {name: variant.active for name, variant in self.variants.items()}

    async def grow(self, sizes: Mapping[str, int]) -> None:
        """Bring instances up until each variant has so many. Raises LaunchError, and leaves only those from before."""
        started: list[Instance] = []
        try:
            await _all(*(self._grow(self.variants[name], size, started) for name, size in sizes.items()))
        except BaseException:
            for variant in self.variants.values():
                variant.instances = [instance for instance in variant.instances if instance not in started]
            await self._retire(started)
            raise

    async def shrink(self, sizes: Mapping[str, int]) -> None:
        """Take instances away, those without traffic first, until each variant has no more than so many."""
        surplus: list[Instance] = []
        for name, size in sizes.items():
            variant = self.variants[name]
            surplus += variant.instances[size:]
            variant.instances = variant.instances[:size]
            variant.active = min(variant.active, size)
        await self._retire(surplus)

    async def stop(self) -> None:
        """End every process of the fleet."""
        for repair in self._repairs:
            repair.cancel()
        await asyncio.gather(*self._repairs, return_exceptions=True)
        if self.mirror is not None:
            await self.mirror.close()
        await self.shrink(dict.fromkeys(self.variants, 0))
        await asyncio.gather(*self._retiring)
        if self.capture is not None:
            await self.capture.close()
        await asyncio.to_thread(shutil.rmtree, self._folder, ignore_errors=True)

    def activate(self, active: Mapping[str, int]) -> None:
        """Let so many instances of each variant get traffic."""
        for name, count in active.items():
            self.variants[name].active = count

    def show(self, status: str, messages: Mapping[str, str]) -> None:
        """Give the variants named a VariantStatus with these messages; the others are steady."""
        for name, variant in self.variants.items():
            shown = {"Status": status, "StatusMessage": messages.get(name), "StartTime": self._clock.now()}
            variant.status = shown if name in messages else None

    def steady(self) -> None:
        """Nothing is being done to any variant."""
        self.show("", {})

    async def _retire(self, instances: list[Instance]) -> None:
        """Stop instances that no variant has any more; it goes on when whoever waits for it is cancelled."""
        tasks = [asyncio.create_task(instance.stop()) for instance in instances]
        self._retiring.update(tasks)
        for task in tasks:
            task.add_done_callback(self._retiring.discard)
        if tasks:
            await asyncio.wait(tasks)
        for task in tasks:
            task.result()

    async def _grow(self, variant: Variant, size: int, started: list[Instance]) -> None:
        count = size - len(variant.instances)
        if count <= 0:
            return
        await self._launcher.provision(variant.place, variant.plan, count)
        archive = await self._launcher.download(variant.place, variant.plan)

        def replace(dead: Instance) -> None:
            repair = asyncio.create_task(self._replace(variant, dead, create))
            self._repairs.add(repair)
            repair.add_done_callback(self._repairs.discard)

        def create() -> Instance:
            return self._launcher.instance(variant.place, variant.plan, archive, replace)

        instances = [create() for _ in range(count)]
        started += instances
        variant.instances += instances
        await _all(*(self._launch(variant, instance) for instance in instances))

    async def _launch(self, variant: Variant, instance: Instance) -> None:
        await self._launcher.start(variant.place, variant.plan, instance)

    async def _replace(self, variant: Variant, dead: Instance, create: Callable[[], Instance]) -> None:
        """Put another instance in the place of one that died, however often it takes."""
        await dead.stop()
        while dead in variant.instances:
            try:
                await self._launcher.provision(variant.place, variant.plan, 1)
                fresh = create()
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
