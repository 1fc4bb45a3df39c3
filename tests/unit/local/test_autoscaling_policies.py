"""Target tracking policies and the two alarms that each of them makes."""

from typing import Any

import pytest

from tests.unit.local.autoscaling_rig import DIMENSIONS, NAMED, Scaling, refused, run


@pytest.mark.aws(
    "Autoscaling",
    "A target tracking policy makes two alarms: above the target for 3 of 3 minutes, below 90 % of it for 15 of 15",
    "Application Auto Scaling user guide: How target tracking works",
)
def test_a_policy_makes_two_alarms(tmp_path):
    async def test(s: Scaling) -> None:
        s.register()
        answer = s.policy(200)
        names = [alarm["AlarmName"] for alarm in answer["Alarms"]]
        assert [name.rpartition("Alarm")[0] for name in names] == ["TargetTracking-endpoint/e/variant/AllTraffic-"] * 2
        high, low = s.cloudwatch.describe_alarms({"AlarmNames": names})["MetricAlarms"]
        rule = ("ComparisonOperator", "Threshold", "EvaluationPeriods", "Period", "MetricName", "Statistic")
        per_instance = (60, "InvocationsPerInstance", "Sum")
        assert tuple(high[member] for member in rule) == ("GreaterThanThreshold", 200, 3, *per_instance)
        assert tuple(low[member] for member in rule) == ("LessThanThreshold", 180, 15, *per_instance)
        assert high["AlarmActions"] == low["AlarmActions"] == [answer["PolicyARN"]]
        assert high["Dimensions"] == [{"Name": name, "Value": value} for name, value in DIMENSIONS]
        assert "DO NOT EDIT OR DELETE" in high["AlarmDescription"]

    run(tmp_path, test)


def test_a_policy_is_described_with_its_defaults_and_found_by_name(tmp_path):
    async def test(s: Scaling) -> None:
        s.register()
        s.policy(200, name="one")
        s.policy(300, name="two")
        asked = {"ServiceNamespace": "sagemaker", "PolicyNames": ["one"]}
        [policy] = s.service.describe_scaling_policies(asked)["ScalingPolicies"]
        configuration = policy["TargetTrackingScalingPolicyConfiguration"]
        cooldowns = (configuration["ScaleOutCooldown"], configuration["ScaleInCooldown"])
        assert (cooldowns, configuration["DisableScaleIn"]) == ((300, 300), False)
        assert policy["PolicyARN"].endswith(":resource/sagemaker/endpoint/e/variant/AllTraffic:policyName/one")

    run(tmp_path, test)


def test_a_policy_put_again_keeps_its_arn_and_changes_its_alarms(tmp_path):
    async def test(s: Scaling) -> None:
        s.register()
        first = s.policy(200)
        assert s.policy(300) == first
        high = s.cloudwatch.describe_alarms({"AlarmNames": [first["Alarms"][0]["AlarmName"]]})["MetricAlarms"][0]
        assert high["Threshold"] == 300
        assert len(s.policy(300, DisableScaleIn=True)["Alarms"]) == 1
        assert len(s.cloudwatch.describe_alarms({})["MetricAlarms"]) == 1

    run(tmp_path, test)


def test_deleting_a_policy_deletes_its_alarms_even_when_somebody_deleted_one_before(tmp_path):
    async def test(s: Scaling) -> None:
        s.register()
        s.cloudwatch.delete_alarms({"AlarmNames": [s.policy()["Alarms"][0]["AlarmName"]]})
        s.service.delete_scaling_policy({**NAMED, "PolicyName": "keep"})
        assert s.cloudwatch.describe_alarms({})["MetricAlarms"] == []
        refused("ObjectNotFoundException", s.service.delete_scaling_policy, {**NAMED, "PolicyName": "keep"})

    run(tmp_path, test)


def test_a_policy_needs_a_registered_target(tmp_path):
    async def test(s: Scaling) -> None:
        assert "No scalable target registered" in refused("ObjectNotFoundException", s.policy)

    run(tmp_path, test)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"PolicyType": "StepScaling"}, "the rehearsal offers TargetTrackingScaling only"),
        ({"TargetTrackingScalingPolicyConfiguration": None}, "is required"),
        ({"PredefinedMetricSpecification": {"PredefinedMetricType": "ECSServiceAverageCPUUtilization"}}, "offers"),
        ({"PredefinedMetricSpecification": None}, "exactly one of"),
        ({"CustomizedMetricSpecification": {"MetricName": "m"}}, "exactly one of"),
        (
            {"PredefinedMetricSpecification": None, "CustomizedMetricSpecification": {"MetricName": "m"}},
            "needs MetricName, Namespace and Statistic",
        ),
        ({"TargetValue": 0}, "it must be above 0"),
        ({"ScaleInCooldown": -1}, "ScaleInCooldown is -1"),
    ],
)
def test_a_policy_that_cannot_work_is_refused_and_makes_no_alarm(tmp_path, change, said):
    async def test(s: Scaling) -> None:
        s.register()
        metric = {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"}
        configuration = {"TargetValue": 100.0, "PredefinedMetricSpecification": metric}
        request: dict[str, Any] = {
            **NAMED,
            "PolicyName": "bad",
            "PolicyType": "TargetTrackingScaling",
            "TargetTrackingScalingPolicyConfiguration": configuration,
        }
        for member, value in change.items():
            holder = request if member in request else configuration
            holder[member] = value
            if value is None:
                del holder[member]
        assert said in refused("ValidationException", s.service.put_scaling_policy, request)
        assert s.cloudwatch.describe_alarms({})["MetricAlarms"] == []

    run(tmp_path, test)
