"""The connections to a model server: kept while they are good, and never trusted with a second answer."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from local.serving.connection import Connections

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: text/csv\r\nContent-Length: 2\r\n\r\n1\n"


def against(say: Callable[[bytes], list[bytes] | None], story: Callable[[Connections], Awaitable[None]]) -> int:
    """Run a story against a server that answers each request in pieces, or hangs up for None; connections it saw."""

    async def go() -> int:
        seen = 0

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal seen
            seen += 1
            while (head := await reader.readuntil(b"\r\n\r\n")) and (pieces := say(head)) is not None:
                await reader.readexactly(int(head.split(b"Content-Length: ")[1].split(b"\r\n")[0]))
                for piece in pieces:
                    writer.write(piece)
                    await writer.drain()
                    await asyncio.sleep(0)
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        connections = Connections(server.sockets[0].getsockname()[1])
        await story(connections)
        connections.close()
        server.close()
        return seen

    return asyncio.run(go())


def test_one_connection_carries_one_request_after_the_other_and_two_those_at_once():
    async def story(connections: Connections) -> None:
        for _ in range(3):
            answer = await connections.ask("POST", "/invocations", {"Accept": "text/csv"}, b"1,2")
            assert (answer.status, answer.headers["content-type"], answer.body) == (200, "text/csv", b"1\n")
        await asyncio.gather(*(connections.ask("POST", "/invocations", {}, b"1,2") for _ in range(2)))

    assert against(lambda head: [ANSWER], story) == 2


@pytest.mark.parametrize(
    "pieces",
    [
        [bytes([byte]) for byte in ANSWER],
        [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\n1\r\n1\r\n\n\r\n0\r\n\r\n"],
    ],
    ids=["byte by byte", "chunked"],
)
def test_an_answer_may_come_in_pieces(pieces):
    async def story(connections: Connections) -> None:
        assert (await connections.ask("GET", "/ping", {})).body == b"1\n"

    against(lambda head: pieces, story)


@pytest.mark.parametrize(
    ("pieces", "message"),
    [
        (None, "ended before the answer did"),
        ([b"nonsense\r\n\r\n"], "is not HTTP"),
    ],
    ids=["hangs up", "not HTTP"],
)
def test_no_answer_is_a_connection_error_and_its_connection_is_not_used_again(pieces, message):
    asked = []

    def say(head: bytes) -> list[bytes] | None:
        asked.append(head)
        return [ANSWER] if len(asked) > 1 else pieces

    async def story(connections: Connections) -> None:
        with pytest.raises(ConnectionError, match=message):
            await connections.ask("POST", "/invocations", {}, b"1")
        assert (await connections.ask("POST", "/invocations", {}, b"1")).status == 200

    assert against(say, story) == 2


def test_a_request_that_was_given_up_leaves_its_connection_to_nobody():
    """Its answer, when it comes after all, would be taken for the next request's."""
    asked = []

    def say(head: bytes) -> list[bytes]:
        asked.append(head)
        return [ANSWER] if len(asked) > 1 else []

    async def story(connections: Connections) -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await connections.ask("POST", "/invocations", {}, b"1")
        assert (await connections.ask("POST", "/invocations", {}, b"1")).status == 200

    assert against(say, story) == 2


def test_a_connection_that_the_server_closed_while_it_was_idle_is_replaced():
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(ANSWER)
        writer.close()

    async def go() -> None:
        async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
            connections = Connections(server.sockets[0].getsockname()[1])
            assert (await connections.ask("GET", "/ping", {})).status == 200
            async with asyncio.timeout(5):
                while connections._idle:  # noqa: ASYNC110 - its end is what is waited for
                    await asyncio.sleep(0)
            assert (await connections.ask("GET", "/ping", {})).status == 200

    asyncio.run(go())
