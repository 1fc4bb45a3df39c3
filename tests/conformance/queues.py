"""Events as another program gets them: an EventBridge rule that fills an SQS queue."""

import json
from typing import Any

from tests.conformance.resources import Resources


class Queue:
    """A queue of the events that match a pattern from now on."""

    def __init__(self, resources: Resources, pattern: dict[str, Any]) -> None:
        self._account = account = resources.account
        self._seen: set[str] = set()
        events, self._sqs, name = account.client("events"), account.client("sqs"), resources.name("events")
        self._url = self._sqs.create_queue(QueueName=name, tags={"conformance": account.prefix})["QueueUrl"]
        resources.later(self._sqs.delete_queue, QueueUrl=self._url)
        arn = self._sqs.get_queue_attributes(QueueUrl=self._url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        self._sqs.set_queue_attributes(QueueUrl=self._url, Attributes={"Policy": json.dumps(_policy(arn))})
        events.put_rule(Name=name, EventPattern=json.dumps(pattern), Tags=resources.tags)
        resources.later(events.delete_rule, Name=name)
        events.put_targets(Rule=name, Targets=[{"Id": "queue", "Arn": arn}])
        resources.later(events.remove_targets, Rule=name, Ids=["queue"])

    def receive(self, *, within: float = 600) -> dict[str, Any]:
        """The next event that was not received before: EventBridge may deliver one more than once."""
        event: dict[str, Any] = self._account.until(self._next, within=within)
        return event

    def _next(self) -> dict[str, Any] | None:
        for message in self._sqs.receive_message(QueueUrl=self._url, WaitTimeSeconds=1).get("Messages", []):
            self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=message["ReceiptHandle"])
            event: dict[str, Any] = json.loads(message["Body"])
            if event["id"] not in self._seen:
                self._seen.add(event["id"])
                return event
        return None


def _policy(arn: str) -> dict[str, Any]:
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn,
    }
    return {"Version": "2012-10-17", "Statement": [statement]}
