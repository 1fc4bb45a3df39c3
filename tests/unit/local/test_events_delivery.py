"""From `emit` to a queue: real rules and queues of moto's, and a delivery that survives what fails."""

import asyncio
import json
import logging

import boto3.session
import pytest
from botocore.exceptions import ClientError

from local.clock import Clock
from local.context import ACCOUNT
from local.events import Events

KIND = "SageMaker Model Package State Change"
ARN = f"arn:aws:sagemaker:us-east-1:{ACCOUNT}:model-package/flights/1"
APPROVED = {"ModelApprovalStatus": "Approved", "UpdatedModelPackageFields": ["ModelApprovalStatus"]}
APPROVALS = {
    "source": ["aws.sagemaker"],
    "detail": {"ModelApprovalStatus": ["Approved"], "UpdatedModelPackageFields": ["ModelApprovalStatus"]},
}


class Bus:
    """Clients on moto, a queue for each test, and rules that are removed after it."""

    def __init__(self, url, name):
        session = boto3.session.Session()
        keys = {"aws_access_key_id": "a", "aws_secret_access_key": "b", "region_name": "us-east-1"}
        self.client = lambda service: session.client(service, endpoint_url=url, **keys)
        self.events, self.sqs, self.logs = (self.client(service) for service in ("events", "sqs", "logs"))
        self.name = name
        self.queue, self.arn = self.make_queue(name)

    def make_queue(self, name):
        url = self.sqs.create_queue(QueueName=name)["QueueUrl"]
        attributes = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        return url, attributes["Attributes"]["QueueArn"]

    def rule(self, pattern, *targets, state="ENABLED"):
        self.events.put_rule(Name=self.name, EventPattern=json.dumps(pattern), State=state)
        given = targets or ({"Arn": self.arn},)
        self.events.put_targets(Rule=self.name, Targets=[{"Id": str(i), **t} for i, t in enumerate(given)])

    def send(self, *details, duplicates=0, kind=KIND, source="aws.sagemaker"):
        """Emit events, and wait until they are delivered."""

        async def deliver():
            bus = Events(Clock(), duplicates=duplicates)
            for detail in details:
                bus.emitter(source)(kind, [ARN], detail)
            task = asyncio.create_task(bus.run(self.client))
            await bus.idle()
            task.cancel()

        asyncio.run(deliver())

    def received(self, url=None):
        """Bodies in the queue, in order."""
        bodies = []
        while found := self.sqs.receive_message(QueueUrl=url or self.queue, MaxNumberOfMessages=1).get("Messages"):
            bodies.append(json.loads(found[0]["Body"]))
            self.sqs.delete_message(QueueUrl=url or self.queue, ReceiptHandle=found[0]["ReceiptHandle"])
        return bodies


@pytest.fixture
def bus(server, request):
    made = Bus(server, request.node.name[:60].replace("[", "-").replace("]", ""))
    yield made
    for rule in made.events.list_rules()["Rules"]:
        targets = [t["Id"] for t in made.events.list_targets_by_rule(Rule=rule["Name"])["Targets"]]
        made.events.remove_targets(Rule=rule["Name"], Ids=targets)
        made.events.delete_rule(Name=rule["Name"])


@pytest.mark.aws(
    "Events",
    "An event has version, id, detail-type, source, account, time, region, resources and detail",
    "EventBridge user guide: Event structure",
)
def test_a_target_gets_the_event_in_awss_shape(bus):
    bus.rule({"source": ["aws.sagemaker"]})
    bus.send(APPROVED)
    (event,) = bus.received()
    assert set(event) == {
        "version",
        "id",
        "detail-type",
        "source",
        "account",
        "time",
        "region",
        "resources",
        "detail",
    }
    assert (event["account"], event["region"], event["resources"]) == (ACCOUNT, "us-east-1", [ARN])
    assert (event["detail-type"], event["detail"]) == (KIND, APPROVED)
    assert event["time"].endswith("Z")
    assert len(event["time"]) == len("2021-02-24T17:00:14Z")


@pytest.mark.aws(
    "Events",
    "A rule on UpdatedModelPackageFields tells an approval from another update of an approved package",
    "EventBridge user guide: Event patterns",
)
@pytest.mark.parametrize(
    ("detail", "matches"),
    [
        (APPROVED, True),
        ({**APPROVED, "UpdatedModelPackageFields": ["ApprovalDescription", "ModelApprovalStatus"]}, True),
        ({**APPROVED, "UpdatedModelPackageFields": ["ModelLifeCycle"]}, False),
        ({**APPROVED, "ModelApprovalStatus": "Rejected"}, False),
        ({"ModelApprovalStatus": "Approved"}, False),
    ],
)
def test_the_pattern_of_approvals_matches_approvals_only(bus, detail, matches):
    bus.rule(APPROVALS)
    bus.send(detail)
    assert bool(bus.received()) == matches


