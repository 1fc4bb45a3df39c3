"""The faults of a stand-in that runs in another process, for `python -m local fault`. It decides nothing."""

from collections.abc import Mapping
from typing import Any

import aiohttp

from local.faults.fault import FaultError
from local.faults.web import PATH

Shown = Mapping[str, Any]


async def ask(port: int, method: str, body: Any = None, query: Mapping[str, str] | None = None) -> list[Shown]:
    """The faults in force after a request to /_rehearsal/fault. Raises FaultError that says what was wrong."""
    try:
        async with (
            aiohttp.ClientSession() as session,
            session.request(method, f"http://127.0.0.1:{port}{PATH}", json=body, params=query) as answer,
        ):
            said = await answer.json()
    except (aiohttp.ClientError, ValueError) as error:
        raise FaultError(f"no stand-in answers on port {port}: start one, or give its --port ({error})") from error
    if answer.status != 200:
        raise FaultError(str(said["message"]))
    return list(said["faults"])


def line(shown: Shown) -> str:
    """A fault in force, for a person."""
    often = shown["happened"]
    times = "" if often is None else f", happened {often} time{'s' * (often != 1)}"
    return f"{shown['fault']} ({shown['scope']}) on {shown['target'] or 'everybody'}{times}"
