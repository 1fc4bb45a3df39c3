"""What is scaled when the alarms of a policy fire, on real fleets."""

import asyncio

import pytest

from local.cloudwatch.store import MINUTE
from local.unverified import Unverified
from tests.unit.local.autoscaling_rig import NAMED, Scaling, run


@pytest.mark.aws(
    "Autoscaling",
    "Three minutes above the target scale the real fleet out to what brings each instance down to it, as an activity",
    "Application Auto Scaling user guide: How target tracking works",
)
def test_three_minutes_above_the_target_scale_the_fleet_out(tmp_path):
    async def test(s: Scaling) -> None:
        s.register()
        high = s.policy(100)["Alarms"][0]["AlarmName"]
        s.minutes(250, 250)
        assert s.activities() == []
        s.minutes(250)
        activity = s.activities()[0]
        assert activity["StatusCode"] == "InProgress"
        assert activity["Description"] == "Setting desired instance count to 3."
        assert activity["Cause"] == f"monitor alarm {high} in state ALARM triggered policy keep"
        assert s.world.describe()["EndpointStatus"] == "Updating"
        activity = await s.settled()
        assert activity["StatusCode"] == "Successful"
        fulfilled = "Successfully set desired instance count to 3. Change successfully fulfilled by sagemaker."
        assert activity["StatusMessage"] == fulfilled
        assert s.world.describe()["ProductionVariants"][0]["CurrentInstanceCount"] == 3
        assert (await s.world.invoke(b"a")).status == 200

    run(tmp_path, test)


@pytest.mark.aws(
    "Autoscaling",
    "Fifteen minutes below 90 % of the target scale in",
    "Application Auto Scaling user guide: How target tracking works",
)
def test_fifteen_minutes_below_the_target_scale_in(tmp_path):
    async def test(s: Scaling) -> None:
        s.register()
        s.policy(100)
        s.minutes(*[95] * 20)
        assert s.activities() == []
        s.minutes(*[40] * 14)
        assert s.activities() == []
        s.minutes(40)
        assert (await s.settled())["StatusCode"] == "Successful"
        assert s.capacity == 2

    run(tmp_path, test, count=4)


def test_scaling_in_one_by_one_is_the_other_reading(tmp_path):
    async def test(s: Scaling) -> None:
        s.register()
        s.policy(100)
        s.minutes(*[1] * 15)
        await s.settled()
        assert s.capacity == 3

    run(tmp_path, test, count=4, unverified=Unverified(scale_in_step="one_by_one"))


@pytest.mark.aws(
    "Autoscaling", "No scale-in on a metric without data", "Application Auto Scaling user guide: Considerations"
)
def test_an_idle_endpoint_whose_metric_has_no_data_is_not_scaled_in(tmp_path):
    async def test(s: Scaling) -> None:
        s.register()
        low = s.policy(100)["Alarms"][1]["AlarmName"]
        for _ in range(20):
            s.end += MINUTE
            s.cloudwatch.evaluate(s.end)
        assert s.cloudwatch.alarm_state(low)[0] == "INSUFFICIENT_DATA"
        assert s.activities(IncludeNotScaledActivities=True) == []

    run(tmp_path, test, count=2)


def test_no_more_than_the_maximum_and_that_is_said_when_asked_for(tmp_path):
    async def test(s: Scaling) -> None:
        s.register(maximum=2)
        s.policy(100)
        s.minutes(900, 900, 900)
        await s.settled()
        assert s.capacity == 2
        s.minutes(900)
        assert len(s.activities()) == 1
        newest = s.activities(IncludeNotScaledActivities=True)[0]
        assert newest["NotScaledReasons"] == [{"Code": "AlreadyAtMaxCapacity", "MaxCapacity": 2}]

    run(tmp_path, test)


def test_at_the_minimum_nothing_is_scaled_in_and_that_is_said_when_asked_for(tmp_path):
    async def test(s: Scaling) -> None:
        s.register(minimum=0)
        s.policy(100)
        s.minutes(*[0] * 15)
        [activity] = s.activities(IncludeNotScaledActivities=True)
        assert activity["NotScaledReasons"] == [{"Code": "AlreadyAtMinCapacity", "MinCapacity": 1}]

    run(tmp_path, test)


def test_while_a_scaling_is_under_way_its_alarm_starts_no_other(tmp_path):
    async def test(s: Scaling) -> None:
        s.register()
        s.policy(100)
        s.minutes(250, 250, 250, 250, 250)
        await s.settled()
        assert len(s.activities(IncludeNotScaledActivities=True)) == 1

    run(tmp_path, test)


