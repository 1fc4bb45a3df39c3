"""Autoscaling of the variant, as the stage asks for it: what sets it, and what is undone before an update. Pure.

SageMaker keeps a scalable target across updates, scales nothing while one runs, and refuses an update that changes the
instance type of a scaled variant. Sources: developer guide, "Automatic scaling" and "Endpoint update with autoscaling".
"""

from deploy.calls import Call, Parameters
from deploy.policy import Policy

DIMENSION = "sagemaker:variant:DesiredInstanceCount"
METRIC = "SageMakerVariantInvocationsPerInstance"


def resource(policy: Policy) -> str:
    """The variant's name to Application Auto Scaling."""
    return f"endpoint/{policy.endpoint.name}/variant/{policy.endpoint.variant}"


def calls(policy: Policy) -> tuple[Call, ...]:
    """The requests that make the fleet scale as the stage says; each can be repeated. None when it says nothing."""
    wanted = policy.endpoint.autoscaling
    if wanted is None:
        return ()
    target: Parameters = {**_target(policy), "MinCapacity": wanted.minimum, "MaxCapacity": wanted.maximum}
    scaling: Parameters = {
        "PolicyName": f"{policy.endpoint.name}-requests",
        **_target(policy),
        "PolicyType": "TargetTrackingScaling",
        "TargetTrackingScalingPolicyConfiguration": {
            "TargetValue": wanted.requests_per_instance,
            "PredefinedMetricSpecification": {"PredefinedMetricType": METRIC},
            "ScaleInCooldown": wanted.scale_in_seconds,
            "ScaleOutCooldown": wanted.scale_out_seconds,
        },
    }
    name = resource(policy)
    sizes = f"{wanted.minimum} to {wanted.maximum} instances"
    return (
        Call("autoscaling", "RegisterScalableTarget", target, name, sizes, optional=True),
        Call(
            "autoscaling",
            "PutScalingPolicy",
            scaling,
            name,
            f"{wanted.requests_per_instance:g} requests a minute on each instance",
            optional=True,
        ),
    )


def undo(policy: Policy) -> Call:
    """The request after which the variant may change its instance type."""
    why = "SageMaker changes no instance type of a variant that scales"
    return Call("autoscaling", "DeregisterScalableTarget", _target(policy), resource(policy), why)


def _target(policy: Policy) -> Parameters:
    return {"ServiceNamespace": "sagemaker", "ResourceId": resource(policy), "ScalableDimension": DIMENSION}
