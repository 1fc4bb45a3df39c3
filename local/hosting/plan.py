"""What a production or shadow variant is to be: from its endpoint config, or retained from the fleet before. Pure.

Source: the API reference of ProductionVariant. It must never start anything.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from local.hosting.models import Container

HEALTHY_WITHIN_SECONDS = 240.0
"""How long a container may take to answer /ping unless the variant says otherwise."""

DOWNLOADED_WITHIN_SECONDS = 3600.0
"""How long model data may take to arrive unless the variant says otherwise: the most, as AWS documents no default."""


@dataclass(frozen=True)
class VariantPlan:
    """A variant's container, capacity and weight, and how long its instances may take to come into service.

    `provisioned_within` (AWS seconds) is how long a capacity shortage is waited out; AWS documents no default, and here
    it is not waited out. `downloaded_within` and `healthy_within` are real seconds: that work is real.
    """

    name: str
    container: Container
    count: int
    weight: float
    instance_type: str
    provisioned_within: float = 0.0
    downloaded_within: float = DOWNLOADED_WITHIN_SECONDS
    healthy_within: float = HEALTHY_WITHIN_SECONDS
    shadow: bool = False
    routing: str = "RANDOM"

    @classmethod
    def of(
        cls, variant: Mapping[str, Any], container: Container, retained: Mapping[str, Any], *, shadow: bool = False
    ) -> "VariantPlan":
        """From a ProductionVariant; `retained` may hold DesiredInstanceCount and DesiredWeight that replace its own."""
        return cls(
            name=variant["VariantName"],
            container=container,
            count=retained.get("DesiredInstanceCount", variant["InitialInstanceCount"]),
            weight=retained.get("DesiredWeight", variant["InitialVariantWeight"]),
            instance_type=variant["InstanceType"],
            provisioned_within=variant.get("VariantInstanceProvisionTimeoutInSeconds", 0.0),
            downloaded_within=variant.get("ModelDataDownloadTimeoutInSeconds", DOWNLOADED_WITHIN_SECONDS),
            healthy_within=variant.get("ContainerStartupHealthCheckTimeoutInSeconds", HEALTHY_WITHIN_SECONDS),
            shadow=shadow,
            routing=variant.get("RoutingConfig", {}).get("RoutingStrategy", "RANDOM"),
        )

    @property
    def guardrails_excluded(self) -> bool:
        """Whether SageMaker updates it all at once without guardrails: Inf1 instances and marketplace containers."""
        return self.instance_type.startswith("ml.inf1.") or self.container.marketplace
