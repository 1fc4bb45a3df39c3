"""An endpoint's record, and what DescribeEndpoint and the EventBridge events say of it. Pure but for the record itself.

Sources: the API reference of DescribeEndpoint and PendingDeploymentSummary; the developer guide, "Events that SageMaker
sends to EventBridge". It must never start, stop or route.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from local.context import Response
from local.hosting.fleet import Fleet, Variant
from local.hosting.traffic import DeploymentConfig

STATE_EVENT = "SageMaker Endpoint State Change"
DEPLOYMENT_EVENT = "SageMaker Endpoint Deployment State Change"

_LONGEST_REASON = 1024


@dataclass
class Endpoint:
    """An endpoint: the fleet that serves it (blue), and while a deployment is under way the one to follow (green).

    While it is being created there is only `green`, and `config` names it already. `stray` is what is left of a green
    fleet whose rollback failed: it serves beside the blue one until an update replaces both.
    """

    name: str
    arn: str
    config: str
    created: datetime
    modified: datetime
    status: str = "Creating"
    blue: Fleet | None = None
    green: Fleet | None = None
    stray: Fleet | None = None
    failure_reason: str | None = None
    last_deployment_config: DeploymentConfig | None = None

    @property
    def fleets(self) -> tuple[Fleet, ...]:
        """All its fleets, the newest first."""
        return tuple(fleet for fleet in (self.green, self.stray, self.blue) if fleet)

    @property
    def resting_status(self) -> str:
        """Its status when nothing is being done to what serves."""
        return "UpdateRollbackFailed" if self.stray else "InService"

    @property
    def offered(self) -> Mapping[str, Variant]:
        """The production variants that requests are spread over: a newer fleet's own once it has all traffic."""
        *newer, oldest = self.fleets
        full = (fleet for fleet in newer if all(variant.share == 1 for variant in fleet.production.values()))
        return next(full, oldest).production

    def route(self, name: str, roll: float, wrongly: float | None = None) -> Variant:
        """The variant of that name to answer a request: each newer fleet takes its share, the oldest the rest.

        `wrongly` is taken for the share of a newer fleet that has a part of the traffic.
        """
        *newer, oldest = self.fleets
        for fleet in newer:
            share = fleet.production[name].share if name in fleet.production else 0.0
            taken = wrongly if wrongly is not None and 0 < share < 1 else share
            if roll < taken:
                return fleet.production[name]
            roll = (roll - taken) / (1 - taken)
        return oldest.production[name]

    def fail(self, reason: str) -> None:
        """Keep why the last operation failed, as much of it as FailureReason holds."""
        self.failure_reason = reason[:_LONGEST_REASON]


def describe(endpoint: Endpoint) -> Response:
    """DescribeEndpoint's response; members without a value are None."""
    serving = endpoint.blue or endpoint.green
    return {
        "EndpointName": endpoint.name,
        "EndpointArn": endpoint.arn,
        "EndpointConfigName": endpoint.config,
        "ProductionVariants": _variants(serving) or None,
        "ShadowProductionVariants": _shadow(serving),
        "DataCaptureConfig": serving.capture.summary() if serving and serving.capture else None,
        "EndpointStatus": endpoint.status,
        "FailureReason": endpoint.failure_reason,
        "CreationTime": endpoint.created,
        "LastModifiedTime": endpoint.modified,
        "LastDeploymentConfig": endpoint.last_deployment_config,
        "PendingDeploymentSummary": _pending(endpoint),
    }


def state_event(endpoint: Endpoint, tags: Sequence[Mapping[str, str]]) -> dict[str, Any]:
    """The detail of an Endpoint State Change event: status in upper snake case, times in epoch milliseconds."""
    return {
        "EndpointName": endpoint.name,
        "EndpointArn": endpoint.arn,
        "EndpointConfigName": endpoint.config,
        "ProductionVariants": _epoch(_variants(endpoint.blue or endpoint.green)),
        "EndpointStatus": re.sub(r"(?<!^)(?=[A-Z])", "_", endpoint.status).upper(),
        "CreationTime": _milliseconds(endpoint.created),
        "LastModifiedTime": _milliseconds(endpoint.modified),
        "Tags": {tag["Key"]: tag["Value"] for tag in tags},
        **({"FailureReason": endpoint.failure_reason} if endpoint.failure_reason else {}),
    }


def deployment_event(endpoint: Endpoint, tags: Sequence[Mapping[str, str]]) -> dict[str, Any]:
    """The detail of an Endpoint Deployment State Change event: the same, and what is pending, if anything is."""
    pending = _pending(endpoint)
    return state_event(endpoint, tags) | ({"PendingDeploymentSummary": _epoch(pending)} if pending else {})


def _pending(endpoint: Endpoint) -> Response | None:
    green = endpoint.green
    if green is None:
        return None
    return {
        "EndpointConfigName": green.config,
        "ProductionVariants": _variants(green, pending=True),
        "ShadowProductionVariants": _shadow(green, pending=True),
        "StartTime": green.created,
    }


def _variants(fleet: Fleet | None, *, pending: bool = False) -> list[Response]:
    return [_summary(variant, fleet.created, pending=pending) for variant in fleet.production.values()] if fleet else []


def _shadow(fleet: Fleet | None, *, pending: bool = False) -> list[Response] | None:
    return [_summary(fleet.shadow, fleet.created, pending=pending)] if fleet and fleet.shadow else None


def _summary(variant: Variant, resolved: datetime, *, pending: bool) -> Response:
    container = variant.plan.container
    image = {
        "SpecifiedImage": container.image,
        "ResolvedImage": container.resolved_image,
        "ResolutionTime": resolved,
    }
    return {
        "VariantName": variant.place.variant,
        "DeployedImages": [image],
        "CurrentWeight": variant.weight,
        "DesiredWeight": variant.desired_weight,
        "CurrentInstanceCount": sum(instance.alive for instance in variant.instances),
        "DesiredInstanceCount": variant.desired_count,
        **({"InstanceType": variant.plan.instance_type} if pending else {}),
        **({"VariantStatus": [variant.status]} if variant.status else {}),
    }


def _epoch(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _epoch(item) for name, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_epoch(item) for item in value]
    return _milliseconds(value) if isinstance(value, datetime) else value


def _milliseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)
