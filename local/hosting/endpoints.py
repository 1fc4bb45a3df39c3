"""Endpoints: the operations on them, their records, and the one task per endpoint that does what follows.

Sources: the API reference of each operation. It must never hold a request up until a deployment has ended.
"""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from local.cloudwatch import CloudWatch
from local.context import Context, Request, Response
from local.errors import AwsError, validation
from local.hosting import deployment, traffic
from local.hosting.capture import capture, store
from local.hosting.capture_plan import CapturePlan
from local.hosting.configs import VARIANTS, EndpointConfigs
from local.hosting.endpoint import (
    DEPLOYMENT_EVENT,
    STATE_EVENT,
    Endpoint,
    deployment_event,
    describe,
    state_event,
)
from local.hosting.fleet import Fleet, VariantPlan
from local.hosting.invocation import InvokeResponse, Router
from local.hosting.launcher import Launcher
from local.hosting.models import Models
from local.hosting.shadow import mirror
from local.listing import page

_SERVING = ("InService", "Updating", "RollingBack", "SystemUpdating", "UpdateRollbackFailed")
_RETAINED = ("DesiredInstanceCount", "DesiredWeight")
_log = logging.getLogger(__name__)


class Endpoints:
    """Endpoints by name. `tags` is the table, by ARN, that creation tags are written into."""

    def __init__(
        self,
        context: Context,
        cloudwatch: CloudWatch,
        models: Models,
        configs: EndpointConfigs,
        launcher: Launcher,
        tags: dict[str, Any],
        seed: int | None,
    ) -> None:
        self._context = context
        self._cloudwatch = cloudwatch
        self._models = models
        self._configs = configs
        self._launcher = launcher
        self._tags = tags
        self._endpoints: dict[str, Endpoint] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._router = Router(context, cloudwatch, launcher, random.Random(seed))
        self._copying, self._sampling = _random(seed, "copying"), _random(seed, "sampling")
        self._world = deployment.World(context.clock, cloudwatch.alarm_fired_since, self._changed, self._advanced)

    async def close(self) -> None:
        """Give up every deployment and end every process."""
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        await asyncio.gather(*(_stop(endpoint) for endpoint in self._endpoints.values()))
        self._endpoints.clear()

    def configs_in_use(self) -> set[str]:
        """The endpoint configs that an endpoint has, or is about to have."""
        fleets = (fleet for item in self._endpoints.values() for fleet in (item.blue, item.green) if fleet)
        return {fleet.config for fleet in fleets} | {item.config for item in self._endpoints.values()}

    def create(self, request: Request) -> Response:
        """Start an endpoint; a DeploymentConfig is kept for later updates, since nothing guards a first creation."""
        name, config = request["EndpointName"], request["EndpointConfigName"]
        arn = self._arn(name)
        if name in self._endpoints:
            raise validation(f'Cannot create already existing endpoint "{arn}".')
        plans = self._plans(config, {})
        kept = request.get("DeploymentConfig")
        traffic.check(kept or {}, {plan.name: plan.count for plan in plans if not plan.shadow})
        now = self._context.clock.now()
        endpoint = Endpoint(name, arn, config, now, now, last_deployment_config=kept)
        self._endpoints[name] = endpoint
        self._tags[arn] = list(request.get("Tags", []))
        fleet = self._fleet(endpoint, config, plans)
        self._begin(endpoint, lambda: deployment.create(self._world, endpoint, fleet))
        return {"EndpointArn": arn}

    def update(self, request: Request) -> Response:
        """Start a blue/green deployment of another endpoint config on an endpoint that is InService."""
        endpoint = self._updatable(request["EndpointName"])
        config = request["EndpointConfigName"]
        plans = self._plans(config, _retained(endpoint, request))
        chosen = request.get("DeploymentConfig")
        if chosen is None and request.get("RetainDeploymentConfig"):
            chosen = endpoint.last_deployment_config
        self._check_deployment(endpoint, chosen, plans)
        fleet = self._fleet(endpoint, config, plans)
        self._begin(endpoint, lambda: deployment.update(self._world, endpoint, fleet, chosen or {}))
        return {"EndpointArn": endpoint.arn}

    def rescale(self, request: Request) -> Response:
        """Change weights, and the instance counts, of the variants that serve; no deployment, no guardrails."""
        endpoint = self._updatable(request["EndpointName"])
        assert endpoint.blue is not None
        weights: dict[str, float] = {}
        counts: dict[str, int] = {}
        for wanted in request["DesiredWeightsAndCapacities"]:
            name = wanted["VariantName"]
            if name not in endpoint.blue.variants:
                raise validation(f'Could not find variant "{name}" on endpoint "{endpoint.arn}".')
            if "DesiredWeight" in wanted:
                weights[name] = wanted["DesiredWeight"]
            if "DesiredInstanceCount" in wanted:
                counts[name] = wanted["DesiredInstanceCount"]
        if any(count < 1 for count in counts.values()):
            raise validation("DesiredInstanceCount must be 1 or more here.")
        self._begin(endpoint, lambda: deployment.rescale(self._world, endpoint, weights, counts))
        return {"EndpointArn": endpoint.arn}

    def describe(self, request: Request) -> Response:
        """The endpoint: what serves, and what is pending."""
        return describe(self._find(request["EndpointName"]))

    def summaries(self, request: Request) -> Response:
        """Summaries of endpoints."""
        members = ("EndpointName", "EndpointArn", "CreationTime", "LastModifiedTime", "EndpointStatus")
        described = map(describe, self._endpoints.values())
        return page(described, request, kind="Endpoint", members=members, result="Endpoints")

    def delete(self, request: Request) -> Response:
        """Start to delete an endpoint that nothing is being done to; its record goes with its last process."""
        endpoint = self._find(request["EndpointName"])
        if endpoint.status not in ("InService", "Failed", "OutOfService"):
            raise _in_progress(endpoint)
        endpoint.status = "Deleting"
        self._changed(endpoint)
        self._begin(endpoint, lambda: self._delete(endpoint))
        return {}

    async def invoke(self, name: str, body: bytes, headers: Mapping[str, str]) -> InvokeResponse:
        """Answer a request of sagemaker-runtime. `headers` are found whatever their case.

        Raises AwsError ValidationError when the endpoint is not there or serves nothing yet.
        """
        endpoint = self._endpoints.get(name)
        if endpoint is None or endpoint.status not in _SERVING or endpoint.blue is None:
            raise AwsError("ValidationError", f"Endpoint {name} of account {self._context.account} not found.")
        return await self._router.invoke(endpoint, body, headers)

    def _find(self, name: str) -> Endpoint:
        if name not in self._endpoints:
            raise validation(f'Could not find endpoint "{self._arn(name)}".')
        return self._endpoints[name]

    def _updatable(self, name: str) -> Endpoint:
        endpoint = self._find(name)
        if endpoint.status == "Failed":
            raise validation(f'Cannot update endpoint "{endpoint.arn}": it is Failed and can only be deleted.')
        if endpoint.status != "InService":
            raise _in_progress(endpoint)
        return endpoint

    def _plans(self, config: str, retained: Mapping[str, Mapping[str, Any]]) -> list[VariantPlan]:
        described = self._configs.describe(config)
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

    def _fleet(self, endpoint: Endpoint, config: str, plans: list[VariantPlan]) -> Fleet:
        """The endpoint's new green fleet; none of it runs yet."""
        fleet = Fleet(endpoint.name, config, plans, self._launcher, self._context.clock)
        mirror(fleet, self._router.exchange, self._copying, self._context.unverified)
        captured = self._configs.describe(config).get("DataCaptureConfig")
        if captured is not None:
            plan = CapturePlan.of(captured, self._context.unverified.captured_failures)
            capture(fleet, plan, store(self._context), self._sampling)
        endpoint.green, endpoint.green_since = fleet, self._context.clock.now()
        return fleet

    def _check_deployment(
        self, endpoint: Endpoint, config: traffic.DeploymentConfig | None, plans: Sequence[VariantPlan]
    ) -> None:
        if config is None:
            return
        assert endpoint.blue is not None
        traffic.check(config, {plan.name: plan.count for plan in plans if not plan.shadow})
        old, new = sorted(endpoint.blue.production), sorted(plan.name for plan in plans if not plan.shadow)
        if old != new:
            raise validation(
                "A DeploymentConfig needs the same variant names in the old and the new endpoint configuration; they "
                f"are {', '.join(old)} and {', '.join(new)}."
            )
        for name in traffic.alarms(config):
            if self._cloudwatch.alarm_state(name) is None:
                raise validation(f"AutoRollbackConfiguration names alarm {name}, which does not exist.")

    def _begin(self, endpoint: Endpoint, work: Callable[[], Awaitable[None]]) -> None:
        """Run what follows an operation in the endpoint's one task; it is busy before the operation answers."""
        if endpoint.status == "InService":
            endpoint.status = "Updating"
        task = asyncio.create_task(self._guarded(endpoint, work))
        self._tasks[endpoint.name] = task
        task.add_done_callback(lambda done: self._forget(endpoint.name, done))

    async def _guarded(self, endpoint: Endpoint, work: Callable[[], Awaitable[None]]) -> None:
        try:
            await work()
        except Exception:  # noqa: BLE001 - a bug must show in the status, not in an endpoint that never ends
            _log.exception("endpoint %s: what followed an operation failed", endpoint.name)
            endpoint.fail("The stand-in itself failed; its log says where.")
            endpoint.status = "Failed"
            self._changed(endpoint)

    def _forget(self, name: str, done: asyncio.Task[None]) -> None:
        if self._tasks.get(name) is done:
            del self._tasks[name]

    async def _delete(self, endpoint: Endpoint) -> None:
        await _stop(endpoint)
        self._tags.pop(endpoint.arn, None)
        self._endpoints.pop(endpoint.name, None)

    def _changed(self, endpoint: Endpoint) -> None:
        endpoint.modified = self._context.clock.now()
        self._context.emit(STATE_EVENT, [endpoint.arn], state_event(endpoint))

    def _advanced(self, endpoint: Endpoint) -> None:
        self._context.emit(DEPLOYMENT_EVENT, [endpoint.arn], deployment_event(endpoint))

    def _arn(self, name: str) -> str:
        return self._context.arn(f"endpoint/{name.lower()}")


def _random(seed: int | None, purpose: str) -> random.Random:
    """A generator of its own for each purpose: one that is asked less or more must not change what the others say."""
    return random.Random(None if seed is None else f"{seed} {purpose}")


async def _stop(endpoint: Endpoint) -> None:
    for fleet in (endpoint.green, endpoint.blue):
        if fleet is not None:
            await fleet.stop()


def _in_progress(endpoint: Endpoint) -> AwsError:
    return validation(f'Cannot update in-progress endpoint "{endpoint.arn}".')


def _retained(endpoint: Endpoint, request: Request) -> dict[str, dict[str, Any]]:
    """What RetainAllVariantProperties keeps of the variants that serve, but for what the request excludes."""
    if not request.get("RetainAllVariantProperties") or endpoint.blue is None:
        return {}
    excluded = {item["VariantPropertyType"] for item in request.get("ExcludeRetainedVariantProperties", [])}
    return {
        name: {
            kind: value
            for kind, value in zip(_RETAINED, (variant.desired_count, variant.desired_weight), strict=True)
            if kind not in excluded
        }
        for name, variant in endpoint.blue.variants.items()
    }
