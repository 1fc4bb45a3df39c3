"""What a trial is: the new version beside the one that serves, compared on real traffic, before any shift.

A trial is a section of the stage file (`rollout.<name>`) that knows how it is started, where its two sides are measured
and how it is ended. Whatever it finds, it is taken down again; a good verdict lets the guarded shift begin. Pure.
"""

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from deploy.calls import Call, Parameters, tags
from deploy.labels import PREVIOUS_CONFIG, ROLLOUT
from deploy.settings import Settings, setting

Dimensions = dict[str, str]
"""CloudWatch dimensions by name: EndpointName, VariantName and, where the fleet is ours, EndpointConfigName."""


@dataclass(frozen=True)
class Side:
    """One side of a trial: its production (or shadow) variant, on so many instances."""

    variant: str
    model: str
    instance_type: str
    instances: int

    def request(self, weight: float) -> Parameters:
        """The variant in CreateEndpointConfig."""
        return {
            "VariantName": self.variant,
            "ModelName": self.model,
            "InstanceType": self.instance_type,
            "InitialInstanceCount": self.instances,
            "InitialVariantWeight": weight,
        }


@dataclass(frozen=True)
class Scene:
    """Where a trial takes place: the endpoint, the config that served before it, and the two sides.

    `name` is the trial's own: of its endpoint config, or of its inference experiment. `labels` are the rollout's tags,
    and `members` what else its endpoint configs hold.
    """

    name: str
    rollout: str
    endpoint: str
    previous: str
    role_arn: str
    control: Side
    challenger: Side
    labels: Parameters
    members: Parameters

    @property
    def tags(self) -> list[dict[str, str]]:
        """What a later run reads the trial's state from."""
        return tags({**self.labels, ROLLOUT: self.rollout, PREVIOUS_CONFIG: self.previous})


class Trial(Settings):
    """A trial. Times are minutes."""

    suffix: ClassVar[str]
    """What a trial's name ends in, after the rollout's."""

    minutes: float = setting(
        "how long the trial lasts; a long one is started, left, and ended by a later apply",
        example=60,
        limit="1 minute to 30 days (43200)",
        ge=1,
        le=43_200,
    )
    minimum_requests: int = setting(
        "requests the new version must have answered before there is any verdict",
        example=200,
        limit="1 or more",
        ge=1,
    )
    instance_count: int = setting(
        "instances of the new version while it lasts", example=1, limit="1 or more", ge=1, le=10_000, default=1
    )

    @abstractmethod
    def start(self, scene: Scene) -> tuple[Call, ...]:
        """The requests that start it, in order; each can be repeated."""

    @abstractmethod
    def end(self, scene: Scene, *, good: bool) -> tuple[Call, ...]:
        """The requests that take it down, in order, each to be sent when the endpoint is in service."""

    @abstractmethod
    def measured(self, scene: Scene) -> tuple[Dimensions, Dimensions]:
        """Where CloudWatch holds the control's and the challenger's metrics."""

    @abstractmethod
    def told(self) -> str:
        """The trial in a few words."""

    @property
    def warning(self) -> str:
        """What the owner should know before it begins; empty when there is nothing."""
        return ""

    @property
    def is_experiment(self) -> bool:
        """Whether SageMaker runs it as an inference experiment, rather than as an endpoint config of ours."""
        return False


def config_calls(scene: Scene, variants: Parameters, why: str) -> tuple[Call, Call]:
    """A trial in an endpoint config of its own: make it, and move the endpoint to it all at once.

    The old version goes on serving in it, so no alarm guards this update; the size it was scaled to is kept, the weight
    is not.
    """
    config: Parameters = {"EndpointConfigName": scene.name, **variants, **scene.members, "Tags": scene.tags}
    make = Call("sagemaker", "CreateEndpointConfig", config, scene.name, why)
    return make, move(scene, scene.name, "start the trial")


def move(scene: Scene, config: str, why: str) -> Call:
    """Move the endpoint to a config, keeping the size that the control was scaled to."""
    parameters: Parameters = {
        "EndpointName": scene.endpoint,
        "EndpointConfigName": config,
        "RetainAllVariantProperties": True,
        "ExcludeRetainedVariantProperties": [{"VariantPropertyType": "DesiredWeight"}],
    }
    return Call("sagemaker", "UpdateEndpoint", parameters, scene.endpoint, why)


def both(scene: Scene, config: str) -> tuple[Dimensions, Dimensions]:
    """The dimensions of the two sides; without a config of ours, of the variants on the endpoint."""
    fleet = {"EndpointConfigName": config} if config else {}
    control, challenger = (
        {"EndpointName": scene.endpoint, "VariantName": side.variant, **fleet}
        for side in (scene.control, scene.challenger)
    )
    return control, challenger