def test_in_the_cooldown_the_same_load_does_not_scale_out_again(tmp_path):
    async def test(s: Scaling) -> None:
        s.register(maximum=20)
        s.policy(100, ScaleOutCooldown=86_400)
        s.minutes(250, 250, 250)
        await s.settled()
        s.minutes(250)
        assert s.capacity == 3
        newest = s.activities(IncludeNotScaledActivities=True)[0]
        assert newest["NotScaledReasons"] == [{"Code": "AlreadyAtDesiredCapacity", "CurrentCapacity": 3}]

    run(tmp_path, test)


def test_an_alarm_whose_actions_are_disabled_scales_nothing(tmp_path):
    async def test(s: Scaling) -> None:
        s.register()
        high = s.policy(100)["Alarms"][0]["AlarmName"]
        s.cloudwatch.disable_alarm_actions({"AlarmNames": [high]})
        s.minutes(250, 250, 250)
        assert s.activities() == []
        s.cloudwatch.enable_alarm_actions({"AlarmNames": [high]})
        s.minutes(250)
        assert (await s.settled())["StatusCode"] == "Successful"

    run(tmp_path, test)


def test_the_history_of_the_alarm_says_that_its_action_was_performed(tmp_path):
    async def test(s: Scaling) -> None:
        s.register()
        made = s.policy(100)
        performing = asyncio.create_task(s.cloudwatch.actions.run())
        s.minutes(250, 250, 250)
        await s.cloudwatch.actions.idle()
        performing.cancel()
        asked = {"AlarmName": made["Alarms"][0]["AlarmName"], "HistoryItemType": "Action"}
        [item] = s.cloudwatch.describe_alarm_history(asked)["AlarmHistoryItems"]
        assert item["HistorySummary"] == f"Successfully executed action {made['PolicyARN']}"

    run(tmp_path, test)


@pytest.mark.parametrize(
    ("suspended", "before", "load"),
    [("DynamicScalingOutSuspended", 1, [250] * 3), ("DynamicScalingInSuspended", 3, [10] * 15)],
)
@pytest.mark.aws("Autoscaling", "Suspended scaling does nothing until it is resumed", "API: RegisterScalableTarget")
def test_suspended_scaling_waits_until_it_is_resumed(tmp_path, suspended, before, load):
    async def test(s: Scaling) -> None:
        s.register(SuspendedState={suspended: True})
        s.policy(100)
        s.minutes(*load)
        assert s.activities() == []
        s.register(SuspendedState={suspended: False})
        s.minutes(load[-1])
        await s.settled()
        assert s.capacity != before

    run(tmp_path, test, count=before)


def test_a_policy_may_track_a_metric_of_your_own(tmp_path):
    async def test(s: Scaling) -> None:
        s.register()
        own = {"MetricName": "Backlog", "Namespace": "Mine", "Statistic": "Average"}
        configuration = {"TargetValue": 10.0, "CustomizedMetricSpecification": own}
        s.service.put_scaling_policy(
            {
                **NAMED,
                "PolicyName": "mine",
                "PolicyType": "TargetTrackingScaling",
                "TargetTrackingScalingPolicyConfiguration": configuration,
            }
        )
        for _ in range(3):
            s.cloudwatch._store.samples(("Mine", "Backlog", ()), s.end).add(20)
            s.minutes(1)
        await s.settled()
        assert s.capacity == 2

    run(tmp_path, test)


def test_a_fleet_that_cannot_grow_leaves_an_unfulfilled_activity_and_the_old_capacity(tmp_path):
    async def test(s: Scaling) -> None:
        s.register()
        s.policy(100)
        s.world.hosting.faults.put("capacity", "e")
        s.minutes(250, 250, 250)
        activity = await s.settled()
        assert activity["StatusCode"] == "Unfulfilled"
        assert s.capacity == 1

    run(tmp_path, test)


def test_activities_come_in_pages_newest_first(tmp_path):
    async def test(s: Scaling) -> None:
        for instances in (2, 3, 1):
            s.register(instances, instances)
            await s.settled()
        first = s.service.describe_scaling_activities({"ServiceNamespace": "sagemaker", "MaxResults": 2})
        rest = s.activities(NextToken=first["NextToken"])
        said = [activity["Description"][-2] for activity in [*first["ScalingActivities"], *rest]]
        assert said == ["1", "3", "2"]
        assert s.activities(ResourceId="endpoint/x/variant/AllTraffic") == []

    run(tmp_path, test)


def test_real_requests_and_real_alarms_scale_a_real_fleet(tmp_path):
    """Nothing by hand: requests are measured, the alarm is evaluated each minute, instances come up."""

    async def test(s: Scaling) -> None:
        evaluating = asyncio.create_task(s.cloudwatch.run())
        s.register(maximum=2)
        s.policy(5)
        async with asyncio.timeout(60):
            while s.capacity < 2:
                assert (await s.world.invoke(b"a")).status == 200
                await s.world.clock.sleep(3)
        assert (await s.settled())["StatusCode"] == "Successful"
        evaluating.cancel()

    run(tmp_path, test)
