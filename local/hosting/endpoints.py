"""Endpoints: the operations on them, their records, and the one task per endpoint that does what follows.

Sources: the API reference of each operation. It must never hold a request up until a deployment has ended.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any

from local.cloudwatch import CloudWatch
from local.context import Context, Request, Response
from local.errors import AwsError, validation
from local.hosting import admission, deployment, rules, scaling
from local.hosting.configs import EndpointConfigs
from local.hosting.dice import Croupier
from local.hosting.endpoint import (
    DEPLOYMENT_EVENT,
    STATE_EVENT,
    Endpoint,
    deployment_event,
    describe,
    state_event,
)
from local.hosting.fleet import Fleet
from local.hosting.fleets import Fleets
from local.hosting.guardrails import Alarms
from local.hosting.invocation import InvokeResponse, Router
from local.hosting.launcher import Launcher
from local.hosting.models import Models
from local.hosting.utilization import Utilization
from local.listing import page

_SERVING = ("InService", "Updating", "RollingBack", "UpdateRollbackFailed")
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
        self._unverified = context.unverified
        self._configs = configs
        self._tags = tags
        self._endpoints: dict[str, Endpoint] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._router = Router(context, cloudwatch, launcher.faults, Croupier(seed))
        self._fleets = Fleets(context, models, configs, launcher, self._router.exchange)
        cloudwatch.after_minute.append(Utilization(cloudwatch, self._running).measure)
        self._alarms = Alarms.of(cloudwatch, context.unverified)
        self._world = deployment.World(context.clock, context.unverified, self._alarms, self._changed, self._advanced)

    async def close(self) -> None:
        """Give up every deployment and end every process."""
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        await asyncio.gather(*(_stop(endpoint) for endpoint in self._endpoints.values()))
        self._endpoints.clear()

    def _running(self) -> Iterator[Fleet]:
        return (fleet for item in self._endpoints.values() for fleet in item.fleets)

    def configs_in_use(self) -> set[str]:
        """The endpoint configs that an endpoint has, or is about to have."""
        return {fleet.config for fleet in self._running()} | {item.config for item in self._endpoints.values()}

    def create(self, request: Request) -> Response:
        """Start an endpoint; a DeploymentConfig is kept for later updates, since nothing guards a first creation."""
        name, config = request["EndpointName"], request["EndpointConfigName"]
        arn = self._arn(name)
        if arn in (endpoint.arn for endpoint in self._endpoints.values()):
            raise validation(f'Cannot create already existing endpoint "{arn}".')
        plans = self._fleets.plans(config, {})
        kept = request.get("DeploymentConfig")
        rules.check(kept or {}, admission.production_counts(plans), self._unverified)
        now = self._context.clock.now()
        endpoint = Endpoint(name, arn, config, now, now, last_deployment_config=kept)
        self._endpoints[name] = endpoint
        self._tags[arn] = list(request.get("Tags", []))
        fleet = endpoint.green = self._fleets.make(name, config, plans)
        self._begin(endpoint, lambda: deployment.create(self._world, endpoint, fleet))
        return {"EndpointArn": arn}

    def update(self, request: Request) -> Response:
        """Start a deployment of another endpoint config, on an endpoint to which nothing is being done."""
        endpoint, config = self._find(request["EndpointName"]), request["EndpointConfigName"]
        admission.check_update(endpoint, config, self._unverified)
        plans = self._fleets.plans(config, _retained(endpoint, request))
        chosen = request.get("DeploymentConfig")
        if chosen is None and request.get("RetainDeploymentConfig"):
            chosen = endpoint.last_deployment_config
        if chosen is not None:
            admission.check_deployment(endpoint, chosen, plans, self._unverified)
        names, now = rules.alarms(chosen or {}), self._context.clock.now()
        ignoring = admission.check_alarms(names, self._alarms, now, self._unverified)
        endpoint.green, endpoint.status = self._fleets.make(endpoint.name, config, plans), "Updating"
        self._begin(endpoint, deployment.Update(self._world, endpoint, chosen or {}, ignoring).run)
        return {"EndpointArn": endpoint.arn}

    def rescale(self, request: Request) -> Response:
        """Change weights of the variants that serve, or the instance count of one; no deployment, no guardrails."""
        endpoint = self._find(request["EndpointName"])
        admission.check_scaling(endpoint)
        assert endpoint.blue is not None
        wanted = request["DesiredWeightsAndCapacities"]
        scaling.check(wanted, endpoint.blue, endpoint.arn)
        weights = {item["VariantName"]: item["DesiredWeight"] for item in wanted if "DesiredWeight" in item}
        counts = {
            item["VariantName"]: item["DesiredInstanceCount"] for item in wanted if "DesiredInstanceCount" in item
        }
        endpoint.status = "Updating"
        self._begin(endpoint, lambda: scaling.rescale(self._world, endpoint, weights, counts))
        return {"EndpointArn": endpoint.arn}

    def describe(self, request: Request) -> Response:
        """The endpoint: what serves, and what is pending."""
        endpoint = self._find(request["EndpointName"])
        return {**describe(endpoint), "MetricsConfig": self._configs.describe(endpoint.config).get("MetricsConfig")}

    def summaries(self, request: Request) -> Response:
        """Summaries of endpoints."""
        members = ("EndpointName", "EndpointArn", "CreationTime", "LastModifiedTime", "EndpointStatus")
        described = map(describe, self._endpoints.values())
        return page(described, request, kind="Endpoint", members=members, result="Endpoints")

    def delete(self, request: Request) -> Response:
        """Start to delete an endpoint that nothing is being done to; its record goes with its last process."""
        endpoint = self._find(request["EndpointName"])
        admission.check_delete(endpoint)
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

    def _begin(self, endpoint: Endpoint, work: Callable[[], Awaitable[None]]) -> None:
        """Run what follows an operation in the endpoint's one task."""
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
        self._context.emit(STATE_EVENT, [endpoint.arn], state_event(endpoint, self._tags.get(endpoint.arn, [])))

    def _advanced(self, endpoint: Endpoint) -> None:
        self._context.emit(
            DEPLOYMENT_EVENT, [endpoint.arn], deployment_event(endpoint, self._tags.get(endpoint.arn, []))
        )

    def _arn(self, name: str) -> str:
        return self._context.arn(f"endpoint/{name.lower()}")


async def _stop(endpoint: Endpoint) -> None:
    for fleet in endpoint.fleets:
        await fleet.stop()


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
