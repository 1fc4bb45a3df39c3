"""Children that never outlive this process, and never notice how that is done."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from local import processes

PARENT = """
import asyncio, sys
from pathlib import Path
from local import processes

async def main():
    command = [sys.executable, "-c", sys.argv[1]]
    await processes.start(command, environment={}, folder=Path(sys.argv[2]), stdout=1, stderr=2)
    await asyncio.Event().wait()

asyncio.run(main())
"""
CHILD = """
import os, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
grandchild = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
print(os.getpid(), grandchild.pid, flush=True)
time.sleep(60)
"""


def alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def all_gone(find: Callable[[], list[int]]) -> bool:
    deadline = time.monotonic() + 20
    while find() and time.monotonic() < deadline:
        time.sleep(0.01)
    return not find()


def in_group(group: int) -> list[int]:
    found = []
    for pid in psutil.pids():
        try:
            if os.getpgid(pid) == group and alive(pid):
                found.append(pid)
        except ProcessLookupError:
            continue
    return found


def ran(tmp_path: Path, code: str) -> tuple[int, str]:
    async def run() -> tuple[int, str]:
        process = await processes.start(
            [sys.executable, "-c", code], environment={}, folder=tmp_path, stdout=asyncio.subprocess.PIPE, stderr=2
        )
        out, _ = await process.communicate()
        await processes.end(process, 1)
        return process.returncode, out.decode()

    return asyncio.run(run())


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP])
def test_a_parent_that_is_killed_takes_its_children_and_theirs_with_it(tmp_path, number):
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, CHILD, str(tmp_path)], stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    children = [int(pid) for pid in parent.stdout.readline().split()]
    assert all(map(alive, children))
    parent.send_signal(number)
    parent.wait(10)
    parent.stdout.close()
    assert all_gone(lambda: list(filter(alive, children)))


def test_a_parent_that_is_killed_at_once_leaves_nothing_either(tmp_path):
    code = PARENT.replace("    await processes", "    process = await processes").replace(
        "await asyncio.Event().wait()", "print(process.pid, flush=True); import os; os.kill(os.getpid(), 9)"
    )
    parent = subprocess.run(
        [sys.executable, "-c", code, CHILD, str(tmp_path)], stdout=subprocess.PIPE, check=False, start_new_session=True
    )
    assert parent.returncode == -signal.SIGKILL
    assert all_gone(lambda: in_group(int(parent.stdout.split()[0])))


def test_a_command_sees_an_empty_stdin_and_no_child_it_did_not_start(tmp_path):
    code = """
import os, sys
print(repr(sys.stdin.read()), os.getpid() == os.getpgid(0) == os.getsid(0))
try:
    os.waitpid(-1, os.WNOHANG)
except ChildProcessError:
    print("no child")
"""
    assert ran(tmp_path, code) == (0, "'' True\nno child\n")


def test_nothing_of_the_group_is_left_after_the_end(tmp_path):
    async def ended() -> int:
        command = [sys.executable, "-c", CHILD]
        process = await processes.start(
            command, environment={}, folder=tmp_path, stdout=asyncio.subprocess.PIPE, stderr=2
        )
        await process.stdout.readline()
        assert len(in_group(process.pid)) >= 3
        await processes.end(process, 0.1)
        return process.pid

    group = asyncio.run(ended())
    assert all_gone(lambda: in_group(group))


def test_a_program_that_does_not_exist_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="no-such-program"):
        asyncio.run(processes.start(["no-such-program"], environment={}, folder=tmp_path, stdout=1, stderr=2))
