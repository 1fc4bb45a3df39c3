"""The way to the zygote from the process that owns the instances. It must never wait for what it asked for."""

import json
import os
import socket
import struct
import subprocess
import sys
from pathlib import Path

from local.serving.spec import Spec

_ROOT = str(Path(__file__).parents[2])


class Nursery:
    """A zygote, started now; it loads the container's libraries in the background and ends with this process."""

    def __init__(self) -> None:
        self._control, theirs = socket.socketpair()
        path = os.pathsep.join([_ROOT, *filter(None, [os.environ.get("PYTHONPATH")])])
        self._process = subprocess.Popen(
            [sys.executable, "-m", "local.serving.zygote", str(theirs.fileno())],
            stdin=subprocess.DEVNULL,
            pass_fds=[theirs.fileno()],
            env={**os.environ, "PYTHONPATH": path},
            start_new_session=True,
        )
        theirs.close()

    @property
    def usable(self) -> bool:
        """Whether the zygote is still there."""
        return self._process.poll() is None

    def spawn(self, spec: Spec, report: int) -> None:
        """Ask for a process that runs `spec`; it writes to `report`, a pipe, which is at its end when it ends."""
        body = json.dumps(spec.to_json()).encode()
        socket.send_fds(self._control, [struct.pack("!I", len(body)) + body], [report])


_nurseries: list[Nursery] = []


def warm_up() -> Nursery:
    """This process's nursery, started when there is none yet. Call it early: the first instance waits for it."""
    if not _nurseries or not _nurseries[-1].usable:
        _nurseries[:] = [Nursery()]
    return _nurseries[-1]
