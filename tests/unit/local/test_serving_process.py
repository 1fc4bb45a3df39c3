"""The life of model servers: they are quick to start, and nothing can leave them behind."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import aiohttp
import pytest
from test_serving_container import archive, handler, spec

from local.serving import Instance, StartError

ORPHANS = """
import asyncio, sys
from pathlib import Path
import aiohttp
from local.serving import Instance, Spec
async def go():
    folder = Path(sys.argv[1])
    environment = {"SAGEMAKER_PROGRAM": "inference.py", "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code"}
    async with aiohttp.ClientSession() as http:
        for name in "ab":
            spec = Spec(folder / "model.tar.gz", folder / name, environment, folder / f"{name}.log")
            instance = Instance(spec, print)
            await instance.start(http, 30)
            print(instance.pid, flush=True)
        await asyncio.sleep(60)
asyncio.run(go())
"""


def is_running(pid: int) -> bool:
    """Whether there is such a process, zombies aside."""
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False


def test_killing_the_parent_outright_ends_every_instance(tmp_path):
    handler(tmp_path)
    root = Path(__file__).parents[3]
    command = [sys.executable, "-c", ORPHANS, str(tmp_path)]
    with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout
        pids = [int(parent.stdout.readline()) for _ in range(2)]
        assert all(map(is_running, pids))
        parent.send_signal(signal.SIGKILL)
    give_up = time.monotonic() + 5
    while any(map(is_running, pids)) and time.monotonic() < give_up:
        time.sleep(0.01)
    assert not any(map(is_running, pids))


def test_after_the_first_one_an_instance_starts_in_a_fraction_of_a_second(tmp_path):
    async def go() -> float:
        async with aiohttp.ClientSession() as http:
            data = handler(tmp_path)
            seconds = []
            for number in range(4):
                instance = Instance(spec(tmp_path / str(number), data), lambda gone: None)
                began = time.perf_counter()
                await instance.start(http, 30)
                seconds.append(time.perf_counter() - began)
                await instance.stop()
            return min(seconds[1:])

    assert asyncio.run(go()) < 0.3


def test_a_process_that_ends_by_itself_is_heard_of_and_one_that_is_stopped_is_not(tmp_path):
    async def go() -> list[Instance]:
        gone: list[Instance] = []
        async with aiohttp.ClientSession() as http:
            data = handler(tmp_path)
            killed, stopped = (Instance(spec(tmp_path / name, data), gone.append) for name in "ab")
            for instance in (killed, stopped):
                await instance.start(http, 30)
            os.kill(killed.pid or 0, signal.SIGKILL)
            await stopped.stop()
            async with asyncio.timeout(5):
                while killed.alive:  # noqa: ASYNC110 - its end is what is waited for
                    await asyncio.sleep(0.005)
            await killed.stop()
            assert gone == [killed]
        return gone

    asyncio.run(go())


def test_a_start_that_is_given_up_leaves_no_process(tmp_path):
    async def go() -> None:
        data = handler(tmp_path)
        stuck = archive(tmp_path / "stuck.tar.gz", {"code/inference.py": "import time\ntime.sleep(30)"})
        async with aiohttp.ClientSession() as http:
            first = Instance(spec(tmp_path / "first", data), lambda gone: None)
            await first.start(http, 30)
            await first.stop()
            instance = Instance(spec(tmp_path, stuck), lambda gone: None)
            with pytest.raises(StartError, match=r"not healthy within 0.5 seconds"):
                await instance.start(http, 0.5)
            assert instance.pid
            assert not is_running(instance.pid)

    asyncio.run(go())


def test_a_stop_waits_for_the_request_under_way(tmp_path):
    async def go() -> int:
        data = handler(tmp_path)
        async with aiohttp.ClientSession() as http:
            wanted = spec(tmp_path, data, faults=["slow:200"])
            instance = Instance(wanted, lambda gone: None)
            await instance.start(http, 30)

            async def request() -> int:
                with instance.request():
                    async with http.post(instance.invocations, data=b"1") as answer:
                        return answer.status

            under_way = asyncio.create_task(request())
            await asyncio.sleep(0.05)
            await instance.stop()
            return await under_way

    assert asyncio.run(go()) == 200
