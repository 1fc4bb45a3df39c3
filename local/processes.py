"""Child processes that never outlive this one: not when they are ended, and not when this one is killed with -9.

A command starts as `/bin/sh`, which leaves a watcher in the command's process group and becomes the command. The
watcher waits for the end of a pipe whose other end only this process holds; then it kills the group. So there is no
list of process ids that could be out of date, and no moment at which a child is not yet tied. What makes a session of
its own escapes. It works on Linux and macOS. It must never be seen by the command: the watcher is no child of it, its
stdin is empty, its process id and exit code are its own.
"""

import asyncio
import contextlib
import errno
import functools
import os
import shutil
import signal
from asyncio.subprocess import Process
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

_SCRIPT = """\
exec 3<&0 </dev/null
((trap '' HUP INT TERM; read -r end <&3; kill -KILL 0) >/dev/null 2>&1 &)
exec 3<&-
exec "$@"
"""


async def start(
    command: Sequence[str], *, environment: Mapping[str, str], folder: Path, stdout: IO[bytes] | int, stderr: int
) -> Process:
    """Start a command in a folder and a session of its own; `end` it, whatever happens.

    Raises FileNotFoundError when there is no such program.
    """
    program = str(folder / command[0]) if "/" in command[0] else command[0]
    if shutil.which(program, path=environment.get("PATH", os.defpath)) is None:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), command[0])
    return await asyncio.create_subprocess_exec(
        "/bin/sh",
        "-c",
        _SCRIPT,
        "sh",
        *command,
        cwd=folder,
        env=dict(environment),
        stdin=_lifeline(),
        stdout=stdout,
        stderr=stderr,
        start_new_session=True,
    )


async def end(process: Process, grace_seconds: float) -> None:
    """Ask every process of the command's group to stop (SIGTERM), then make it (SIGKILL) after so many seconds."""
    try:
        if process.returncode is None:
            _signal(process.pid, signal.SIGTERM)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), grace_seconds)
    finally:
        _signal(process.pid, signal.SIGKILL)
        await process.wait()


@functools.cache
def _lifeline() -> int:
    """The reading end of the pipe. Its writing end is open for as long as this process lives."""
    reading, _writing = os.pipe()
    return reading


def _signal(group: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS says the latter of a group of zombies
        os.killpg(group, number)
