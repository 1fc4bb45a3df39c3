"""moto, for the services it does well (S3, SQS, EventBridge rules, STS, IAM, Logs), behind the same front.

Requests are passed on byte for byte. moto is of this stand-in's account, and where its time matters, of its clock. It
must never be asked for an operation that this stand-in answers itself.
"""

import logging
import os
from typing import Any

import aiohttp
from aiohttp import web
from moto.logs import models as logs_models
from moto.server import ThreadedMotoServer

from local.clock import Clock
from local.context import ACCOUNT
from local.errors import AwsError
from local.events import rules

HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-encoding", "content-length", "date", "server"}


class Moto:
    """A moto server on a free port of 127.0.0.1, and the way to it. Without a clock it keeps the real time."""

    def __init__(self, clock: Clock | None = None) -> None:
        os.environ["MOTO_ACCOUNT_ID"] = ACCOUNT
        now = clock or Clock()
        logs_models.utcnow = lambda: now.now().replace(tzinfo=None)  # it refuses log events from two hours ahead
        rules.install()
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        self._server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        self._server.start()
        self.url = "http://{}:{}".format(*self._server.get_host_and_port())

    async def forward(self, session: aiohttp.ClientSession, request: web.Request) -> web.Response:
        """moto's answer to the request. What moto has not implemented is an AWS error rather than its HTML page."""
        async with session.request(
            request.method,
            self.url + request.raw_path,
            headers={name: value for name, value in request.headers.items() if name.lower() != "transfer-encoding"},
            data=await request.read(),
            allow_redirects=False,
            skip_auto_headers=("User-Agent", "Content-Type", "Accept", "Accept-Encoding"),
        ) as answer:
            body = await answer.read()
            if answer.status >= 500 and b"NotImplemented" in body:
                operation = request.headers.get("X-Amz-Target", request.path)
                raise AwsError("NotImplemented", f"The rehearsal has no {operation}.", 501)
            headers: dict[str, Any] = {k: v for k, v in answer.headers.items() if k.lower() not in HOP_BY_HOP}
            if request.method == "HEAD":
                headers["Content-Length"] = answer.headers.get("Content-Length", "0")
            return web.Response(status=answer.status, body=body, headers=headers)

    def stop(self) -> None:
        """End the server."""
        self._server.stop()
