"""InvokeEndpoint: choose a variant, a fleet and an instance, ask its container, measure, answer.

Sources: the API reference of InvokeEndpoint; the developer guide, "Monitor SageMaker with CloudWatch" (which metric is
0 or 1 when, microseconds, both sets of dimensions). It must never change what an endpoint runs.
"""

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass

import aiohttp

from local.cloudwatch import CloudWatch
from local.context import Context
from local.errors import AwsError
from local.faults.container import RequestFailedError
from local.faults.hosting import CommonCause, Split
from local.hosting.dice import Croupier, Dice, chosen
from local.hosting.endpoint import Endpoint
from local.hosting.exchange import Exchange, Reply
from local.hosting.fleet import Variant
from local.hosting.launcher import Launcher

LARGEST_BODY = 6 * 1024 * 1024
TIMEOUT_SECONDS = 60
"""How long a container may take to answer. Real time: so is its work."""

NAMESPACE = "AWS/SageMaker"
TARGET_VARIANT = "X-Amzn-SageMaker-Target-Variant"
CUSTOM_ATTRIBUTES = "X-Amzn-SageMaker-Custom-Attributes"
INVOKED_VARIANT = "x-Amzn-Invoked-Production-Variant"

_FORWARDED = ("Content-Type", "Accept", CUSTOM_ATTRIBUTES)
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

    def __init__(self, context: Context, cloudwatch: CloudWatch, launcher: Launcher, croupier: Croupier) -> None:
        self._context = context
        self._elapsed = context.clock.elapsed
        self._cloudwatch = cloudwatch
        self._launcher = launcher
        self._croupier = croupier
        self._timeout = aiohttp.ClientTimeout(total=TIMEOUT_SECONDS)

    async def invoke(self, endpoint: Endpoint, body: bytes, headers: Mapping[str, str]) -> InvokeResponse:
        """Answer one request; a container that fails is a ModelError, HTTP 424.

        Raises AwsError ValidationError when the request itself cannot be served.
        """
        if len(body) > LARGEST_BODY:
            raise AwsError(
                "ValidationError",
                "1 validation error detected: Value at 'body' failed to satisfy constraint: "
                f"Member must have length less than or equal to {LARGEST_BODY}",
            )
        dice = self._croupier.dice(endpoint.name)
        variant = self._choose(endpoint, headers.get(TARGET_VARIANT), dice)
        reply = await self.exchange(variant, body, headers, dice)
        return self._success(variant, reply) if reply.good else self._failure(endpoint, reply)

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
        splits = self._launcher.faults.of(Split, endpoint.name)
        return endpoint.route(name, dice.roll("fleet"), wrongly=splits[-1].share if splits else None)

    async def _ask(self, variant: Variant, body: bytes, headers: Mapping[str, str], dice: Dice) -> Reply:
        instance = variant.pick(dice)
        if instance is None:
            return Reply(0, {}, b"no instance of the variant is in service", 0.0)
        forwarded = {name: headers[name] for name in _FORWARDED if name in headers}
        sent = self._elapsed()
        try:
            with instance.request():
                for cause in self._launcher.faults.of(CommonCause, variant.place.endpoint):
                    await cause.before(body)
                http = self._launcher.http
                async with http.post(
                    instance.invocations, data=body, headers=forwarded, timeout=self._timeout
                ) as answer:
                    said = await answer.read()
                return Reply(answer.status, answer.headers, said, self._elapsed() - sent)
        except RequestFailedError:
            return Reply(500, {}, b"Internal Server Error", self._elapsed() - sent)
        except TimeoutError:
            return Reply(0, {}, _TIMED_OUT.encode(), self._elapsed() - sent)
        except aiohttp.ClientError as error:
            why = f"the container did not answer: {error}"
            return Reply(0, {}, why.encode(), self._elapsed() - sent)

    def _success(self, variant: Variant, reply: Reply) -> InvokeResponse:
        headers = {INVOKED_VARIANT: variant.place.variant}
        for name in ("Content-Type", CUSTOM_ATTRIBUTES):
            if name in reply.headers:
                headers[name] = reply.headers[name]
        return InvokeResponse(200, headers, reply.body)

    def _failure(self, endpoint: Endpoint, reply: Reply) -> InvokeResponse:
        said = reply.body.decode(errors="replace")
        group = f"/aws/sagemaker/Endpoints/{endpoint.name}"
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
        headers = {"Content-Type": "application/json", "x-amzn-ErrorType": "ModelError"}
        return InvokeResponse(424, headers, json.dumps(error).encode())

    def _measure(self, variant: Variant, reply: Reply, seconds: float) -> None:
        client_error = 400 <= reply.status < 500
        samples = (
            ("Invocations", 1.0, "None"),
            ("InvocationsPerInstance", 1 / max(len(variant.instances), 1), "None"),
            ("Invocation4XXErrors", float(client_error), "None"),
            ("Invocation5XXErrors", float(not (reply.good or client_error)), "None"),
            ("InvocationModelErrors", float(not reply.good), "None"),
            ("ModelLatency", float(round(reply.seconds * 1e6)), "Microseconds"),
            ("OverheadLatency", float(round(max(seconds - reply.seconds, 0) * 1e6)), "Microseconds"),
        )
        for dimensions in variant.dimensions:
            for metric, value, unit in samples:
                self._cloudwatch.record(NAMESPACE, metric, dimensions, value, unit)


def _by_weight(variants: Mapping[str, Variant], dice: Dice) -> str:
    names = list(variants)
    if len(names) == 1:
        return names[0]
    return chosen(names, dice.roll("variant"), [variant.weight for variant in variants.values()])
