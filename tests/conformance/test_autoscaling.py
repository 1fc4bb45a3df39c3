"""Application Auto Scaling on an endpoint: targets, a policy's alarms, and capacity that follows the requests."""

import pytest

from tests.conformance.account import refusal
from tests.conformance.resources import VARIANT, variant

DIMENSION = "sagemaker:variant:DesiredInstanceCount"
POLICY = "conformance"


@pytest.fixture
def scaling(account):
    """The client."""
    return account.client("application-autoscaling")


@pytest.fixture
def named(endpoint, scaling, account):
    """The endpoint's variant as a scalable target is named; afterwards it is none, and has two instances."""
    name = {
        "ServiceNamespace": "sagemaker",
        "ResourceId": f"endpoint/{endpoint}/variant/{VARIANT}",
        "ScalableDimension": DIMENSION,
    }
    yield name
    if scaling.describe_scalable_targets(ServiceNamespace="sagemaker", ResourceIds=[name["ResourceId"]])[
        "ScalableTargets"
    ]:
        scaling.register_scalable_target(**name, MinCapacity=2, MaxCapacity=2)
        account.settled(endpoint)
        scaling.deregister_scalable_target(**name)


def _track(target, **more):
    metric = {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"}
    return {"TargetValue": target, "PredefinedMetricSpecification": metric, **more}


def _put(scaling, named, configuration):
    return scaling.put_scaling_policy(
        **named,
        PolicyName=POLICY,
        PolicyType="TargetTrackingScaling",
        TargetTrackingScalingPolicyConfiguration=configuration,
    )


def _instances(account, endpoint):
    return account.settled(endpoint)["ProductionVariants"][0]["DesiredInstanceCount"]


@pytest.mark.aws("Autoscaling", "Only a variant that exists can be a target", "API: RegisterScalableTarget")
def test_a_variant_that_does_not_exist_is_refused(scaling, named):
    name = {**named, "ResourceId": named["ResourceId"] + "-not"}
    refusal("ValidationException", scaling.register_scalable_target, **name, MinCapacity=1, MaxCapacity=2)


@pytest.mark.aws("Autoscaling", "A policy needs a registered target", "API: PutScalingPolicy")
def test_a_policy_without_a_target_is_refused(scaling, named):
    policy = {"PolicyName": POLICY, "PolicyType": "TargetTrackingScaling"}
    configuration = {"TargetTrackingScalingPolicyConfiguration": _track(100)}
    refusal("ObjectNotFoundException", scaling.put_scaling_policy, **named, **policy, **configuration)


@pytest.mark.aws("Autoscaling", "The name of a policy's alarms tells the variant", "API: PutScalingPolicy")
def test_a_policy_makes_alarms_and_takes_them_away(scaling, named, account):
    cloudwatch = account.client("cloudwatch")
    scaling.register_scalable_target(**named, MinCapacity=1, MaxCapacity=4)
    names = [alarm["AlarmName"] for alarm in _put(scaling, named, _track(500))["Alarms"]]
    high = next(name for name in names if f"TargetTracking-{named['ResourceId']}-AlarmHigh-" in name)
    [alarm] = cloudwatch.describe_alarms(AlarmNames=[high])["MetricAlarms"]
    rule = (alarm["Threshold"], alarm["EvaluationPeriods"], alarm["Period"], alarm["MetricName"], alarm["Statistic"])
    assert rule == (500, 3, 60, "InvocationsPerInstance", "Sum")
    [policy] = scaling.describe_scaling_policies(ServiceNamespace="sagemaker", ResourceId=named["ResourceId"])[
        "ScalingPolicies"
    ]
    assert [alarm["AlarmName"] for alarm in policy["Alarms"]] == names
    scaling.delete_scaling_policy(**named, PolicyName=POLICY)
    assert cloudwatch.describe_alarms(AlarmNames=names)["MetricAlarms"] == []


@pytest.mark.aws("Autoscaling", "Registering adjusts a capacity outside the bounds", "API: RegisterScalableTarget")
def test_registering_brings_the_capacity_within_the_bounds(scaling, named, endpoint, account):
    scaling.register_scalable_target(**named, MinCapacity=3, MaxCapacity=4)
    assert account.until(lambda: _instances(account, endpoint) == 3, within=1800)
    [activity] = scaling.describe_scaling_activities(
        ServiceNamespace="sagemaker", ResourceId=named["ResourceId"], MaxResults=1
    )["ScalingActivities"]
    assert activity["Cause"] == "minimum capacity was set to 3"


@pytest.mark.aws("Autoscaling", "The fleet grows when its instances are asked too much", "API: PutScalingPolicy")
def test_requests_above_the_target_scale_out(scaling, named, endpoint, account):
    scaling.register_scalable_target(**named, MinCapacity=1, MaxCapacity=3)
    _put(scaling, named, _track(5, DisableScaleIn=True))

    def grown():
        for _ in range(10):
            account.invoke(endpoint)
        return account.endpoint(endpoint)["ProductionVariants"][0]["DesiredInstanceCount"] == 3

    assert account.until(grown, within=1800)
    assert account.settled(endpoint)["ProductionVariants"][0]["CurrentInstanceCount"] == 3


@pytest.mark.aws(
    "Autoscaling",
    "An update that changes a scaled variant's instance type is refused",
    "Developer guide: Update endpoints that use auto scaling",
)
def test_an_update_to_another_instance_type_is_refused(scaling, named, endpoint, sagemaker, resources):
    scaling.register_scalable_target(**named, MinCapacity=1, MaxCapacity=4)
    other = resources.config(variant(resources.model(), InstanceType="ml.c5.large"))
    refusal("ValidationException", sagemaker.update_endpoint, EndpointName=endpoint, EndpointConfigName=other)
