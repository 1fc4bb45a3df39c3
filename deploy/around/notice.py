"""Who is told of an outcome: an SNS topic in words, an EventBridge bus as an event. Pure.

A good or a bad end is told once, when it is recorded; what a person has to do something about is told by every run.
"""

import json
from dataclasses import replace

from deploy.calls import Call
from deploy.decision import Decision, Outcome
from deploy.observe import Observation
from deploy.policy import Policy

SOURCE = "guarded-rollout"
DETAIL_TYPE = "Guarded Rollout Outcome"
RECORDED = frozenset({Outcome.CREATED, Outcome.PROMOTED, Outcome.ROLLED_BACK})
LONGEST_SUBJECT = 100


def told(policy: Policy, seen: Observation, decision: Decision) -> Decision:
    """The decision with the requests that tell its outcome."""
    if decision.outcome is None or policy.notify is None:
        return decision
    if decision.outcome in RECORDED and not any(call.operation == "UpdateModelPackage" for call in decision.calls):
        return decision
    calls = []
    if policy.notify.topic_arn:
        calls.append(_message(policy, seen, decision, policy.notify.topic_arn))
    if policy.notify.event_bus:
        calls.append(_event(policy, seen, decision, policy.notify.event_bus))
    return replace(decision, calls=(*decision.calls, *calls))


def _message(policy: Policy, seen: Observation, decision: Decision, topic: str) -> Call:
    subject = f"{policy.stage}: version {seen.package.version} of {seen.package.group} {decision.outcome}"
    parameters = {
        "TopicArn": topic,
        "Subject": subject[:LONGEST_SUBJECT],
        "Message": "\n".join([seen.package.arn, *decision.reasons]),
    }
    return Call("sns", "Publish", parameters, topic, "tell the outcome", optional=True)


def _event(policy: Policy, seen: Observation, decision: Decision, bus: str) -> Call:
    detail = {
        "stage": policy.stage,
        "endpoint": policy.endpoint.name,
        "outcome": str(decision.outcome),
        "modelPackageArn": seen.package.arn,
        "reasons": list(decision.reasons),
    }
    entry = {
        "Source": SOURCE,
        "DetailType": DETAIL_TYPE,
        "Resources": [seen.package.arn],
        "Detail": json.dumps(detail),
        "EventBusName": bus,
    }
    return Call("events", "PutEvents", {"Entries": [entry]}, bus, "tell the outcome", optional=True)
