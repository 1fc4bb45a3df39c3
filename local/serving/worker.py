"""One instance's process: prepares the container's world, loads the model, serves HTTP until it is told to stop.

It runs in a process of its own, forked by `zygote`. It must never do more at once than its model can: one request.
Source of the HTTP behaviour: the developer guide, "Use your own inference code with hosting services".
"""

import asyncio
import json
import os
import sys
import time
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from aiohttp import web
from werkzeug.exceptions import InternalServerError

from local.faults.container import ContainerFault, RequestFailedError, begin
from local.serving.answer import Answer
from local.serving.archive import ArchiveError, extract
from local.serving.container import Container
from local.serving.problems import LoadError
from local.serving.spec import Spec

LARGEST_BODY = 20 * 1024 * 1024
_KEPT = ("HOME", "LANG", "LC_ALL", "PATH", "TMPDIR", "TZ")


def run(spec: Spec, report: int) -> int:
    """Load the model and serve; the exit code, when it ends by itself.

    Says on `report`, one JSON object a line: {"pid": N} at once, then {"port": N} when the model is loaded or
    {"failed": why} when it cannot be, {"unusable": why} when its archive cannot even be unpacked.
    """
    _say(report, pid=os.getpid())
    _log_to(spec.log)
    try:
        speed = float(spec.environment.get("AWS_CLOCK_SPEED", 1))
        faults = begin(spec.faults, lambda: time.monotonic() * speed)
        container = _load(spec)
    except BaseException as error:  # noqa: BLE001 - user code may raise anything, SystemExit included
        traceback.print_exc()
        if isinstance(error, ArchiveError):
            _say(report, unusable=str(error))
        else:
            _say(report, failed=str(error) if isinstance(error, LoadError) else f"{type(error).__name__}: {error}")
        return 1
    asyncio.run(_serve(container, faults, report))
    return 0


def _say(report: int, **what: Any) -> None:
    os.write(report, json.dumps(what).encode() + b"\n")


def _log_to(log: Path) -> None:
    log.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    for stream in (1, 2):
        os.dup2(descriptor, stream)
    os.close(descriptor)
    sys.stdout = os.fdopen(1, "w", buffering=1, closefd=False)
    sys.stderr = os.fdopen(2, "w", buffering=1, closefd=False)


def _load(spec: Spec) -> Container:
    model_dir = spec.folder / "model"
    extract(spec.model_data, model_dir)
    environment = {name: value.replace("/opt/ml", str(spec.folder)) for name, value in spec.environment.items()}
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    os.environ.clear()
    os.environ.update({**kept, "OMP_NUM_THREADS": "1", "SM_MODEL_DIR": str(model_dir), **environment})
    sys.path[:] = [entry for entry in sys.path if entry.startswith((sys.prefix, sys.base_prefix))]
    return Container(os.environ, model_dir)


async def _serve(container: Container, faults: Sequence[ContainerFault], report: int) -> None:
    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        answer = await _answer(request, container, faults)
        return web.Response(status=answer.status, headers=answer.headers, body=answer.body)

    server = web.Server(handle, request_factory=_request, access_log=None, keepalive_timeout=3600.0)
    runner = web.ServerRunner(server)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    _say(report, port=runner.addresses[0][1])
    await asyncio.Event().wait()


async def _answer(request: web.BaseRequest, container: Container, faults: Sequence[ContainerFault]) -> Answer:
    """The container's answer; its faults come before it when the model is asked."""
    body = await request.read()
    if request.method == "POST" and request.path == "/invocations":
        try:
            for fault in faults:
                await fault.before(body)
        except RequestFailedError:
            return Answer(500, {"Content-Type": "text/html; charset=utf-8"}, InternalServerError().get_body().encode())
    return container.answer(request.method, request.path_qs, request.headers, body)


def _request(*parts: Any) -> web.BaseRequest:
    message, payload, protocol, writer, task = parts
    loop = asyncio.get_running_loop()
    return web.BaseRequest(message, payload, protocol, writer, task, loop, client_max_size=LARGEST_BODY)
