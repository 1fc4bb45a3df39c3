"""A load generator, run as a process of its own: `python -m benchmarks.load URL REQUESTS CONNECTIONS < body`.

One request at a time on each keep-alive connection, no pipelining; raw sockets, so that it costs little of the cores
that it shares with what it measures. Prints one JSON object. It must never retry: a lost request is counted as lost.
"""

import json
import selectors
import socket
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

LOST = "lost"


@dataclass(frozen=True)
class Load:
    """What a run saw: answers by HTTP status, those that never came as "lost"; latencies in seconds."""

    answers: Mapping[str, int]
    seconds: float
    p50: float
    p99: float

    @property
    def per_second(self) -> float:
        """Requests a second."""
        return sum(self.answers.values()) / self.seconds


def start(url: str, body: bytes, requests: int, connections: int) -> subprocess.Popen[bytes]:
    """Begin a run in a process of its own; `finish` waits for it."""
    command = [sys.executable, "-m", "benchmarks.load", url, str(requests), str(connections)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin is not None
    process.stdin.write(body)
    process.stdin.close()
    process.stdin = None
    return process


def finish(process: subprocess.Popen[bytes]) -> Load:
    """What a run saw."""
    said, _ = process.communicate()
    return Load(**json.loads(said))


def run(url: str, body: bytes, requests: int, connections: int) -> Load:
    """One run, waited for."""
    return finish(start(url, body, requests, connections))


def _main(url: str, requests: int, connections: int, body: bytes) -> None:
    where = urlsplit(url)
    address = (where.hostname or "", where.port or 80)
    head = f"POST {where.path} HTTP/1.1\r\nHost: {where.netloc}\r\nContent-Type: text/csv\r\nAccept: text/csv\r\n"
    request = f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
    answers: Counter[str] = Counter()
    latencies: list[float] = []
    left = requests
    selector = selectors.DefaultSelector()
    began = time.perf_counter()
    for _ in range(min(connections, requests)):
        selector.register(_send(address, request), selectors.EVENT_READ, time.perf_counter())
        left -= 1
    while selector.get_map():
        for key, _ in selector.select():
            connection = key.fileobj
            assert isinstance(connection, socket.socket)
            status = _receive(connection)
            now = time.perf_counter()
            answers[status] += 1
            latencies.append(now - key.data)
            if left and status != LOST:
                connection.sendall(request)
                selector.modify(connection, selectors.EVENT_READ, time.perf_counter())
            else:
                selector.unregister(connection)
                connection.close()
                if left:
                    selector.register(_send(address, request), selectors.EVENT_READ, time.perf_counter())
            left = max(left - 1, 0)
    seconds = time.perf_counter() - began
    p50, p99 = statistics.median(latencies), statistics.quantiles(latencies, n=100)[98]
    print(json.dumps({"answers": answers, "seconds": seconds, "p50": p50, "p99": p99}))


def _send(address: tuple[str, int], request: bytes) -> socket.socket:
    connection = socket.create_connection(address)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.sendall(request)
    return connection


def _receive(connection: socket.socket) -> str:
    """The status of one whole answer."""
    data = b""
    while True:
        try:
            part = connection.recv(65536)
        except ConnectionError:
            return LOST
        if not part:
            return LOST
        data += part
        head, end, body = data.partition(b"\r\n\r\n")
        if end:
            length = head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0]
            if len(body) >= int(length or 0):
                return data[9:12].decode()


if __name__ == "__main__":
    _main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.stdin.buffer.read())
