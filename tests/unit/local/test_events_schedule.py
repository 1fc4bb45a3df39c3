"""Schedules of rules: when they are due, and that what is due is delivered once."""

import asyncio
import json
from datetime import UTC, datetime, timedelta

import boto3.session
import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.clock import Clock
from local.context import ACCOUNT
from local.events.clockwork import Clockwork
from local.events.rules import scheduled
from local.events.schedule import parse

MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - made aware
SUNDAY = datetime(2026, 11, 29, 12, 30, 15, tzinfo=UTC)


@given(st.integers(1, 500), st.sampled_from(["minute", "hour", "day"]), MOMENTS, st.timedeltas(timedelta(0)))
def test_a_rate_is_due_every_period_from_when_the_rule_was_made(count, unit, made, passed):
    passed %= timedelta(days=2000)
    period = timedelta(**{f"{unit}s": count})
    due = parse(f"rate({count} {unit}s)").due(made + passed, made)
    assert timedelta(0) < due - (made + passed) <= period
    assert (due - made) % period == timedelta(0)


@pytest.mark.aws(
    "Events",
    "A scheduled rule is due by its rate, or by its cron expression in UTC",
    "EventBridge user guide: Cron and rate expressions",
)
@pytest.mark.parametrize(
    ("expression", "due"),
    [
        ("cron(0 10 * * ? *)", "2026-11-30 10:00"),
        ("cron(15 12 * * ? *)", "2026-11-30 12:15"),
        ("cron(0/15 * * * ? *)", "2026-11-29 12:45"),
        ("cron(0 18 ? * MON-FRI *)", "2026-11-30 18:00"),
        ("cron(0 8 1 * ? *)", "2026-12-01 08:00"),
        ("cron(5 8-17/3 ? * 1 *)", "2026-11-29 14:05"),
        ("cron(0 0 29 2 ? *)", "2028-02-29 00:00"),
        ("cron(30 12 29 NOV ? 2027)", "2027-11-29 12:30"),
    ],
)
def test_a_cron_expression_is_due_at_its_next_minute(expression, due):
    assert parse(expression).due(SUNDAY, SUNDAY) == datetime.fromisoformat(f"{due}+00:00")


def test_a_day_that_never_comes_is_never_due():
    assert parse("cron(0 0 30 2 ? *)").due(SUNDAY, SUNDAY) is None


@given(MOMENTS)
def test_what_is_due_is_due_again_later(moment):
    cron = parse("cron(0/20 6-18 ? * MON,WED *)")
    first = cron.due(moment, moment)
    second = cron.due(first, moment)
    assert moment < first < second
    assert (first.minute % 20, second.minute % 20) == (0, 0)


@pytest.mark.parametrize(
    "expression",
    [
        "rate(0 minutes)",
        "rate(5 seconds)",
        "cron(0 10 * * *)",
        "cron(0 10 * * * *)",
        "cron(60 * * * ? *)",
        "cron(0 0 L * ? *)",
    ],
)
def test_what_is_no_schedule_is_refused(expression):
    with pytest.raises(ValueError, match=r"rate|cron|minutes|day"):
        parse(expression)


@pytest.fixture
def client(server):
    keys = {"aws_access_key_id": "a", "aws_secret_access_key": "b", "region_name": "us-east-1"}
    yield lambda service: boto3.session.Session().client(service, endpoint_url=server, **keys)
    events = boto3.session.Session().client("events", endpoint_url=server, **keys)
    for rule in events.list_rules()["Rules"]:
        ids = [target["Id"] for target in events.list_targets_by_rule(Rule=rule["Name"])["Targets"]]
        if ids:
            events.remove_targets(Rule=rule["Name"], Ids=ids)
        events.delete_rule(Name=rule["Name"])


def test_a_rule_is_due_once_a_period_and_not_while_it_is_disabled(client):
    client("events").put_rule(Name="often", ScheduleExpression="rate(2 minutes)")
    client("events").put_rule(Name="off", ScheduleExpression="rate(2 minutes)", State="DISABLED")
    clockwork = Clockwork(Clock(), lambda: scheduled(ACCOUNT, "us-east-1"))
    due = [[rule.name for rule in clockwork.due(SUNDAY + timedelta(minutes=n))] for n in range(6)]
    assert due == [[], [], ["often"], [], ["often"], []]


def test_a_schedule_that_is_not_offered_is_never_due(client, caplog):
    client("events").put_rule(Name="last", ScheduleExpression="cron(0 0 L * ? *)")
    clockwork = Clockwork(Clock(), lambda: scheduled(ACCOUNT, "us-east-1"))
    assert clockwork.due(SUNDAY) == clockwork.due(SUNDAY + timedelta(days=31)) == []
    assert caplog.text.count("rule last never runs") == 1


def test_a_scheduled_event_reaches_its_target_by_awss_clock(client):
    sqs, events = client("sqs"), client("events")
    url = sqs.create_queue(QueueName="scheduled")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    rule = events.put_rule(Name="often", ScheduleExpression="rate(1 minute)")["RuleArn"]
    events.put_targets(Rule="often", Targets=[{"Id": "queue", "Arn": arn}])

    async def received():
        clockwork = asyncio.create_task(Clockwork(Clock(speed=600), lambda: scheduled(ACCOUNT, "us-east-1")).run())
        message = await asyncio.to_thread(sqs.receive_message, QueueUrl=url, WaitTimeSeconds=20)
        clockwork.cancel()
        return json.loads(message["Messages"][0]["Body"])

    event = asyncio.run(received())
    assert (event["source"], event["detail-type"], event["resources"]) == ("aws.events", "Scheduled Event", [rule])
    assert event["time"].endswith(":00Z")
