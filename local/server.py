"""The front: one HTTP server on 127.0.0.1 that speaks to every AWS client.

It hands a request to the service that answers it: ours for SageMaker and CloudWatch, moto for the rest. Operations are
found by name: a service's method `create_endpoint` answers CreateEndpoint. It must never hold the state of a service.
"""

import asyncio
import contextlib
import inspect
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web
from botocore import xform_name

from local import wire
from local.clock import Clock
from local.cloudwatch import CloudWatch
from local.context import Context
from local.errors import AwsError
from local.events import Events
from local.hosting import Hosting
from local.moto import Moto
from local.pipelines import Pipelines
from local.registry import Registry
from local.serving.faults import parse_fault
from local.tags import Tags
from local.unverified import DEFAULTS, Unverified

ACCOUNT = "111122223333"
LARGEST_BODY = 512 * 1024 * 1024
_TARGETS = {"SageMaker": "sagemaker", "GraniteServiceVersion20100801": "cloudwatch"}
_log = logging.getLogger("local")


@dataclass(frozen=True)
class Services:
    """Everything that answers: the owners of SageMaker's operations, CloudWatch, and moto."""

    sagemaker: tuple[object, ...]
    cloudwatch: CloudWatch
    hosting: Hosting
    moto: Moto

    def handler(self, service: str, operation: str) -> Any:
        """The method that answers an operation. Raises AwsError when nobody does."""
        owners = self.sagemaker if service == "sagemaker" else (self.cloudwatch,)
        for owner in owners:
            method = getattr(owner, xform_name(operation), None)
            if method is not None:
                return method
        raise AwsError("NotImplemented", f"The rehearsal has no {service}:{operation}.", 501)


@dataclass(frozen=True)
class Running:
    """A stand-in that is up: where it is, and its clock."""

    url: str
    context: Context
    services: Services


@contextlib.asynccontextmanager
async def running(
    state: Path,
    *,
    port: int = 0,
    speed: float = 1.0,
    seed: int | None = None,
    region: str = "us-east-1",
    unverified: Unverified = DEFAULTS,
) -> AsyncIterator[Running]:
    """SageMaker on 127.0.0.1:`port` (0: any free one) while the block runs; every process it started ends with it.

    Raises OSError when the port is taken.
    """
    clock = Clock(speed)
    front = _Front(clock)
    runner = web.AppRunner(front.application(), access_log=None, handler_cancellation=False, shutdown_timeout=1)
    async with contextlib.AsyncExitStack() as stack:
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        site = web.TCPSite(runner, "127.0.0.1", port)
        await site.start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        services, context, background = _build(clock, url, state, region, seed, unverified)
        stack.callback(services.moto.stop)
        session = aiohttp.ClientSession(auto_decompress=False, timeout=aiohttp.ClientTimeout(total=None))
        await stack.enter_async_context(session)
        front.open(services, session)
        for service in services.sagemaker:
            if isinstance(service, Hosting | Pipelines):
                stack.push_async_callback(service.close)
        tasks = [asyncio.create_task(work) for work in background]
        stack.push_async_callback(_cancel, tasks)
        yield Running(url, context, services)


def _build(
    clock: Clock, url: str, state: Path, region: str, seed: int | None, unverified: Unverified
) -> tuple[Services, Context, list[Any]]:
    tags = Tags()
    events = Events(clock)
    moto = Moto()
    context = Context(clock, region, ACCOUNT, state, url, events.emit, moto.url, unverified)
    registry = Registry(context, tags.by_arn)
    cloudwatch = CloudWatch(context)
    hosting = Hosting(context, cloudwatch, registry.describe_model_package, tags=tags.by_arn, seed=seed)
    pipelines = Pipelines(context, registry.create_model_package)
    services = Services((registry, hosting, pipelines, tags), cloudwatch, hosting, moto)
    return services, context, [events.run(context.client), cloudwatch.run()]


