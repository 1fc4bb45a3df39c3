"""InvokeEndpoint: choose a variant, a fleet and an instance, ask its container, measure, answer.

Sources: the API reference of InvokeEndpoint; the developer guide, "Monitor SageMaker with CloudWatch" (which metric is
0 or 1 when, microseconds, both sets of dimensions). It must never change what an endpoint runs.
"""

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from local.cloudwatch import CloudWatch
from local.context import Context
from local.errors import AwsError
from local.faults import Faults
from local.faults.container import RequestFailedError
from local.faults.hosting import CommonCause, Split
from local.hosting.dice import Croupier, Dice, chosen
from local.hosting.endpoint import Endpoint
from local.hosting.exchange import Exchange, Reply
from local.hosting.fleet import Variant
from local.hosting.invocation_request import (
    ACCEPT,
    CONTENT_TYPE,
    CUSTOM_ATTRIBUTES,
    LARGEST_BODY,
    TARGET_VARIANT,
    check_request,
)
from local.hosting.launcher import log_group

if TYPE_CHECKING:
    from local.cloudwatch.publishing import Publisher

TIMEOUT_SECONDS = 60.0
"""How long a container may take to answer. Real time: so is its work."""

NAMESPACE = "AWS/SageMaker"
METRICS = {
    "Invocations": "None",
    "InvocationsPerInstance": "None",
    "Invocation4XXErrors": "None",
    "Invocation5XXErrors": "None",
    "InvocationModelErrors": "None",
    "ModelLatency": "Microseconds",
    "OverheadLatency": "Microseconds",
}
INVOKED_VARIANT = "x-Amzn-Invoked-Production-Variant"

_FORWARDED = (CONTENT_TYPE, ACCEPT, CUSTOM_ATTRIBUTES)
_RETURNED = (CONTENT_TYPE, CUSTOM_ATTRIBUTES)
_TIMED_OUT = (
    "Your invocation timed out while waiting for a response from container primary. Review the latency metrics for "
    "each container in Amazon CloudWatch, resolve the issue, and try again."
)


