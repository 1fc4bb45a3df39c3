"""The person who approves, and the event that follows: an EventBridge rule with a queue, as a release pipeline has.

Approval and event go through the same AWS operations anyone uses. It must never choose which package to deploy: the
event says so.
"""

import json
import time
from dataclasses import dataclass
from typing import Any

QUEUE = "release"
LOOK_EVERY_SECONDS = 0.05  # real seconds: long polling would cost a second an approval
PATTERN = {
    "source": ["aws.sagemaker"],
    "detail-type": ["SageMaker Model Package State Change"],
    "detail": {"ModelApprovalStatus": ["Approved"], "UpdatedModelPackageFields": ["ModelApprovalStatus"]},
}


@dataclass(frozen=True)
class Release:
    """The queue that approvals of one package group arrive in."""

    sqs: Any
    queue_url: str

    def next_approved(self, seconds: float) -> str | None:
        """The ARN in the next approval event; None when none came in that many real seconds."""
        deadline = time.monotonic() + seconds
        while True:
            received = self.sqs.receive_message(QueueUrl=self.queue_url, MaxNumberOfMessages=1)
            for message in received.get("Messages", []):
                self.sqs.delete_message(QueueUrl=self.queue_url, ReceiptHandle=message["ReceiptHandle"])
                return str(json.loads(message["Body"])["detail"]["ModelPackageArn"])
            if time.monotonic() >= deadline:
                return None
            time.sleep(LOOK_EVERY_SECONDS)


def listen(events: Any, sqs: Any, group: str) -> Release:
    """Make the rule and its queue."""
    url = sqs.create_queue(QueueName=QUEUE)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    pattern = {**PATTERN, "detail": {**PATTERN["detail"], "ModelPackageGroupName": [group]}}  # type: ignore[dict-item]
    events.put_rule(Name=QUEUE, EventPattern=json.dumps(pattern))
    events.put_targets(Rule=QUEUE, Targets=[{"Id": QUEUE, "Arn": arn}])
    return Release(sqs, url)


def approve(sagemaker: Any, arn: str, because: str) -> None:
    """A person's approval in the Model Registry."""
    sagemaker.update_model_package(ModelPackageArn=arn, ModelApprovalStatus="Approved", ApprovalDescription=because)
