"""moto, for the services it does well (S3, SQS, SNS, EventBridge rules, STS, IAM, Logs), behind the same front.

Requests are passed on byte for byte. moto is of this stand-in's account, and where its time matters, of its clock. It
must never be asked for an operation that this stand-in answers itself.
"""

import functools
import logging
import os
from typing import Any

import aiohttp
from aiohttp import web
from moto.backend_index import backend_url_patterns
from moto.logs import models as logs_models
from moto.moto_server.werkzeug_app import SIGNING_ALIASES
from moto.server import ThreadedMotoServer

from local.clock import Clock
from local.context import ACCOUNT
from local.errors import AwsError
from local.events import rules
from local.wire import Asked

HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-encoding", "content-length", "date", "server"}


class Moto:
    """A moto server on a free port of 127.0.0.1, and the way to it. Without a clock it keeps the real time."""

    def __init__(self, clock: Clock | None = None) -> None:
        os.environ["MOTO_ACCOUNT_ID"] = ACCOUNT
        now = clock or Clock()
        logs_models.utcnow = lambda: now.now().replace(tzinfo=None)  # it refuses log events from two hours ahead
        rules.install()
        werkzeug = logging.getLogger("werkzeug")
        werkzeug.setLevel(logging.ERROR)
        werkzeug.addFilter(_is_a_failure)
        self._server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        self._server.start()
        self.url = "http://{}:{}".format(*self._server.get_host_and_port())

    async def forward(self, session: aiohttp.ClientSession, request: web.Request, asked: Asked) -> web.Response:
        """moto's answer to the request.

        Raises AwsError for a service or operation moto lacks: it would answer as S3, or with a web page.
        """
        if asked.service is not None and not _has_backend(asked.service):
            raise AwsError("NotImplemented", f"The rehearsal has no service {asked.service}.", 501)
        async with session.request(
            request.method,
            self.url + request.raw_path,
            headers={name: value for name, value in request.headers.items() if name.lower() != "transfer-encoding"},
            data=await request.read(),
            allow_redirects=False,
            skip_auto_headers=("User-Agent", "Content-Type", "Accept", "Accept-Encoding"),
        ) as answer:
            body = await answer.read()
            if answer.status >= 400 and answer.content_type == "text/html":
                said = (
                    f"The rehearsal has no {asked}; or moto, which answers for it here, failed: then its log has why."
                )
                raise AwsError("NotImplemented", said, 501)
            headers: dict[str, Any] = {k: v for k, v in answer.headers.items() if k.lower() not in HOP_BY_HOP}
            if request.method == "HEAD":
                headers["Content-Length"] = answer.headers.get("Content-Length", "0")
            return web.Response(status=answer.status, body=body, headers=headers)

    def stop(self) -> None:
        """End the server."""
        self._server.stop()


@functools.cache
def _has_backend(service: str) -> bool:
    """Whether moto knows the service, by its signing name, at any address that AWS gives its services."""
    name = SIGNING_ALIASES.get(service, service)
    domains = ("us-east-1.amazonaws.com", "us-east-1.api.aws", "amazonaws.com")
    urls = [f"https://{kind}{name}.{domain}" for kind in ("", "api.", "data.", "ingest.") for domain in domains]
    return any(pattern.match(url) for _, pattern in backend_url_patterns for url in urls)


def _is_a_failure(record: logging.LogRecord) -> bool:
    """Whether what moto logs is more than an operation that it lacks: of that the client is told."""
    return "NotImplementedError" not in record.getMessage()
