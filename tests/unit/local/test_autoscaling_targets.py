"""Scalable targets: what may be registered, how it is shown, tagged and forgotten."""

import pytest

from tests.unit.local.autoscaling_rig import NAMED, Scaling, refused, run


@pytest.mark.aws(
    "Autoscaling",
    "Registering brings the capacity within the bounds at once",
    "API: RegisterScalableTarget",
)
@pytest.mark.parametrize(
    ("bounds", "instances", "cause"),
    [((4, 6), 4, "minimum capacity was set to 4"), ((1, 2), 2, "maximum capacity was set to 2")],
)
def test_registering_brings_the_capacity_within_the_bounds(tmp_path, bounds, instances, cause):
    async def test(s: Scaling) -> None:
        s.register(*bounds)
        activity = await s.settled()
        assert (activity["Cause"], s.capacity) == (cause, instances)

    run(tmp_path, test, count=3)


def test_a_target_is_described_and_changed_by_the_members_given(tmp_path):
    async def test(s: Scaling) -> None:
        arn = s.register(1, 5, SuspendedState={"DynamicScalingInSuspended": True})
        assert s.register(None, 7) == arn
        [target] = s.service.describe_scalable_targets({"ServiceNamespace": "sagemaker"})["ScalableTargets"]
        assert (target["MinCapacity"], target["MaxCapacity"]) == (1, 7)
        assert target["SuspendedState"] == {
            "DynamicScalingInSuspended": True,
            "DynamicScalingOutSuspended": False,
            "ScheduledScalingSuspended": False,
        }
        assert target["RoleARN"].endswith("/AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint")
        none = s.service.describe_scalable_targets({"ServiceNamespace": "sagemaker", "ResourceIds": ["endpoint/x"]})
        assert none["ScalableTargets"] == []
        assert s.service.describe_scalable_targets({"ServiceNamespace": "ecs"})["ScalableTargets"] == []

    run(tmp_path, test)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"MaxCapacity": 2}, "MinCapacity and MaxCapacity are required"),
        ({"MinCapacity": 3, "MaxCapacity": 2}, "MinCapacity is 3 and MaxCapacity 2"),
        ({"MinCapacity": -1, "MaxCapacity": 2}, "MinCapacity is -1"),
        ({"MinCapacity": 1, "MaxCapacity": 2, "ResourceId": "endpoint/e/variant/B"}, "variant doesn't exist"),
        ({"MinCapacity": 1, "MaxCapacity": 2, "ResourceId": "endpoint/x/variant/AllTraffic"}, "variant doesn't exist"),
        ({"MinCapacity": 1, "MaxCapacity": 2, "ResourceId": "e"}, "must be endpoint/ENDPOINT/variant/VARIANT"),
        ({"ServiceNamespace": "ecs", "ScalableDimension": "ecs:service:DesiredCount"}, "is not offered here"),
    ],
)
def test_a_target_that_cannot_be_is_refused_and_not_kept(tmp_path, given, said):
    async def test(s: Scaling) -> None:
        assert said in refused("ValidationException", s.service.register_scalable_target, {**NAMED, **given})
        assert s.service.describe_scalable_targets({"ServiceNamespace": "sagemaker"})["ScalableTargets"] == []

    run(tmp_path, test)


def test_a_target_has_tags_of_its_own(tmp_path):
    async def test(s: Scaling) -> None:
        arn = s.register(Tags={"team": "flights"})
        s.service.tag_resource({"ResourceARN": arn, "Tags": {"stage": "production"}})
        s.service.untag_resource({"ResourceARN": arn, "TagKeys": ["team"]})
        assert s.service.list_tags_for_resource({"ResourceARN": arn})["Tags"] == {"stage": "production"}
        refused("ValidationException", s.register, Tags={"team": "again"})
        many = {f"key{n}": "x" for n in range(50)}
        refused("TooManyTagsException", s.service.tag_resource, {"ResourceARN": arn, "Tags": many})
        refused("ResourceNotFoundException", s.service.list_tags_for_resource, {"ResourceARN": "arn:none"})

    run(tmp_path, test)


def test_deregistering_deletes_the_policies_and_their_alarms(tmp_path):
    async def test(s: Scaling) -> None:
        s.register()
        s.policy()
        s.service.deregister_scalable_target(NAMED)
        assert s.service.describe_scaling_policies({"ServiceNamespace": "sagemaker"})["ScalingPolicies"] == []
        assert s.cloudwatch.describe_alarms({})["MetricAlarms"] == []
        refused("ObjectNotFoundException", s.service.deregister_scalable_target, NAMED)

    run(tmp_path, test)
