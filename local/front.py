"""The front: the HTTP server's one handler, which speaks to every AWS client.

It hands a request to the service that answers it: ours by name (a method `create_endpoint` answers CreateEndpoint),
moto for the rest. Whatever goes wrong is an AWS error. It must never know what an operation does.
"""

import inspect
import logging
import zlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from email.utils import format_datetime

import aiohttp
from aiohttp import web
from botocore import xform_name

from local import wire
from local.clock import Clock
from local.cloudwatch import CloudWatch
from local.context import Request, Response
from local.errors import AwsError
from local.faults import Faults
from local.faults.api import ApiFault, NoAnswerError, caller, under
from local.faults.web import add_routes, leave_unanswered
from local.hosting import Hosting
from local.moto import Moto
from local.wire import Answer, Asked, Router

LARGEST_BODY = 512 * 1024 * 1024
_ASKED = "asked"
_INVOKE = Asked("sagemaker-runtime", "InvokeEndpoint", "rest-json")
_log = logging.getLogger("local")

Handler = Callable[[Request], Response | Awaitable[Response | None] | None]


@dataclass(frozen=True)
class Services:
    """Everything that answers: who owns the operations of each of our services (botocore's name), and moto."""

    owners: Mapping[str, tuple[object, ...]]
    hosting: Hosting
    cloudwatch: CloudWatch
    moto: Moto

    def handler(self, asked: Asked) -> Handler:
        """The method that answers an operation. Raises AwsError when nobody does."""
        for owner in self.owners[asked.service or ""]:
            method: Handler | None = getattr(owner, xform_name(asked.operation or ""), None)
            if method is not None:
                return method
        raise AwsError("NotImplemented", f"The rehearsal has no {asked}.", 501)


class Front:
    """Routes requests. Until the services are open it answers 503, which AWS clients retry."""

    def __init__(self, clock: Clock, faults: Faults) -> None:
        self._clock = clock
        self._faults = faults
        self._services: Services | None = None
        self._router = Router(())
        self._session: aiohttp.ClientSession | None = None

    def open(self, services: Services, session: aiohttp.ClientSession) -> None:
        """Answer from these services from now on; `session` is the way to moto."""
        self._services, self._session, self._router = services, session, Router(services.owners)

    def application(self) -> web.Application:
        """The application to serve."""
        application = web.Application(client_max_size=LARGEST_BODY, middlewares=[self._answer])
        application.router.add_post("/endpoints/{name}/invocations", self._invoke)
        add_routes(application, self._faults)
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
            response = self._refuse(request, error)
        except NoAnswerError as error:
            response = await leave_unanswered(request, error)
        except web.HTTPException as error:
            response = self._refuse(request, AwsError("ValidationException", error.reason, error.status))
        except (aiohttp.ClientError, ConnectionError) as error:
            response = self._refuse(request, AwsError("ServiceUnavailable", f"A connection was lost: {error}", 503))
        except Exception:  # noqa: BLE001 - a bug in one operation must not end the server
            asked = request.headers.get("X-Amz-Target", request.path)
            _log.exception("%s failed", asked)
            said = f"The stand-in failed in {asked}; its log has why."
            response = self._refuse(request, AwsError("InternalFailure", said, 500))
        response.headers["Date"] = format_datetime(self._clock.now(), usegmt=True)
        return response

    def _refuse(self, request: web.Request, error: AwsError) -> web.Response:
        return _response(wire.refuse(request.get(_ASKED) or self._asked(request, b""), error))

    def _asked(self, request: web.Request, body: bytes) -> Asked:
        return self._router.route(request.method, request.path, request.query_string, request.headers, body)

    async def _route(self, request: web.Request) -> web.Response:
        services, body = self._opened(), await request.read()
        asked = request[_ASKED] = self._asked(request, body)

        async def perform() -> web.Response:
            if asked.service not in services.owners:
                return await services.moto.forward(self._session_(), request, asked)
            sent = request.query_string.encode() if request.method == "GET" else _decompressed(request, body)
            return _response(wire.serialise(asked, await self._perform(services, asked, sent)))

        return await self._under_faults(request, asked, perform)

    async def _perform(self, services: Services, asked: Asked, body: bytes) -> Response | None:
        """Ask one of our services."""
        if asked.protocol == "rest-json":
            raise AwsError("NotImplemented", f"The rehearsal has no {asked}.", 501)
        members = wire.parse(asked, body)
        result = services.handler(asked)(members)
        return await result if inspect.isawaitable(result) else result

    async def _invoke(self, request: web.Request) -> web.Response:
        hosting = self._opened().hosting

        async def perform() -> web.Response:
            answer = await hosting.invoke_endpoint(request.match_info["name"], await request.read(), request.headers)
            return web.Response(status=answer.status, headers=answer.headers, body=answer.body)

        return await self._under_faults(request, _INVOKE, perform)

    async def _under_faults(
        self, request: web.Request, asked: Asked, perform: Callable[[], Awaitable[web.Response]]
    ) -> web.Response:
        """Perform an operation of whatever service as far as the faults of its caller let it."""
        faults = self._faults.of(ApiFault, caller(request.headers))
        if not faults:
            return await perform()
        service = asked.service or "s3"
        operation = asked.operation or wire.rest_operation(
            service, request.method, request.path, request.query_string, request.headers
        )
        return await under(faults, service, operation or "", perform)

    def _opened(self) -> Services:
        if self._services is None or self._session_().closed:
            raise AwsError("ServiceUnavailable", "The stand-in is starting, or ending.", 503)
        return self._services

    def _session_(self) -> aiohttp.ClientSession:
        assert self._session is not None
        return self._session


def _no_browsers(request: web.Request) -> None:
    """Refuse what a web page sends: a pipeline's steps are commands, and every page can reach 127.0.0.1.

    A page's requests carry an Origin; one that had its own name resolve to this machine carries that name as Host.
    """
    host = request.host.rpartition(":")[0] or request.host
    if "Origin" in request.headers or not (host in ("127.0.0.1", "localhost") or host.endswith(".localhost")):
        raise AwsError("AccessDenied", "The stand-in answers programs on this machine, not web pages.", 403)


def _decompressed(request: web.Request, body: bytes) -> bytes:
    if request.headers.get("Content-Encoding") != "gzip":
        return body
    stream = zlib.decompressobj(zlib.MAX_WBITS | 16)
    try:
        plain = stream.decompress(body, LARGEST_BODY)
    except zlib.error as error:
        raise AwsError(
            "SerializationException", f"The request is not gzip, as its Content-Encoding says: {error}"
        ) from error
    if not stream.eof:
        raise AwsError(
            "SerializationException", f"The request's gzip is cut short, or larger than {LARGEST_BODY} bytes."
        )
    return plain


def _response(answer: Answer) -> web.Response:
    return web.Response(body=answer.body, status=answer.status, headers=answer.headers)
