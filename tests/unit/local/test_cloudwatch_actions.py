"""What an alarm does when its state changes: messages to SNS topics, in a moto of the tests, and what history tells."""

import asyncio
import json
from typing import Any

import boto3
import pytest
from cloudwatch_rig import Rig, rig

from local.context import Context

__all__ = ["rig"]

OTHER = "arn:aws:swf:us-east-1:111122223333:action/actions/AWS_EC2.InstanceId.Reboot/1.0"
ALARM: dict[str, Any] = {
    "AlarmName": "errors",
    "AlarmDescription": "too many",
    "Namespace": "Test",
    "MetricName": "M",
    "Dimensions": [{"Name": "A", "Value": "a"}],
    "Statistic": "Average",
    "Period": 60,
    "EvaluationPeriods": 1,
    "Threshold": 1.0,
    "ComparisonOperator": "GreaterThanThreshold",
}


@pytest.fixture
def topic(server, tmp_path):
    """A CloudWatch beside moto's SNS, a topic there, and a way to receive what it was sent."""
    rig = Rig(tmp_path)
    rig.context = Context(rig.clock, "us-east-1", "111122223333", tmp_path, server, lambda *event: None)
    rig.cloudwatch.actions._client = rig.context.client
    keys = {"aws_access_key_id": "a", "aws_secret_access_key": "b", "region_name": "us-east-1"}
    sns, sqs = (boto3.client(service, endpoint_url=server, **keys) for service in ("sns", "sqs"))
    arn = sns.create_topic(Name="oncall")["TopicArn"]
    url = sqs.create_queue(QueueName="oncall")["QueueUrl"]
    queue = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    subscription = sns.subscribe(TopicArn=arn, Protocol="sqs", Endpoint=queue)["SubscriptionArn"]

    def received() -> list[dict[str, Any]]:
        return [json.loads(m["Body"]) for m in sqs.receive_message(QueueUrl=url).get("Messages", [])]

    yield rig, arn, received
    sns.unsubscribe(SubscriptionArn=subscription)
    sqs.delete_queue(QueueUrl=url)


def change(rig: Rig, *states: str) -> None:
    """Set states by hand and perform the actions of each."""

    async def go() -> None:
        task = asyncio.create_task(rig.cloudwatch.actions.run())
        for state in states:
            request = {"AlarmName": "errors", "StateValue": state, "StateReason": "drill"}
            rig.cloudwatch.set_alarm_state(request)
        await rig.cloudwatch.actions.idle()
        task.cancel()

    asyncio.run(go())


def acted(rig: Rig) -> list[str]:
    return [item["HistorySummary"] for item in rig.history(HistoryItemType="Action")]


@pytest.mark.aws(
    "Alarms", "An alarm publishes its change of state to an SNS topic", "User guide: Using CloudWatch alarms"
)
def test_a_change_of_state_is_published_to_the_topic_of_that_state(topic):
    rig, arn, received = topic
    rig.cloudwatch.put_metric_alarm(ALARM | {"AlarmActions": [arn]})
    change(rig, "OK", "ALARM", "ALARM")
    (sent,) = received()
    assert sent["Subject"] == 'ALARM: "errors" in US East (N. Virginia)'
    assert json.loads(sent["Message"]) == {
        "AlarmName": "errors",
        "AlarmDescription": "too many",
        "AWSAccountId": "111122223333",
        "AlarmConfigurationUpdatedTimestamp": "2026-11-23T12:00:00.000+0000",
        "NewStateValue": "ALARM",
        "NewStateReason": "drill",
        "StateChangeTime": "2026-11-23T12:00:00.000+0000",
        "Region": "US East (N. Virginia)",
        "AlarmArn": "arn:aws:cloudwatch:us-east-1:111122223333:alarm:errors",
        "OldStateValue": "OK",
        "OKActions": [],
        "AlarmActions": [arn],
        "InsufficientDataActions": [],
        "Trigger": {
            "MetricName": "M",
            "Namespace": "Test",
            "StatisticType": "Statistic",
            "Statistic": "AVERAGE",
            "Unit": None,
            "Dimensions": [{"value": "a", "name": "A"}],
            "Period": 60,
            "EvaluationPeriods": 1,
            "ComparisonOperator": "GreaterThanThreshold",
            "Threshold": 1.0,
            "TreatMissingData": "",
            "EvaluateLowSampleCountPercentile": "",
        },
    }
    assert acted(rig) == [f"Successfully executed action {arn}"]