def test_a_transformer_names_the_package_to_its_target(bus):
    template = '{"variables": [{"name": "ModelPackageArn", "value": "<arn>"}]}'
    transformer = {"InputPathsMap": {"arn": "$.detail.ModelPackageArn"}, "InputTemplate": template}
    bus.rule(APPROVALS, {"Arn": bus.arn, "InputTransformer": transformer})
    bus.send({**APPROVED, "ModelPackageArn": ARN})
    assert bus.received() == [{"variables": [{"name": "ModelPackageArn", "value": ARN}]}]


def test_events_arrive_in_the_order_they_were_sent(bus):
    bus.rule({"source": ["aws.sagemaker"]})
    bus.send(*({"number": number} for number in range(20)))
    assert [event["detail"]["number"] for event in bus.received()] == list(range(20))


@pytest.mark.aws(
    "Events",
    "SageMaker may send several events for one change, here on demand (--duplicate-events)",
    "Developer guide: Events that Amazon SageMaker AI sends to Amazon EventBridge",
)
def test_a_duplicate_says_the_same_under_an_id_of_its_own(bus):
    bus.rule({"source": ["aws.sagemaker"]})
    bus.send({"number": 1}, {"number": 2}, duplicates=1)
    events = bus.received()
    assert [event["detail"]["number"] for event in events] == [1, 1, 2, 2]
    assert len({event["id"] for event in events}) == 4


def test_an_event_can_come_from_another_service(bus):
    bus.rule({"source": ["aws.cloudwatch"]})
    bus.send({}, source="aws.cloudwatch", kind="CloudWatch Alarm State Change")
    assert [event["detail-type"] for event in bus.received()] == ["CloudWatch Alarm State Change"]


PIPELINE = f"arn:aws:codepipeline:us-east-1:{ACCOUNT}:release"


def test_a_target_that_fails_keeps_the_event_from_no_other(bus, caplog):
    bus.rule(APPROVALS, {"Arn": PIPELINE}, {"Arn": bus.arn.replace(bus.name, "no-queue")}, {"Arn": bus.arn})
    with caplog.at_level(logging.WARNING):
        bus.send(APPROVED)
    assert len(bus.received()) == 1
    assert PIPELINE in caplog.text
    assert "no-queue" in caplog.text


def test_put_events_of_a_client_survives_a_target_that_fails(bus):
    bus.rule({"source": ["mine"]}, {"Arn": PIPELINE}, {"Arn": bus.arn})
    entry = {"Source": "mine", "DetailType": "t", "Detail": '{"a": 1}'}
    assert bus.events.put_events(Entries=[entry])["FailedEntryCount"] == 0
    assert [event["detail"] for event in bus.received()] == [{"a": 1}]


@pytest.mark.aws(
    "Events",
    "An event that a target cannot take goes to the target's dead-letter queue",
    "EventBridge user guide: Using dead-letter queues",
)
def test_an_event_that_a_target_cannot_take_goes_to_its_dead_letter_queue(bus):
    letters, arn = bus.make_queue("dead-letters")
    bus.rule(APPROVALS, {"Arn": PIPELINE, "DeadLetterConfig": {"Arn": arn}})
    bus.send(APPROVED)
    assert [event["detail"] for event in bus.received(letters)] == [APPROVED]


@pytest.mark.aws("Events", "A disabled rule matches no event", "API: DisableRule")
def test_a_disabled_rule_delivers_nothing(bus):
    bus.rule({"source": ["aws.sagemaker"]}, state="DISABLED")
    bus.send(APPROVED)
    assert bus.received() == []


def test_a_log_group_can_be_a_target(bus):
    group = "/aws/events/all"
    bus.logs.create_log_group(logGroupName=group)
    bus.rule({"source": ["aws.sagemaker"]}, {"Arn": f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:{group}"})
    bus.send(APPROVED)
    (logged,) = bus.logs.filter_log_events(logGroupName=group)["events"]
    assert json.loads(logged["message"])["detail"] == APPROVED


class Flaky:
    """An EventBridge whose first calls fail."""

    def __init__(self, failures):
        self.failures = failures
        self.taken = []

    def put_events(self, Entries):
        if self.failures:
            self.failures -= 1
            raise ClientError({"Error": {"Code": "InternalException", "Message": "busy"}}, "PutEvents")
        self.taken += [json.loads(entry["Detail"])["number"] for entry in Entries]


@pytest.mark.parametrize(("failures", "taken"), [(2, [0, 1, 2]), (5, [1, 2])])
def test_delivery_is_tried_again_in_order_and_given_up_in_the_end(failures, taken):
    async def deliver():
        bus, flaky = Events(Clock(speed=1000)), Flaky(failures)
        for number in range(3):
            bus.emitter("aws.sagemaker")(KIND, [], {"number": number})
        task = asyncio.create_task(bus.run(lambda _: flaky))
        await bus.idle()
        task.cancel()
        return flaky.taken

    assert asyncio.run(deliver()) == taken
