"""Application Auto Scaling of a variant: a registered target follows its invocations per instance."""

import pytest

from tests.conformance.account import refusal
from tests.conformance.resources import VARIANT, variant

DIMENSION = "sagemaker:variant:DesiredInstanceCount"


def _target(endpoint):
    resource = f"endpoint/{endpoint}/variant/{VARIANT}"
    return {"ServiceNamespace": "sagemaker", "ResourceId": resource, "ScalableDimension": DIMENSION}


@pytest.fixture(scope="module")
def scaled(account, resources):
    """An endpoint of one instance whose variant may have two, more than one request a minute being too many for one."""
    endpoint = resources.endpoint(resources.config(variant(resources.model(), count=1)))
    account.settled(endpoint)
    scaling = account.client("application-autoscaling")
    scaling.register_scalable_target(**_target(endpoint), MinCapacity=1, MaxCapacity=2)
    resources.first(scaling.deregister_scalable_target, **_target(endpoint))
    metric = {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"}
    scaling.put_scaling_policy(
        **_target(endpoint),
        PolicyName="requests",
        PolicyType="TargetTrackingScaling",
        TargetTrackingScalingPolicyConfiguration={
            "TargetValue": 1.0,
            "PredefinedMetricSpecification": metric,
            "ScaleInCooldown": 60,
            "ScaleOutCooldown": 60,
        },
    )
    return endpoint


@pytest.mark.aws("Autoscaling", "A target is a variant of an endpoint that exists", "API: RegisterScalableTarget")
def test_a_variant_that_does_not_exist_cannot_be_registered(account):
    call = account.client("application-autoscaling").register_scalable_target
    refusal("ValidationException", call, **_target("nobody"), MinCapacity=1, MaxCapacity=2)


@pytest.mark.aws(
    "Autoscaling", "Target tracking makes alarms of its own, named TargetTracking-", "User guide: Target tracking"
)
def test_a_policy_makes_alarms(account, scaled):
    scaling, cloudwatch = account.client("application-autoscaling"), account.client("cloudwatch")
    (policy,) = scaling.describe_scaling_policies(
        ServiceNamespace="sagemaker", ResourceId=_target(scaled)["ResourceId"]
    )["ScalingPolicies"]
    names = [alarm["AlarmName"] for alarm in policy["Alarms"]]
    assert names
    assert all(name.startswith(f"TargetTracking-endpoint/{scaled}/variant/{VARIANT}-Alarm") for name in names)
    assert len(cloudwatch.describe_alarms(AlarmNames=names)["MetricAlarms"]) == len(names)


@pytest.mark.aws(
    "Autoscaling",
    "More invocations per instance than the target add instances, up to MaxCapacity",
    "User guide: Target tracking",
)
@pytest.mark.aws("Autoscaling", "A change of capacity is a scaling activity", "API: DescribeScalingActivities")
def test_a_busy_variant_gets_an_instance(account, scaled):
    def grown():
        for _ in range(10):
            account.invoke(scaled)
        return account.endpoint(scaled)["ProductionVariants"][0]["CurrentInstanceCount"] == 2

    account.until(grown, within=3600)
    activities = account.client("application-autoscaling").describe_scaling_activities(
        ServiceNamespace="sagemaker", ResourceId=_target(scaled)["ResourceId"]
    )["ScalingActivities"]
    assert any(activity["StatusCode"] in ("Successful", "InProgress") for activity in activities)
    account.settled(scaled)


@pytest.mark.aws(
    "Autoscaling",
    "An update that removes a registered variant fails",
    "Developer guide: Update endpoints with autoscaling",
)
def test_an_update_cannot_remove_a_registered_variant(account, resources, sagemaker, scaled):
    account.settled(scaled)
    config, call = resources.config(variant(resources.model(), name="Other", count=1)), sagemaker.update_endpoint
    refusal("ValidationException", call, EndpointName=scaled, EndpointConfigName=config)
