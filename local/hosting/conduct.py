"""What SageMaker does to an endpoint for an inference experiment: put the shadow beside it, resample, take it back.

Each change is an endpoint config and an update of the endpoint like any other. Sources: the developer guide, "Shadow
tests"; the API reference of StopInferenceExperiment. It must never decide when: `experiments` does.
"""

import itertools
from collections.abc import Mapping
from typing import Any

from local.clock import Clock
from local.context import Request, Response
from local.hosting.configs import EndpointConfigs, variants_of
from local.hosting.endpoints import Endpoints
from local.hosting.experiment import Before, Experiment
from local.hosting.model_variants import Variants, data_capture, endpoint_config, model_variant, remaining, running
from local.hosting.models import Models
from local.unverified import Unverified

LOOK_SECONDS = 5.0
"""How often an endpoint is looked at while it changes (AWS seconds)."""

_CHANGING = ("Creating", "Updating", "SystemUpdating", "RollingBack", "Deleting")


class ConductError(Exception):
    """The endpoint did not become what the experiment needs; the message is the StatusReason."""


class Conductor:
    """Changes endpoints for experiments. Its methods raise ConductError, or AwsError as an endpoint's operations do."""

    def __init__(
        self, clock: Clock, unverified: Unverified, models: Models, configs: EndpointConfigs, endpoints: Endpoints
    ) -> None:
        self._clock = clock
        self._unverified = unverified
        self._models = models
        self._configs = configs
        self._endpoints = endpoints
        self._numbers = itertools.count(1)

    async def start(self, experiment: Experiment) -> None:
        """Put the experiment's variants on its endpoint."""
        described = await self._settled(experiment.endpoint)
        config = self._configs.describe(described["EndpointConfigName"])
        desired = _desired(described)
        variants = [model_variant(item, desired[item["VariantName"]][1]) for item in variants_of(config)]
        before = Before(config["EndpointConfigName"], config.get("DataCaptureConfig"), variants, desired)
        await self._deploy(experiment, running(experiment.members), data_capture(experiment.members) or before.capture)
        experiment.before = before

    async def revise(self, experiment: Experiment) -> None:
        """Copy the percentage of requests that the experiment has now."""
        wanted = running(experiment.members)
        assert wanted.shadow is not None
        name, weight = wanted.shadow["VariantName"], wanted.percentage / 100
        await self._scale(experiment.endpoint, name, weight)

    async def stop(self, experiment: Experiment, order: Request) -> None:
        """Leave on the endpoint what StopInferenceExperiment says; go back to what was there when that is the same."""
        assert experiment.before is not None
        wanted = remaining(experiment.members, order, self._unverified.promoted_variant_name)
        if wanted.shadow is None and [wanted.production] == experiment.before.variants:
            await self.complete(experiment)
        elif wanted != running(experiment.members):
            await self._deploy(experiment, wanted, experiment.before.capture)

    async def complete(self, experiment: Experiment) -> None:
        """Take the endpoint back to what it was."""
        before = experiment.before
        assert before is not None
        name = experiment.endpoint
        await self._update(
            {"EndpointName": name, "EndpointConfigName": before.config, "RetainAllVariantProperties": True}
        )
        for variant, (weight, count) in before.desired.items():
            await self._scale(name, variant, weight, count)

    async def _deploy(self, experiment: Experiment, variants: Variants, capture: Mapping[str, Any] | None) -> None:
        name = f"{experiment.members['Name'][:50]}-{next(self._numbers)}"
        self._configs.create(endpoint_config(name, variants, experiment.members, capture), self._models.container)
        await self._update({"EndpointName": experiment.endpoint, "EndpointConfigName": name})

    async def _update(self, request: Request) -> None:
        name, config = request["EndpointName"], request["EndpointConfigName"]
        await self._settled(name)
        self._endpoints.update(request)
        after = await self._settled(name)
        if after["EndpointConfigName"] != config:
            why = after["FailureReason"] or "the endpoint gives no FailureReason"
            raise ConductError(f"Endpoint {name} was rolled back from endpoint configuration {config}: {why}")

    async def _scale(self, endpoint: str, variant: str, weight: float, count: int | None = None) -> None:
        """Give a variant this weight, and unless it is None this count, where it has another one."""
        have = _desired(await self._settled(endpoint)).get(variant, (None, 1))
        wanted = (weight, have[1] if count is None else count)
        if have == wanted:
            return
        change = {"VariantName": variant, "DesiredWeight": weight, "DesiredInstanceCount": wanted[1]}
        self._endpoints.rescale({"EndpointName": endpoint, "DesiredWeightsAndCapacities": [change]})
        after = await self._settled(endpoint)
        if _desired(after)[variant] != wanted:
            why = after["FailureReason"] or "the endpoint gives no FailureReason"
            raise ConductError(f"Endpoint {endpoint} did not give variant {variant} weight and size {wanted}: {why}")

    async def _settled(self, endpoint: str) -> Response:
        """DescribeEndpoint once nothing is being done to it."""
        while True:
            described = self._endpoints.describe({"EndpointName": endpoint})
            if described["EndpointStatus"] not in _CHANGING:
                return described
            await self._clock.sleep(LOOK_SECONDS)


def _desired(endpoint: Response) -> dict[str, tuple[float, int]]:
    variants = [*endpoint["ProductionVariants"], *(endpoint["ShadowProductionVariants"] or [])]
    return {item["VariantName"]: (item["DesiredWeight"], item["DesiredInstanceCount"]) for item in variants}
