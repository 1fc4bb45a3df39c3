"""The variants of an inference experiment: what may be asked for, what the endpoint runs, what a stop leaves. Pure.

Sources: the API reference of CreateInferenceExperiment and StopInferenceExperiment; the developer guide, "Complete a
shadow test". It must never know when: `experiment` does.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from local.context import Request
from local.errors import validation


@dataclass(frozen=True)
class Variants:
    """ModelVariantConfigs on an endpoint, and the percentage of production's requests that the shadow is asked too."""

    production: Mapping[str, Any]
    shadow: Mapping[str, Any] | None
    percentage: int


def completed_members(members: Request, serving: Mapping[str, Mapping[str, Any]]) -> Request:
    """The members, ModelVariants having the production variant also when the request left it as it serves.

    `serving` are the production variants of the endpoint, as ModelVariantConfigs. Raises AwsError ValidationException
    for variants that cannot be an experiment.
    """
    mode = members["ShadowModeConfig"]
    source, (sampled,) = mode["SourceModelVariantName"], mode["ShadowModelVariants"]
    shadow, percentage = sampled["ShadowModelVariantName"], sampled["SamplingPercentage"]
    given = {variant["VariantName"]: variant for variant in members["ModelVariants"]}
    if source not in given and source in serving:
        given[source] = serving[source]
    if source == shadow or set(given) != {source, shadow} or len(given) < len(members["ModelVariants"]):
        raise validation(
            f"ShadowModeConfig has production variant {source} and shadow variant {shadow}: ModelVariants must have "
            f"these two, once each; it has {', '.join(variant['VariantName'] for variant in members['ModelVariants'])}."
        )
    if percentage < 0:
        raise validation(f"SamplingPercentage is {percentage}; it must be between 0 and 100.")
    for name, variant in given.items():
        if variant["InfrastructureConfig"]["RealTimeInferenceConfig"]["InstanceCount"] < 1:
            raise validation(f"InstanceCount of model variant {name} must be 1 or more.")
    return {**members, "ModelVariants": [given[source], given[shadow]]}


def running(members: Request) -> Variants:
    """What the endpoint runs during the experiment."""
    production, shadow = members["ModelVariants"]
    return Variants(production, shadow, members["ShadowModeConfig"]["ShadowModelVariants"][0]["SamplingPercentage"])


def remaining(members: Request, order: Request, promoted_name: Literal["shadow", "production"]) -> Variants:
    """What a StopInferenceExperiment leaves on the endpoint. Raises AwsError ValidationException for what cannot be."""
    now = running(members)
    assert now.shadow is not None
    source, shadow = now.production["VariantName"], now.shadow["VariantName"]
    actions = order["ModelVariantActions"]
    if set(actions) != {source, shadow}:
        raise validation(f"ModelVariantActions must have an action for each of the variants {source} and {shadow}.")
    allowed = {("Retain", "Retain"), ("Retain", "Remove"), ("Remove", "Promote")}
    if (actions[source], actions[shadow]) not in allowed:
        raise validation(
            f"{source} cannot be {actions[source]} with {shadow} {actions[shadow]}: either the production variant is "
            "Retain and the shadow variant Retain or Remove, or the shadow variant is Promote and the other Remove."
        )
    desired = {variant["VariantName"]: variant for variant in order.get("DesiredModelVariants", [])}
    if stray := set(desired) - {name for name, action in actions.items() if action != "Remove"}:
        raise validation(f"DesiredModelVariants has {', '.join(sorted(stray))}, which does not stay.")
    production, copied = desired.get(source, now.production), desired.get(shadow, now.shadow)
    if actions[shadow] == "Promote":
        return Variants({**copied, "VariantName": shadow if promoted_name == "shadow" else source}, None, 0)
    return Variants(production, copied if actions[shadow] == "Retain" else None, now.percentage)


def endpoint_config(name: str, variants: Variants, members: Request, capture: Mapping[str, Any] | None) -> Request:
    """The CreateEndpointConfig that has an endpoint run these variants. `capture` is its DataCaptureConfig."""
    key = members.get("KmsKey")
    shadow = variants.shadow
    return {
        "EndpointConfigName": name,
        "ProductionVariants": [_variant(variants.production, 1.0)],
        **({"ShadowProductionVariants": [_variant(shadow, variants.percentage / 100)]} if shadow else {}),
        **({"DataCaptureConfig": capture} if capture else {}),
        **({"KmsKeyId": key} if key else {}),
    }


def data_capture(members: Request) -> Request | None:
    """The DataCaptureConfig that a DataStorageConfig stands for: everything, of both variants."""
    given = members.get("DataStorageConfig")
    if given is None:
        return None
    return {
        "EnableCapture": True,
        "InitialSamplingPercentage": 100,
        "DestinationS3Uri": given["Destination"],
        "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
        **({"KmsKeyId": given["KmsKey"]} if "KmsKey" in given else {}),
        **({"CaptureContentTypeHeader": given["ContentType"]} if "ContentType" in given else {}),
    }


def _variant(model_variant: Mapping[str, Any], weight: float) -> dict[str, Any]:
    infrastructure = model_variant["InfrastructureConfig"]["RealTimeInferenceConfig"]
    return {
        "VariantName": model_variant["VariantName"],
        "ModelName": model_variant["ModelName"],
        "InstanceType": infrastructure["InstanceType"],
        "InitialInstanceCount": infrastructure["InstanceCount"],
        "InitialVariantWeight": weight,
    }


def model_variant(variant: Mapping[str, Any], count: int) -> dict[str, Any]:
    """A ProductionVariant, with so many instances, as a ModelVariantConfig."""
    return {
        "VariantName": variant["VariantName"],
        "ModelName": variant["ModelName"],
        "InfrastructureConfig": {
            "InfrastructureType": "RealTimeInference",
            "RealTimeInferenceConfig": {"InstanceType": variant["InstanceType"], "InstanceCount": count},
        },
    }
