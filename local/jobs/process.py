"""A job's process: started, waited for, its output kept in a log, and nothing of it left afterwards."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from local import processes

GRACE_SECONDS = 2.0


async def run(
    command: Sequence[str],
    *,
    environment: Mapping[str, str],
    folder: Path,
    log: Path,
    limit_seconds: float,
    grace_seconds: Callable[[], float] = lambda: GRACE_SECONDS,
) -> int:
    """The exit code, negative for a signal. stdout and stderr go to `log`.

    An early end is SIGTERM, and SIGKILL after `grace_seconds`, asked for at that moment. Raises TimeoutError past the
    limit (real seconds: the work is real) and OSError when the command cannot start.
    """
    with log.open("wb") as output:
        process = await processes.start(
            command, environment=environment, folder=folder, stdout=output, stderr=asyncio.subprocess.STDOUT
        )
    try:
        return await asyncio.wait_for(process.wait(), limit_seconds)
    finally:
        await processes.end(process, grace_seconds())
