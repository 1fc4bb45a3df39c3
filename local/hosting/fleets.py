"""From an endpoint config to a fleet: what its variants are to be, and who observes what they are asked.

It must never start an instance.
"""

from collections.abc import Mapping
from typing import Any

from local.context import Context
from local.hosting.capture import capture, store
from local.hosting.capture_plan import CapturePlan
from local.hosting.configs import VARIANTS, EndpointConfigs, variants_of
from local.hosting.fleet import Fleet
from local.hosting.launcher import Launcher
from local.hosting.models import Models
from local.hosting.plan import VariantPlan
from local.hosting.shadow import Ask, mirror

Retained = Mapping[str, Mapping[str, Any]]
"""DesiredInstanceCount and DesiredWeight, by variant, that replace those of the config."""


class Fleets:
    """Makes fleets; `ask` is how a shadow is asked."""

    def __init__(
        self,
        context: Context,
        models: Models,
        configs: EndpointConfigs,
        launcher: Launcher,
        ask: Ask,
    ) -> None:
        self._context = context
        self._models = models
        self._configs = configs
        self._launcher = launcher
        self._ask = ask

    def plans(self, config: str, retained: Retained) -> list[VariantPlan]:
        """What the config's variants are to be. Raises AwsError for a config or model that cannot be deployed."""
        described = self._configs.describe(config)
        for variant in variants_of(described):
            self._models.check_deployable(variant["ModelName"])
        return [
            VariantPlan.of(
                variant,
                self._models.container(variant["ModelName"]),
                retained.get(variant["VariantName"], {}),
                shadow=member == "ShadowProductionVariants",
            )
            for member in VARIANTS
            for variant in described.get(member, [])
        ]

    def make(self, endpoint: str, config: str, plans: list[VariantPlan]) -> Fleet:
        """A fleet of which no instance runs yet."""
        fleet = Fleet(endpoint, config, plans, self._launcher, self._context.clock)
        unverified = self._context.unverified
        mirror(fleet, self._ask, unverified)
        captured = self._configs.describe(config).get("DataCaptureConfig")
        if captured is not None:
            plan = CapturePlan.of(captured, unverified.captured_failures)
            capture(fleet, plan, store(self._context))
        return fleet
