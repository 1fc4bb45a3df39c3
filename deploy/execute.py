"""The reconcile loop, and the one place where a request that changes something is sent. It decides nothing.

One loop serves apply and rollback: they differ in how they look and how they judge.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Protocol, TypeVar

from botocore import xform_name
from botocore.exceptions import ClientError

from deploy.aws import Aws
from deploy.calls import Call
from deploy.clock import Clock
from deploy.decision import Decision, Evidence
from deploy.errors import code, explain
from deploy.observe import Alarm, Endpoint

POLL = 20
"""AWS seconds between looks while SageMaker works. A look is DescribeEndpoint and DescribeAlarms: 6 calls a minute."""

PATIENCE = 3
"""How often a request may be refused for the state things are in before the refusal is believed."""

STATE_ERRORS = frozenset({"ValidationException", "ConflictException", "ResourceInUse", "ResourceInUseException"})
"""Refusals that looking again may explain: it exists already, it is being updated, or it is not visible yet."""


class Seen(Protocol):
    """What the loop itself needs of an observation."""

    @property
    def alarms(self) -> tuple[Alarm, ...]:
        """The rollout's alarms."""
        ...

    @property
    def endpoint(self) -> Endpoint | None:
        """The endpoint, when there is one."""
        ...


S = TypeVar("S", bound=Seen)


def reconcile(
    aws: Aws,
    clock: Clock,
    look: Callable[[S | None], S],
    judge: Callable[[S, Evidence, datetime], Decision],
    say: Callable[[S, Decision], None],
    patience: timedelta | None = None,
) -> Decision:
    """Look, judge, act, until the judgement is an outcome and its requests are sent.

    `look` gets the last observation, so that it may read less while only an update is waited for. The judgement knows
    when `patience` ends.
    """
    evidence = Evidence()
    refusals: dict[tuple[str, str], int] = {}
    seen: S | None = None
    while True:
        seen = look(seen)
        evidence = evidence.witness(seen.alarms, seen.endpoint.failure if seen.endpoint else "")
        if patience is not None and evidence.deadline is None:
            evidence = replace(evidence, deadline=clock.now() + patience)
        decision = judge(seen, evidence, clock.now())
        say(seen, decision)
        refused = False
        for call in decision.calls:
            try:
                send(aws, call)
            except ClientError as error:
                if call.optional:
                    decision = replace(decision, reasons=(*decision.reasons, f"Not done: {explain(error)}"))
                    continue
                refusals[call.key] = refusals.get(call.key, 0) + 1
                if code(error) not in STATE_ERRORS or refusals[call.key] >= PATIENCE:
                    raise
                refused = True
                break
            if call.operation in {"CreateEndpoint", "UpdateEndpoint"}:
                evidence = replace(evidence, sent={**evidence.sent, call.parameters["EndpointConfigName"]: clock.now()})
        if decision.outcome and not refused:
            return decision
        if refused or not decision.calls:
            clock.wait(POLL)


def send(aws: Aws, call: Call) -> None:
    """Send one request."""
    client: Any = getattr(aws, call.service)
    getattr(client, xform_name(call.operation))(**call.parameters)
