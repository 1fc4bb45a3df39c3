"""Shadow: the new version answers a copy of the requests, and nobody waits for it or sees what it says.

Duration: minutes, and twice the minutes SageMaker needs to change a fleet; then the guarded shift.
Real share: no customer is ever answered by the new version; `percent` of the requests are copied to it.
Two ways to the same: a shadow variant in an endpoint config of ours (`by: variant`), or SageMaker's own inference
experiment (`by: experiment`), which it starts, ends and reverts by itself and which lasts an hour at least.
Sources: AWS API reference, ShadowProductionVariants and CreateInferenceExperiment; developer guide, "Shadow tests".
"""

from typing import ClassVar, Literal

from deploy.calls import Call, Parameters
from deploy.settings import setting
from deploy.strategies.trial import Dimensions, Scene, Trial, both, config_calls, move


class Shadow(Trial):
    """The new version answers a copy of the requests before any customer sees it."""

    suffix: ClassVar[str] = "shadow"

    by: Literal["variant", "experiment"] = setting(
        "a shadow variant in an endpoint config of ours, or an inference experiment of SageMaker's",
        example="variant",
        limit="variant or experiment; an experiment lasts 60 minutes at least",
        default="variant",
    )
    percent: float = setting(
        "share of the requests that is copied",
        example=100,
        limit="SageMaker allows 1 to 100 (SamplingPercentage, AWS API reference ShadowModelVariantConfig)",
        ge=1,
        le=100,
        default=100.0,
    )

    @property
    def is_experiment(self) -> bool:
        """`by: experiment`."""
        return self.by == "experiment"

    def start(self, scene: Scene) -> tuple[Call, ...]:
        """A config with a shadow variant, or an experiment."""
        if self.is_experiment:
            return (self._create(scene),)
        variants: Parameters = {
            "ProductionVariants": [scene.control.request(1.0)],
            "ShadowProductionVariants": [scene.challenger.request(self.percent / 100)],
        }
        return config_calls(scene, variants, f"{scene.control.variant} as before, and a shadow")

    def end(self, scene: Scene, *, good: bool) -> tuple[Call, ...]:
        """Back to the config from before; an experiment reverts the endpoint itself."""
        if not self.is_experiment:
            return (move(scene, scene.previous, "remove the shadow"),)
        parameters: Parameters = {
            "Name": scene.name,
            "ModelVariantActions": {scene.control.variant: "Retain", scene.challenger.variant: "Remove"},
            "DesiredState": "Completed" if good else "Cancelled",
        }
        return (Call("sagemaker", "StopInferenceExperiment", parameters, scene.name, "remove the shadow"),)

    def measured(self, scene: Scene) -> tuple[Dimensions, Dimensions]:
        """An experiment's config is SageMaker's, so only its variants tell the two sides apart."""
        return both(scene, "" if self.is_experiment else scene.name)

    def told(self) -> str:
        """The shadow in a few words."""
        return f"{self.percent:g} % of the requests copied for {self.minutes:g} minutes"

    def _create(self, scene: Scene) -> Call:
        sides = [
            {
                "ModelName": side.model,
                "VariantName": side.variant,
                "InfrastructureConfig": {
                    "InfrastructureType": "RealTimeInference",
                    "RealTimeInferenceConfig": {"InstanceType": side.instance_type, "InstanceCount": side.instances},
                },
            }
            for side in (scene.control, scene.challenger)
        ]
        shadow = {"ShadowModelVariantName": scene.challenger.variant, "SamplingPercentage": round(self.percent)}
        parameters: Parameters = {
            "Name": scene.name,
            "Type": "ShadowMode",
            "RoleArn": scene.role_arn,
            "EndpointName": scene.endpoint,
            "ModelVariants": sides,
            "ShadowModeConfig": {
                "SourceModelVariantName": scene.control.variant,
                "ShadowModelVariants": [shadow],
            },
            "Tags": scene.tags,
        }
        return Call("sagemaker", "CreateInferenceExperiment", parameters, scene.name, self.told())