@dataclass(frozen=True)
class InvokeResponse:
    """An HTTP response of sagemaker-runtime."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Router:
    """Routes requests at random: between variants by weight, between fleets by capacity, between instances evenly."""

    def __init__(self, context: Context, cloudwatch: CloudWatch, faults: Faults, croupier: Croupier) -> None:
        self._context = context
        self._elapsed = context.clock.elapsed
        self._cloudwatch = cloudwatch
        self._faults = faults
        self._croupier = croupier
        self._within = TIMEOUT_SECONDS
        self._publishers: WeakKeyDictionary[Variant, Publisher] = WeakKeyDictionary()

    async def invoke(self, endpoint: Endpoint, body: bytes, headers: Mapping[str, str]) -> InvokeResponse:
        """Answer one request; a container that fails is a ModelError, HTTP 424.

        Raises AwsError when the request itself cannot be served.
        """
        check_request(endpoint.name, body, headers)
        dice = self._croupier.dice(endpoint.name)
        variant = self._choose(endpoint, headers.get(TARGET_VARIANT), dice)
        reply = await self.exchange(variant, body, headers, dice)
        return _success(variant, reply) if reply.good else self._failure(endpoint, reply)

    async def exchange(
        self, variant: Variant, body: bytes, headers: Mapping[str, str], dice: Dice, event_id: str | None = None
    ) -> Reply:
        """Ask a variant, measure it, tell its observers. `event_id` names what is captured; None: a name of its own."""
        began = self._elapsed()
        reply = await self._ask(variant, body, headers, dice)
        self._measure(variant, reply, self._elapsed() - began)
        if variant.observers:
            exchange = Exchange(event_id or str(uuid.uuid4()), body, headers, reply, dice)
            for observe in variant.observers:
                observe(exchange)
        return reply

    def _choose(self, endpoint: Endpoint, target: str | None, dice: Dice) -> Variant:
        variants = endpoint.offered
        if target is not None and target not in variants:
            raise AwsError("ValidationError", f"Variant {target} not found for endpoint {endpoint.name}.")
        name = target or _by_weight(variants, dice)
        splits = self._faults.of(Split, endpoint.name)
        return endpoint.route(name, dice.roll("fleet"), wrongly=splits[-1].share if splits else None)

    async def _ask(self, variant: Variant, body: bytes, headers: Mapping[str, str], dice: Dice) -> Reply:
        sent = self._elapsed()

        def reply(status: int, said: bytes, headers: Mapping[str, str]) -> Reply:
            return Reply(status, headers, said, self._elapsed() - sent)

        try:
            for cause in self._faults.of(CommonCause, variant.place.endpoint):
                await cause.before(body)
            instance = variant.pick(dice)
            if instance is None:
                raise ConnectionError("no instance of the variant is in service")
            forwarded = {name: headers[name] for name in _FORWARDED if name in headers}
            answer = await instance.ask(body, forwarded, self._within)
            if len(answer.body) > LARGEST_BODY:
                raise ConnectionError(f"its answer has {len(answer.body)} bytes; {LARGEST_BODY} are the most")
            return reply(answer.status, answer.body, answer.headers)
        except RequestFailedError:
            return reply(500, b"Internal Server Error", {})
        except TimeoutError:
            return reply(0, _TIMED_OUT.encode(), {})
        except ConnectionError as error:
            why = f"Amazon SageMaker could not get a response from the {variant.place.endpoint} endpoint: {error}."
            return reply(0, why.encode(), {})

    def _failure(self, endpoint: Endpoint, reply: Reply) -> InvokeResponse:
        said = reply.body.decode(errors="replace")
        group = log_group(endpoint.name)
        region, account = self._context.region, self._context.account
        who = "client" if 400 <= reply.status < 500 else "server"
        error = {
            "Message": (
                f'Received {who} error ({reply.status}) from primary with message "{said}". See '
                f"https://{region}.console.aws.amazon.com/cloudwatch/home?region={region}#logEventViewer:group={group} "
                f"in account {account} for more information."
            ),
            "OriginalStatusCode": reply.status,
            "OriginalMessage": said,
            "LogStreamArn": f"arn:aws:logs:{region}:{account}:log-group:{group}",
        }
        headers = {CONTENT_TYPE: "application/json", "x-amzn-ErrorType": "ModelError"}
        return InvokeResponse(424, headers, json.dumps(error).encode())

    def _measure(self, variant: Variant, reply: Reply, seconds: float) -> None:
        publisher = self._publishers.get(variant)
        if publisher is None:
            publisher = self._cloudwatch.publisher(NAMESPACE, list(variant.dimensions), METRICS)
            self._publishers[variant] = publisher
        client_error = 400 <= reply.status < 500
        publisher.publish(
            1.0,
            1 / max(len(variant.instances), 1),
            float(client_error),
            float(not (reply.good or client_error)),
            float(not reply.good),
            microseconds(reply.seconds),
            microseconds(max(seconds - reply.seconds, 0.0)),
        )


def microseconds(seconds: float) -> float:
    """Three digits of it: few distinct values hold the latencies of any number of requests in little memory."""
    exact = round(seconds * 1e6)
    step = 10 ** max(len(str(exact)) - 3, 0)
    return float((exact + step // 2) // step * step)


def _success(variant: Variant, reply: Reply) -> InvokeResponse:
    headers = {INVOKED_VARIANT: variant.place.variant}
    headers.update((name, reply.headers[name]) for name in _RETURNED if name in reply.headers)
    return InvokeResponse(200, headers, reply.body)


def _by_weight(variants: Mapping[str, Variant], dice: Dice) -> str:
    names = list(variants)
    if len(names) == 1:
        return names[0]
    return chosen(names, dice.roll("variant"), [variant.weight for variant in variants.values()])
