"""Endpoint configs: which models an endpoint runs, on how many instances, with what weight. They never change.

Source: the API reference of CreateEndpointConfig, ProductionVariant and MetricsConfig. It must never start anything.
"""

from collections.abc import Callable, Mapping
from typing import Any

from local.context import Context, Request, Response
from local.errors import validation
from local.hosting.capture_plan import CapturePlan
from local.listing import page

_NOT_OFFERED = {
    "AsyncInferenceConfig": "Asynchronous inference is",
    "ExplainerConfig": "The explainer is",
}
_VARIANT_NOT_OFFERED = {
    "ServerlessConfig": "Serverless variants are",
    "InstancePools": "Instance pools are",
    "ManagedInstanceScaling": "Managed instance scaling is",
}
_METRICS_DEFAULTS = {
    "EnableEnhancedMetrics": False,
    "EnableDetailedObservability": True,
    "MetricPublishFrequencyInSeconds": 60,
}
_METRIC_FREQUENCIES = (10, 30, 60, 120, 180, 240, 300)

VARIANTS = ("ProductionVariants", "ShadowProductionVariants")


def variants_of(config: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Every variant of an endpoint config, production first."""
    return [variant for member in VARIANTS for variant in config.get(member, [])]


class EndpointConfigs:
    """Endpoint configs by name, as DescribeEndpointConfig shows them."""

    def __init__(self, context: Context, tags: dict[str, Any]) -> None:
        self._context = context
        self._tags = tags
        self._described: dict[str, Response] = {}

    def create(self, request: Request, check_model: Callable[[str], object]) -> Response:
        """A new config. `check_model` raises AwsError for a model that does not exist."""
        name = request["EndpointConfigName"]
        arn = self._context.arn(f"endpoint-config/{name.lower()}")
        if name in self._described:
            raise validation(f'Cannot create already existing endpoint configuration "{arn}".')
        _check(request, check_model)
        self._described[name] = {
            "EnableNetworkIsolation": False,
            **{member: value for member, value in request.items() if member != "Tags"},
            **{
                member: [{"InitialVariantWeight": 1.0, **variant} for variant in request[member]]
                for member in VARIANTS
                if request.get(member)
            },
            **({"MetricsConfig": _METRICS_DEFAULTS | request["MetricsConfig"]} if "MetricsConfig" in request else {}),
            "EndpointConfigArn": arn,
            "CreationTime": self._context.clock.now(),
        }
        self._tags[arn] = list(request.get("Tags", []))
        return {"EndpointConfigArn": arn}

    def describe(self, name: str) -> Response:
        """The config as it was created, defaults filled in. Raises AwsError when there is none."""
        if name not in self._described:
            arn = self._context.arn(f"endpoint-config/{name.lower()}")
            raise validation(f'Could not find endpoint configuration "{arn}".')
        return self._described[name]

    def summaries(self, request: Request) -> Response:
        """Summaries of configs."""
        members = ("EndpointConfigName", "EndpointConfigArn", "CreationTime")
        described = self._described.values()
        return page(described, request, kind="EndpointConfig", members=members, result="EndpointConfigs")

    def delete(self, name: str) -> None:
        """Forget a config."""
        self._tags.pop(self.describe(name)["EndpointConfigArn"], None)
        del self._described[name]


def _check(request: Request, check_model: Callable[[str], object]) -> None:
    for member, what in _NOT_OFFERED.items():
        if request.get(member):
            raise validation(f"{what} not offered here yet: leave {member} out.")
    if "DataCaptureConfig" in request:
        CapturePlan.of(request["DataCaptureConfig"])
    variants = variants_of(request)
    names = [variant["VariantName"] for variant in variants]
    for name in names:
        if names.count(name) > 1:
            raise validation(f"Duplicate variant name {name}: the variants must have names of their own.")
    _check_shadow(request)
    _check_metrics(request.get("MetricsConfig", {}))
    for variant in variants:
        _check_variant(variant, check_model)
    if not any(variant.get("InitialVariantWeight", 1.0) for variant in request["ProductionVariants"]):
        raise validation("At least one production variant must have an InitialVariantWeight above 0.")


def _check_shadow(request: Request) -> None:
    production, shadow = (len(request.get(member, [])) for member in VARIANTS)
    if shadow and (production, shadow) != (1, 1):
        raise validation(
            "With ShadowProductionVariants you can specify one variant for ProductionVariants and one for "
            f"ShadowProductionVariants; there are {production} and {shadow}."
        )


def _check_metrics(config: Mapping[str, Any]) -> None:
    frequency = config.get("MetricPublishFrequencyInSeconds", 60)
    if frequency not in _METRIC_FREQUENCIES:
        allowed = ", ".join(map(str, _METRIC_FREQUENCIES))
        raise validation(f"MetricPublishFrequencyInSeconds is {frequency}; it must be one of {allowed}.")


def _check_variant(variant: dict[str, Any], check_model: Callable[[str], object]) -> None:
    name = variant["VariantName"]
    for member, what in _VARIANT_NOT_OFFERED.items():
        if member in variant:
            raise validation(f"{what} not offered here: give {name} InitialInstanceCount and InstanceType only.")
    for member in ("ModelName", "InitialInstanceCount", "InstanceType"):
        if member not in variant:
            raise validation(f"Variant {name} must have {member}.")
    check_model(variant["ModelName"])
