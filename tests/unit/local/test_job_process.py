"""A job's process: its exit code, its log, and that nothing of it outlives `run`."""

import asyncio
import sys
import time
from pathlib import Path

import pytest

from local.jobs import process


def run(tmp_path, code, limit_seconds=10.0, grace_seconds=2.0):
    log = tmp_path / "log.txt"
    running = process.run(
        (sys.executable, "-c", code),
        environment={},
        folder=tmp_path,
        log=log,
        limit_seconds=limit_seconds,
        grace_seconds=lambda: grace_seconds,
    )
    return asyncio.run(running), log.read_text()


def alive(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    try:
        return stat.read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def gone(pid: int) -> bool:
    deadline = time.monotonic() + 5
    while alive(pid) and time.monotonic() < deadline:
        time.sleep(0.01)
    return not alive(pid)


def test_exit_code_and_both_streams_are_kept(tmp_path):
    code, log = run(tmp_path, "import sys; print('out', flush=True); print('err', file=sys.stderr); sys.exit(3)")
    assert (code, log) == (3, "out\nerr\n")


def test_a_process_killed_by_a_signal_has_a_negative_exit_code(tmp_path):
    assert run(tmp_path, "import os; os.kill(os.getpid(), 9)")[0] == -9


def test_a_process_does_not_see_variables_it_was_not_given(tmp_path, monkeypatch):
    monkeypatch.setenv("SECRET_OF_THE_PARENT", "1")
    assert run(tmp_path, "import os; print('SECRET_OF_THE_PARENT' in os.environ)")[1] == "False\n"


def test_a_process_past_its_limit_is_ended_with_its_children(tmp_path):
    child = "import time; time.sleep(60)"
    code = (
        "import os, subprocess, sys, time\n"
        f"child = subprocess.Popen([sys.executable, '-c', {child!r}])\n"
        "open('pids', 'w').write(f'{os.getpid()} {child.pid}')\n"
        "time.sleep(60)"
    )
    with pytest.raises(TimeoutError):
        run(tmp_path, code, limit_seconds=0.5)
    assert all(gone(int(pid)) for pid in (tmp_path / "pids").read_text().split())


def test_a_process_that_ignores_sigterm_is_killed(tmp_path):
    code = (
        "import os, signal, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "open('pids', 'w').write(str(os.getpid()))\n"
        "time.sleep(60)"
    )
    with pytest.raises(TimeoutError):
        run(tmp_path, code, limit_seconds=0.5, grace_seconds=0.2)
    assert gone(int((tmp_path / "pids").read_text()))


def test_children_left_behind_by_a_finished_process_are_ended(tmp_path):
    code = "import subprocess, sys; print(subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']).pid)"
    exit_code, log = run(tmp_path, code)
    assert exit_code == 0
    assert gone(int(log))


def test_cancelling_the_wait_ends_the_process(tmp_path):
    async def cancelled():
        command = (sys.executable, "-c", "import os, time; open('pids', 'w').write(str(os.getpid())); time.sleep(60)")
        task = asyncio.create_task(
            process.run(command, environment={}, folder=tmp_path, log=tmp_path / "log", limit_seconds=60)
        )
        while not (tmp_path / "pids").exists() or not (tmp_path / "pids").read_text():  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancelled())
    assert gone(int((tmp_path / "pids").read_text()))


def test_a_command_that_does_not_exist_is_an_os_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        asyncio.run(
            process.run(
                ["/nowhere/to/be/found"], environment={}, folder=tmp_path, log=tmp_path / "log", limit_seconds=1
            )
        )
    assert (tmp_path / "log").read_bytes() == b""
