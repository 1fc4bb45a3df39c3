"""The life of model servers: they are quick to start, and nothing can leave them behind."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest
from test_serving_container import DEFAULTS, archive, handler, small_model, spec

from local.clock import Clock
from local.logs import LogStream
from local.serving import Instance, StartError

ROOT = Path(__file__).parents[3]
ORPHANS = """
import asyncio, sys
from pathlib import Path
from local.serving import Instance, Spec
async def go():
    folder = Path(sys.argv[1])
    environment = {"SAGEMAKER_PROGRAM": "inference.py", "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code"}
    for name in "ab":
        spec = Spec(folder / "model.tar.gz", folder / name, environment, folder / f"{name}.log")
        instance = Instance(spec, print)
        await instance.start(30)
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
    command = [sys.executable, "-c", ORPHANS, str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as parent:
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
        data = handler(tmp_path)
        seconds = []
        for number in range(4):
            instance = Instance(spec(tmp_path / str(number), data), lambda gone: None)
            began = time.perf_counter()
            await instance.start(30)
            seconds.append(time.perf_counter() - began)
            await instance.stop()
        return min(seconds[1:])

    assert asyncio.run(go()) < 0.3


def test_a_process_that_ends_by_itself_is_heard_of_and_one_that_is_stopped_is_not(tmp_path):
    async def go() -> list[Instance]:
        gone: list[Instance] = []
        data = handler(tmp_path)
        killed, stopped = (Instance(spec(tmp_path / name, data), gone.append) for name in "ab")
        for instance in (killed, stopped):
            await instance.start(30)
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
        first = Instance(spec(tmp_path / "first", data), lambda gone: None)
        await first.start(30)
        await first.stop()
        instance = Instance(spec(tmp_path, stuck), lambda gone: None)
        with pytest.raises(StartError, match=r"not healthy within 0.5 seconds"):
            await instance.start(0.5)
        assert instance.pid
        assert not is_running(instance.pid)

    asyncio.run(go())


def test_a_stop_waits_for_the_request_under_way(tmp_path):
    async def go() -> int:
        data = handler(tmp_path)
        wanted = spec(tmp_path, data, faults=["slow:200"])
        instance = Instance(wanted, lambda gone: None)
        await instance.start(30)

        under_way = asyncio.create_task(instance.ask(b"1", {"Content-Type": "text/csv"}, 30))
        await asyncio.sleep(0)
        assert instance.outstanding == 1
        await instance.stop()
        return (await under_way).status

    assert asyncio.run(go()) == 200


def test_its_log_is_followed_until_it_is_stopped_and_sent_to_the_end(tmp_path):
    events: list[str] = []

    class Logs:
        exceptions = SimpleNamespace(ResourceAlreadyExistsException=KeyError)

        def create_log_group(self, **names):
            assert names == {"logGroupName": "/aws/sagemaker/Endpoints/e"}

        def create_log_stream(self, **names):
            assert names["logStreamName"] == "AllTraffic/i-1"

        def put_log_events(self, **sent):
            events.extend(event["message"] for event in sent["logEvents"])

    async def go() -> None:
        wanted = spec(tmp_path, handler(tmp_path))
        log = LogStream(Logs, Clock(), "/aws/sagemaker/Endpoints/e", "AllTraffic/i-1", wanted.log)
        instance = Instance(wanted, lambda gone: None, log)
        await instance.start(30)
        await instance.ask(b"boom", {"Content-Type": "text/csv"}, 30)
        await instance.stop()

    asyncio.run(go())
    assert events[0] == "the module is imported"
    assert "ValueError: no such flight" in events


def test_the_stand_in_itself_loads_nothing_of_the_container():
    """XGBoost in the control plane would cost memory, and would be there before its threads were counted."""
    said = "import sys, local.server; print(sorted({'xgboost', 'numpy', 'local.serving.container'} & set(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", said], cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_a_container_predicts_in_one_thread(tmp_path):
    files = {"code/inference.py": DEFAULTS, "xgboost-model": bytes(small_model().save_raw("ubj"))}
    data = archive(tmp_path / "model.tar.gz", files)

    async def go() -> list[int]:
        threads = []
        instance = Instance(spec(tmp_path, data), lambda gone: None)
        await instance.start(30)
        for _ in range(2):
            threads.append(psutil.Process(instance.pid).num_threads())
            rows = "\n".join(["0.1,0.2,0.3"] * 5000).encode()
            assert (await instance.ask(rows, {"Content-Type": "text/csv"}, 30)).status == 200
        await instance.stop()
        return threads

    before, after = asyncio.run(go())
    assert after == before
