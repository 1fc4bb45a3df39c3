"""The process that model servers are forked from: it has the container's libraries loaded, so that each starts at once.

It runs as `python -m local.serving.zygote FD` and takes requests on that socket (see `nursery`). When whoever started
it is gone, however suddenly, it ends, and so does everything it forked. It must never start a thread before it forks.

A request is a 4-byte length, with the writing end of the new process's pipe attached, and a JSON object of `Spec`'s
fields.
"""

import array
import json
import os
import signal
import socket
import struct
import sys
import threading
from typing import Any

import local.serving.preload  # noqa: F401 - for what it loads
from local.serving.spec import Spec
from local.serving.worker import run

_LENGTH = struct.Struct("!I")


def main(control: socket.socket) -> None:
    """Fork a model server per request until the other end is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    lifeline, held = os.pipe()
    while True:
        head, ancillary, _, _ = control.recvmsg(_LENGTH.size, socket.CMSG_SPACE(array.array("i").itemsize))
        if not head:
            return
        report = _descriptor(ancillary)
        fields = json.loads(_exactly(control, _LENGTH.unpack(head)[0]))
        if os.fork() == 0:
            control.close()
            os.close(held)
            _become(fields, report, lifeline)
        os.close(report)


def _become(fields: dict[str, Any], report: int, lifeline: int) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    threading.Thread(target=_die_with_zygote, args=(lifeline,), daemon=True).start()
    code = 1
    try:
        code = run(Spec.from_json(fields), report)
    finally:
        os._exit(code)


def _die_with_zygote(lifeline: int) -> None:
    os.read(lifeline, 1)
    os._exit(1)


def _descriptor(ancillary: list[Any]) -> int:
    descriptors = array.array("i")
    for _, _, data in ancillary:
        descriptors.frombytes(data)
    return descriptors[0]


def _exactly(control: socket.socket, length: int) -> bytes:
    data = b""
    while len(data) < length:
        data += control.recv(length - len(data))
    return data


if __name__ == "__main__":
    main(socket.socket(fileno=int(sys.argv[1])))
