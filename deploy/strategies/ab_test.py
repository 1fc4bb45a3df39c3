"""A/B test: both versions answer customers, each its share of the requests at random, and are compared.

Duration: minutes, and twice the minutes SageMaker needs to change a fleet; then the guarded shift.
Real share: `percent` of the requests, by variant weight, request by request: SageMaker knows no users.
SageMaker's guardrails need the same variants before and after, so none of them watches a test: between two runs of
apply nobody does. The first look that sees a bad version gives it weight 0, which takes seconds, before its fleet goes.
Sources: AWS API reference, ProductionVariant and UpdateEndpointWeightsAndCapacities; developer guide, "A/B testing".
"""

from typing import ClassVar

from deploy.calls import Call, Parameters
from deploy.settings import setting
from deploy.strategies.trial import Dimensions, Scene, Trial, both, config_calls, move


class AbTest(Trial):
    """Both versions answer customers, each its share of the requests."""

    suffix: ClassVar[str] = "ab"

    percent: float = setting(
        "share of the requests that the new version answers", example=20, limit="1 to 50", ge=1, le=50
    )

    @property
    def warning(self) -> str:
        """SageMaker's alarms cannot watch a test."""
        return "customers are answered by it, and no alarm guards it: between two runs of apply nobody watches"

    def start(self, scene: Scene) -> tuple[Call, ...]:
        """A config with two production variants."""
        share = self.percent / 100
        variants: Parameters = {
            "ProductionVariants": [scene.control.request(1 - share), scene.challenger.request(share)]
        }
        return config_calls(
            scene, variants, f"{1 - share:.0%} to {scene.control.variant}, {share:.0%} to the new version"
        )

    def end(self, scene: Scene, *, good: bool) -> tuple[Call, ...]:
        """Back to the config from before; a bad version is cut off first."""
        back = move(scene, scene.previous, "end the test")
        if good:
            return (back,)
        weights = [{"VariantName": scene.challenger.variant, "DesiredWeight": 0.0}]
        parameters: Parameters = {"EndpointName": scene.endpoint, "DesiredWeightsAndCapacities": weights}
        cut = Call(
            "sagemaker", "UpdateEndpointWeightsAndCapacities", parameters, scene.endpoint, "no more requests to it"
        )
        return cut, back

    def measured(self, scene: Scene) -> tuple[Dimensions, Dimensions]:
        """Both are in our config."""
        return both(scene, scene.name)

    def told(self) -> str:
        """The test in a few words."""
        return f"{self.percent:g} % of the requests answered by it for {self.minutes:g} minutes"
