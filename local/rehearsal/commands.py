"""Runs the project's commands as a build machine would: a process each, with the environment AWS clients look in.

Its output goes line by line to whoever listens. A command never outlives the rehearsal. It must never interpret output.
"""

import asyncio
import contextlib
import os
import shlex
import signal
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass

ENDING_SECONDS = 5


@dataclass(frozen=True)
class Ended:
    """How a command ended: exit code, stdout, and the last lines of stderr."""

    command: str
    code: int
    stdout: str
    stderr: str


async def run(command: str, environment: Mapping[str, str], listen: Callable[[str], None]) -> Ended:
    """Run it to its end; each line of stderr goes to `listen` as it comes. Cancelled, it ends the process first."""
    words = shlex.split(command)
    program = sys.executable if words[0] == "python" else words[0]
    process = await asyncio.create_subprocess_exec(
        program,
        *words[1:],
        env={**os.environ, **environment, "PYTHONUNBUFFERED": "1"},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    try:
        stdout, stderr, code = await asyncio.gather(_read(process), _listen(process, listen), process.wait())
    except asyncio.CancelledError:
        await asyncio.shield(_end(process))
        raise
    return Ended(command, code, stdout, stderr)


async def _read(process: asyncio.subprocess.Process) -> str:
    assert process.stdout is not None
    return (await process.stdout.read()).decode(errors="replace")


async def _listen(process: asyncio.subprocess.Process, listen: Callable[[str], None]) -> str:
    assert process.stderr is not None
    lines = []
    async for line in process.stderr:
        lines.append(line.decode(errors="replace").rstrip())
        listen(lines[-1])
    return "\n".join(lines[-20:])


async def _end(process: asyncio.subprocess.Process) -> None:
    """Ask the process group to stop, then make it."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), ENDING_SECONDS)
            return
