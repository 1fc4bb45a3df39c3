"""Keep-alive HTTP connections to one model server, cheap enough for thousands of requests a second.

httptools, the parser of Node, reads the answers; a connection carries one request at a time. It must never ask twice:
a container may have acted on what it did not answer.
"""

import asyncio
from collections.abc import Mapping
from typing import cast

import httptools
from multidict import CIMultiDict

from local.serving.answer import Answer


class Connections:
    """Connections to a port of 127.0.0.1: as many as there are requests under way, kept for the next ones."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._open: set[_Connection] = set()
        self._idle: list[_Connection] = []

    async def ask(self, method: str, path: str, headers: Mapping[str, str], body: bytes = b"") -> Answer:
        """The answer, its headers found whatever their case. Raises ConnectionError when none came."""
        lines = [f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{self._port}\r\nContent-Length: {len(body)}\r\n"]
        lines += [f"{name}: {value}\r\n" for name, value in headers.items()]
        connection = self._idle.pop() if self._idle else await self._connect()
        try:
            answer = await connection.ask("".join((*lines, "\r\n")).encode("utf-8", "surrogateescape") + body)
        except BaseException:
            connection.close()
            raise
        if connection in self._open:
            self._idle.append(connection)
        return answer

    def close(self) -> None:
        """Close every connection; a request that is under way raises ConnectionError."""
        for connection in list(self._open):
            connection.close()

    async def _connect(self) -> "_Connection":
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(lambda: _Connection(self), "127.0.0.1", self._port)
        return connection

    def opened(self, connection: "_Connection") -> None:
        """A connection is there."""
        self._open.add(connection)

    def closed(self, connection: "_Connection") -> None:
        """A connection is gone, whoever ended it."""
        self._open.discard(connection)
        if connection in self._idle:
            self._idle.remove(connection)


class _Connection(asyncio.Protocol):
    """One connection; the methods that begin with `on_` are called by the parser."""

    def __init__(self, pool: Connections) -> None:
        self._pool = pool
        self._parser = httptools.HttpResponseParser(self)
        self._answered: asyncio.Future[Answer] | None = None
        self._headers: CIMultiDict[str] = CIMultiDict()
        self._body = b""

    async def ask(self, request: bytes) -> Answer:
        self._answered = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._answered

    def close(self) -> None:
        self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._pool.opened(self)

    def connection_lost(self, error: Exception | None) -> None:
        self._pool.closed(self)
        self._fail(ConnectionResetError("the connection ended before the answer did"))

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._fail(ConnectionError(f"what it said is not HTTP: {error}"))
            self.close()

    def on_message_begin(self) -> None:
        self._headers = CIMultiDict()
        self._body = b""

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers.add(name.decode("latin-1"), value.decode("utf-8", "surrogateescape"))

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        if self._answered is not None and not self._answered.done():
            self._answered.set_result(Answer(self._parser.get_status_code(), self._headers, self._body))

    def _fail(self, error: ConnectionError) -> None:
        if self._answered is not None and not self._answered.done():
            self._answered.set_exception(error)
