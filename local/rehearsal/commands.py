"""Runs the project's commands as a build machine would: a process each, with the environment AWS clients look in.

Its output goes line by line to whoever listens. A command never outlives the rehearsal. It must never interpret output.
"""

import asyncio
import os
import shlex
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from local import processes

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
    process = await processes.start(
        [program, *words[1:]],
        environment={**os.environ, **environment, "PYTHONUNBUFFERED": "1"},
        folder=Path.cwd(),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        stdout, stderr, code = await asyncio.gather(_read(process), _listen(process, listen), process.wait())
    finally:
        await asyncio.shield(processes.end(process, ENDING_SECONDS))
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
