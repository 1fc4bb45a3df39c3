"""An endpoint's record, and what DescribeEndpoint and the EventBridge events say of it. Pure but for the record itself.

Sources: the API reference of DescribeEndpoint and PendingDeploymentSummary; the developer guide, "Events that SageMaker
sends to EventBridge". It must never start, stop or route.
"""

import re
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

    While it is being created there is only `green`, and `config` names it already.
    """

    name: str
    arn: str
    config: str
    created: datetime
    modified: datetime
    status: str = "Creating"
    blue: Fleet | None = None
    green: Fleet | None = None
    green_since: datetime | None = None
    failure_reason: str | None = None
    last_deployment_config: DeploymentConfig | None = None

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
        "ProductionVariants": _variants(serving),
        "ShadowProductionVariants": _shadow(serving),
        "DataCaptureConfig": serving.capture.summary() if serving and serving.capture else None,
        "EndpointStatus": endpoint.status,
        "FailureReason": endpoint.failure_reason,
        "CreationTime": endpoint.created,
        "LastModifiedTime": endpoint.modified,
        "LastDeploymentConfig": endpoint.last_deployment_config,
        "PendingDeploymentSummary": _pending(endpoint),
    }


def state_event(endpoint: Endpoint) -> dict[str, Any]:
    """The detail of an Endpoint State Change event: status in upper snake case, times in epoch milliseconds."""
    return {
        "EndpointName": endpoint.name,
        "EndpointArn": endpoint.arn,
        "EndpointConfigName": endpoint.config,
        "ProductionVariants": _epoch(_variants(endpoint.blue or endpoint.green)),
        "EndpointStatus": re.sub(r"(?<!^)(?=[A-Z])", "_", endpoint.status).upper(),
        "CreationTime": _milliseconds(endpoint.created),
        "LastModifiedTime": _milliseconds(endpoint.modified),
        **({"FailureReason": endpoint.failure_reason} if endpoint.failure_reason else {}),
    }


def deployment_event(endpoint: Endpoint) -> dict[str, Any]:
    """The detail of an Endpoint Deployment State Change event: the same, and what is pending."""
    return {**state_event(endpoint), "PendingDeploymentSummary": _epoch(_pending(endpoint))}


def _pending(endpoint: Endpoint) -> Response | None:
    if endpoint.green is None:
        return None
    return {
        "EndpointConfigName": endpoint.green.config,
        "ProductionVariants": _variants(endpoint.green),
        "ShadowProductionVariants": _shadow(endpoint.green),
        "StartTime": endpoint.green_since,
    }


def _variants(fleet: Fleet | None) -> list[Response]:
    return [_summary(variant) for variant in fleet.production.values()] if fleet else []


def _shadow(fleet: Fleet | None) -> list[Response] | None:
    return [_summary(fleet.shadow)] if fleet and fleet.shadow else None


def _summary(variant: Variant) -> Response:
    image = variant.plan.container.image
    return {
        "VariantName": variant.place.variant,
        "DeployedImages": [{"SpecifiedImage": image, "ResolvedImage": image}],
        "CurrentWeight": variant.weight,
        "DesiredWeight": variant.desired_weight,
        "CurrentInstanceCount": sum(instance.alive for instance in variant.instances),
        "DesiredInstanceCount": variant.desired_count,
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
