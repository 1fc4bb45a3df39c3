"""`/_rehearsal/fault`, by which a rehearsal, or anybody on this machine, sets faults. It is no AWS operation.

GET lists them, with how often each `happened` (null: not counted); PUT takes one `{"fault": TEXT, "target": WHOM}` or a
list of such, all of them or none; DELETE ends all, or those of ?fault=TEXT and ?target=WHOM. What is wrong with a
request is answered 400, `{"message": SENTENCE}`.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable

from aiohttp import web

from local.faults.active import Faults
from local.faults.api import NoAnswerError
from local.faults.fault import Fault, FaultError, parse

PATH = "/_rehearsal/fault"
_LOOK_EVERY_SECONDS = 0.05


def add_routes(application: web.Application, faults: Faults) -> None:
    """Let the application answer for these faults."""

    async def listed(request: web.Request) -> None:
        """They are shown after any request."""

    async def put(request: web.Request) -> None:
        for fault, target in _wanted(await request.text()):
            faults.put(str(fault), target)

    async def clear(request: web.Request) -> None:
        faults.clear(request.query.get("fault"), request.query.get("target"))

    def answering(act: Callable[[web.Request], Awaitable[None]]) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def answer(request: web.Request) -> web.Response:
            try:
                await act(request)
            except FaultError as error:
                return web.json_response({"message": str(error)}, status=400)
            return web.json_response({"faults": _shown(faults)})

        return answer

    application.router.add_get(PATH, answering(listed))
    application.router.add_put(PATH, answering(put))
    application.router.add_delete(PATH, answering(clear))


async def leave_unanswered(request: web.Request, error: NoAnswerError) -> web.Response:
    """Close a request's connection, at once or when its caller has given up; the response never leaves."""
    while not error.hang_up and request.transport and not request.transport.is_closing():  # noqa: ASYNC110 - as it says
        await asyncio.sleep(_LOOK_EVERY_SECONDS)
    if request.transport:
        request.transport.close()
    return web.Response()


def _wanted(text: str) -> list[tuple[Fault, str | None]]:
    """What a PUT asks for. Raises FaultError."""
    try:
        given = json.loads(text)
        items = given if isinstance(given, list) else [given]
        return [(parse(item["fault"]), item.get("target")) for item in items]
    except FaultError:
        raise
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise FaultError('Write {"fault": TEXT, "target": WHOM}, or a list of such; target may be left out.') from error


def _shown(faults: Faults) -> list[dict[str, str | int | None]]:
    return [
        {
            "fault": str(active.fault),
            "scope": active.fault.scope,
            "target": active.target,
            "happened": active.fault.happened,
        }
        for active in faults.listed()
    ]