def test_the_trigger_of_a_math_alarm_is_its_queries(topic):
    rig, arn, received = topic
    kept = ("AlarmName", "EvaluationPeriods", "Threshold", "ComparisonOperator")
    metric = {"Namespace": "Test", "MetricName": "M", "Dimensions": [{"Name": "A", "Value": "a"}]}
    queries = [
        {"Id": "m", "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Sum"}, "ReturnData": False},
        {"Id": "e", "Expression": "m / 2"},
    ]
    rig.cloudwatch.put_metric_alarm({name: ALARM[name] for name in kept} | {"Metrics": queries, "OKActions": [arn]})
    change(rig, "OK")
    (sent,) = received()
    trigger = json.loads(sent["Message"])["Trigger"]
    assert trigger["Period"] == 60
    assert trigger["Metrics"][0]["MetricStat"]["Metric"]["Dimensions"] == [{"value": "a", "name": "A"}]
    assert trigger["Metrics"][1] == {"Id": "e", "Expression": "m / 2"}


@pytest.mark.aws("Alarms", "DisableAlarmActions keeps an alarm from acting", "API: DisableAlarmActions")
def test_an_alarm_whose_actions_are_disabled_changes_without_acting(topic):
    rig, arn, received = topic
    rig.cloudwatch.put_metric_alarm(ALARM | {"AlarmActions": [arn], "OKActions": [arn]})
    rig.cloudwatch.disable_alarm_actions({"AlarmNames": ["errors", "ghost"]})
    change(rig, "ALARM")
    assert (rig.alarm()["StateValue"], rig.alarm()["ActionsEnabled"], received()) == ("ALARM", False, [])
    rig.cloudwatch.enable_alarm_actions({"AlarmNames": ["errors"]})
    change(rig, "OK")
    assert len(received()) == 1


@pytest.mark.aws("Alarms", "An action that cannot be performed is told in history", "API: DescribeAlarmHistory")
def test_an_action_that_fails_is_in_history_with_the_reason_and_the_next_is_performed(topic):
    rig, arn, received = topic
    nowhere = arn.replace("oncall", "nowhere")
    rig.cloudwatch.put_metric_alarm(ALARM | {"AlarmActions": [OTHER, nowhere, arn]})
    change(rig, "ALARM")
    assert len(received()) == 1
    done, failed, refused = acted(rig)
    assert done == f"Successfully executed action {arn}"
    assert failed.startswith(f"Failed to execute action {nowhere}. Received error: ")
    assert refused.endswith("Actions of swf are not performed here, those of sns are.")
    data = json.loads(rig.history(HistoryItemType="Action")[2]["HistoryData"])
    assert (data["actionState"], data["notificationResource"]) == ("Failed", OTHER)


def test_another_service_can_perform_its_own_actions(rig):
    performed: list[tuple[str, str, str]] = []
    rig.cloudwatch.actions.performers["autoscaling"] = lambda arn, alarm, before: performed.append(
        (arn, before["StateValue"], alarm["StateValue"])
    )
    policy = "arn:aws:autoscaling:us-east-1:111122223333:scalingPolicy:x"
    rig.cloudwatch.put_metric_alarm(ALARM | {"AlarmActions": [policy], "OKActions": [policy]})
    change(rig, "ALARM", "OK")
    assert performed == [(policy, "INSUFFICIENT_DATA", "ALARM"), (policy, "ALARM", "OK")]
