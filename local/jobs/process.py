"""One operating-system process in a session of its own, and nothing of it left afterwards.

Whatever ends the wait (exit, time limit, cancellation), every process of its group is gone when `run` returns.
"""

import asyncio
import contextlib
import os
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path

GRACE_SECONDS = 2.0


async def run(
    command: Sequence[str],
    *,
    environment: Mapping[str, str],
    folder: Path,
    log: Path,
    limit_seconds: float,
    grace_seconds: float = GRACE_SECONDS,
) -> int:
    """The exit code, negative for a signal. stdout and stderr go to `log`.

    An early end is SIGTERM, and SIGKILL after `grace_seconds`. Raises TimeoutError past the limit (real seconds: the
    work is real) and OSError when the command cannot start.
    """
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            *command,
            cwd=folder,
            env=dict(environment),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        return await asyncio.wait_for(process.wait(), limit_seconds)
    finally:
        await _end(process, grace_seconds)


async def _end(process: asyncio.subprocess.Process, grace_seconds: float) -> None:
    try:
        if process.returncode is None:
            _signal(process.pid, signal.SIGTERM)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), grace_seconds)
    finally:
        _signal(process.pid, signal.SIGKILL)
        await process.wait()


def _signal(group: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, number)