async def _cancel(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    for outcome in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(outcome, Exception):
            _log.error("a background task of the stand-in had failed: %r", outcome)


class _Front:
    """Routes requests. Until the services are open it answers 503, which AWS clients retry."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._services: Services | None = None
        self._session: aiohttp.ClientSession | None = None

    def open(self, services: Services, session: aiohttp.ClientSession) -> None:
        self._services, self._session = services, session

    def application(self) -> web.Application:
        application = web.Application(client_max_size=LARGEST_BODY, middlewares=[self._answer])
        application.router.add_post("/endpoints/{name}/invocations", self._invoke)
        application.router.add_put("/_rehearsal/fault", self._fault)
        application.router.add_route("*", "/{path:.*}", self._route)
        return application

    @web.middleware
    async def _answer(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        """Every answer carries AWS's time; whatever goes wrong is an AWS error."""
        try:
            _no_browsers(request)
            response = await handler(request)
        except AwsError as error:
            response = _error(error)
        except web.HTTPException as error:
            response = _error(AwsError("ValidationException", error.reason, error.status))
        except (aiohttp.ClientError, ConnectionError) as error:
            response = _error(AwsError("ServiceUnavailable", f"A connection was lost: {error}", 503))
        except Exception:  # noqa: BLE001 - a bug in one operation must not end the server
            asked = request.headers.get("X-Amz-Target", request.path)
            _log.exception("%s failed", asked)
            response = _error(AwsError("InternalFailure", f"The stand-in failed in {asked}; its log has why.", 500))
        response.headers["Date"] = format_datetime(self._clock.now(), usegmt=True)
        return response

    async def _route(self, request: web.Request) -> web.Response:
        prefix, _, operation = request.headers.get("X-Amz-Target", "").partition(".")
        service, services = _TARGETS.get(prefix), self._opened()
        if service is None:
            _not_for_moto(request)
            return await services.moto.forward(self._session_(), request)
        parsed = wire.parse(service, operation, await request.read())
        result = services.handler(service, operation)(parsed)
        return _json(wire.serialise(await result if inspect.isawaitable(result) else result))

    async def _invoke(self, request: web.Request) -> web.Response:
        hosting = self._opened().hosting
        answer = await hosting.invoke_endpoint(request.match_info["name"], await request.read(), request.headers)
        return web.Response(status=answer.status, headers=answer.headers, body=answer.body)

    async def _fault(self, request: web.Request) -> web.Response:
        """Rehearsal only: give the containers of a model package a fault from now on. Not an AWS operation."""
        try:
            wanted: Mapping[str, str] = dict(await request.json())
            fault = parse_fault(wanted["fault"]) if wanted.get("fault") else None
            self._opened().hosting.set_fault(wanted["model_package_arn"], fault)
        except (ValueError, TypeError, KeyError) as error:
            raise AwsError("ValidationException", str(error)) from error
        return _json(b"{}")

    def _opened(self) -> Services:
        if self._services is None or self._session_().closed:
            raise AwsError("ServiceUnavailable", "The stand-in is starting, or ending.", 503)
        return self._services

    def _session_(self) -> aiohttp.ClientSession:
        assert self._session is not None
        return self._session


def _not_for_moto(request: web.Request) -> None:
    """Refuse CloudWatch requests in a protocol other than JSON: moto would answer them from metrics of its own."""
    if "/monitoring/" in request.headers.get("Authorization", ""):
        said = "The rehearsal speaks CloudWatch's JSON protocol only, as boto3 1.44 does: use a newer client."
        raise AwsError("NotImplemented", said, 501)


def _no_browsers(request: web.Request) -> None:
    """Refuse what a web page sends: a pipeline's steps are commands, and every page can reach 127.0.0.1.

    A page's requests carry an Origin; one that had its own name resolve to this machine carries that name as Host.
    """
    host = request.host.rpartition(":")[0] or request.host
    if "Origin" in request.headers or not (host in ("127.0.0.1", "localhost") or host.endswith(".localhost")):
        raise AwsError("AccessDenied", "The stand-in answers programs on this machine, not web pages.", 403)


def _json(body: bytes) -> web.Response:
    return web.Response(body=body, content_type="application/x-amz-json-1.1")


def _error(error: AwsError) -> web.Response:
    response = _json(wire.serialise({"__type": error.code, "message": error.message}))
    response.set_status(error.status)
    response.headers["x-amzn-ErrorType"] = error.code
    response.headers["x-amzn-query-error"] = f"{error.code};Sender"
    return response
