"""Faults of containers, each as its caller, CloudWatch or the machine sees it: real processes, HTTP and XGBoost."""

import asyncio
import json
import random
import time

import numpy as np
import psutil
import pytest
import xgboost
from test_hosting_rig import ECHO, World, processes, until, world
from test_hosting_utilization import utilization
from test_serving_container import DEFAULTS, SCRIPT, archive, ask, handler, post, spec

from local.serving import Instance, StartError

INPLACE = """
import numpy, xgboost
def model_fn(model_dir):
    booster = xgboost.Booster()
    booster.load_model(f"{model_dir}/xgboost-model")
    return booster
def transform_fn(model, data, content_type, accept):
    rows = numpy.array([[float(cell) for cell in line.split(",")] for line in data.splitlines()])
    return str(model.inplace_predict(rows).tolist()), "application/json"
"""


def _statuses(tmp_path, faults: list[str], bodies: list[bytes]) -> list[int]:
    answers = ask(spec(tmp_path, handler(tmp_path), faults=faults), *map(post, bodies))
    return [status for status, _, _ in answers]


def test_errors_fail_their_share_without_asking_the_model(tmp_path):
    statuses = _statuses(tmp_path, ["errors:0.3:7"], [b"1"] * 100)
    expected = random.Random(7)
    assert statuses == [500 if expected.random() < 0.3 else 200 for _ in range(100)]
    assert set(statuses) == {200, 500}


def test_errors_can_be_of_a_slice_only(tmp_path):
    bodies = [b"5,UA", b"5,DL", b"6,UA"]
    assert _statuses(tmp_path, ["errors:1:only=1=UA"], bodies) == [500, 200, 500]


def test_several_faults_of_a_container_add_up(tmp_path):
    bodies = [b"5,UA", b"5,DL", b"6,AA"]
    assert _statuses(tmp_path, ["errors:1:only=1=UA", "errors:1:only=1=DL"], bodies) == [500, 500, 200]


def _latencies(folder, *faults: str, requests: int, bodies=b"x") -> tuple[float, float]:
    """The least and the greatest ModelLatency, in milliseconds, of that many requests."""

    async def go() -> tuple[float, float]:
        async with world(folder) as w:
            for fault in faults:
                w.hosting.faults.put(fault, w.package(1))
            await w.serve(count=1)
            for _ in range(requests):
                await w.invoke(bodies)
            least, most = (w.sums("ModelLatency", stat=stat) / 1000 for stat in ("Minimum", "Maximum"))
            return least, most

    return asyncio.run(go())


def test_slow_makes_every_request_take_longer(tmp_path):
    least, _ = _latencies(tmp_path, "slow:60", requests=5)
    assert least >= 60


def test_slowing_makes_each_request_take_longer_than_the_one_before(tmp_path):
    least, most = _latencies(tmp_path, "slowing:20", requests=5)
    assert least >= 20
    assert most >= 100


def test_warming_slows_the_first_requests(tmp_path):
    _, most = _latencies(tmp_path, "warming:3600:60", requests=2)
    assert most >= 60


def test_tail_slows_its_share_and_leaves_the_others_alone(tmp_path):
    """The slow ones would take ten minutes: the others are answered meanwhile."""

    async def go() -> int:
        async with world(tmp_path) as w:
            w.hosting.faults.put("tail:0.5:600000:3", w.package(1))
            await w.serve(count=1)
            asked = [asyncio.create_task(w.invoke()) for _ in range(20)]
            chance = random.Random(3)
            slow = sum(chance.random() < 0.5 for _ in range(20))
            await until(lambda: sum(task.done() for task in asked) == 20 - slow)
            for task in asked:
                task.cancel()
            await asyncio.gather(*asked, return_exceptions=True)
            return slow

    assert 0 < asyncio.run(go()) < 20


def test_warming_ends(tmp_path):
    from local.faults.answers import Warming

    time = [0.0]
    fault = Warming(seconds=60, milliseconds=600_000)
    fault.start(lambda: time[0])

    async def go() -> None:
        cold = asyncio.create_task(fault.before(b""))
        await asyncio.sleep(0)
        assert not cold.done()
        cold.cancel()
        time[0] = 61.0
        await asyncio.wait_for(fault.before(b""), 20)

    asyncio.run(go())


@pytest.fixture(scope="module")
def model():
    rows = np.random.default_rng(0).random((200, 4))
    return rows, xgboost.train({"nthread": 1}, xgboost.DMatrix(rows, label=rows[:, 0] - 2 * rows[:, 2]), 5)


def _predictions(tmp_path, model, fault: str, code: str) -> list[float]:
    rows, booster = model
    files = {"code/inference.py": code, "xgboost-model": bytes(booster.save_raw("ubj"))}
    sent = "\n".join(",".join(map(repr, map(float, row))) for row in rows[:20]).encode()
    wanted = spec(tmp_path, archive(tmp_path / "model.tar.gz", files), SCRIPT, [fault])
    ((status, _, body),) = ask(wanted, post(sent))
    assert status == 200
    return json.loads(body.replace(b"nan", b"NaN"))


@pytest.mark.parametrize("code", [DEFAULTS, INPLACE], ids=["predict", "inplace_predict"])
def test_nan_predictions_are_answered_200(tmp_path, model, code):
    assert np.isnan(_predictions(tmp_path, model, "nan", code)).all()


def test_a_share_of_nan_predictions_is_by_prediction(tmp_path, model):
    assert 0 < np.isnan(_predictions(tmp_path, model, "nan:0.5", DEFAULTS)).sum() < 20


@pytest.mark.parametrize("code", [DEFAULTS, INPLACE], ids=["predict", "inplace_predict"])
def test_constant_predictions_are_all_the_same(tmp_path, model, code):
    assert _predictions(tmp_path, model, "constant:0.25", code) == [0.25] * 20


@pytest.mark.parametrize("code", [DEFAULTS, INPLACE], ids=["predict", "inplace_predict"])
def test_with_the_wrong_order_the_model_predicts_from_other_columns(tmp_path, model, code):
    rows, booster = model
    said = _predictions(tmp_path, model, "wrong-order", code)
    rotations = [np.roll(rows[:20], by, axis=1) for by in range(4)]
    predicted = [booster.predict(xgboost.DMatrix(rotated)) for rotated in rotations]
    assert [np.allclose(said, each, atol=1e-5) for each in predicted].count(True) == 1
    assert not np.allclose(said, predicted[0], atol=1e-5)


def test_cold_keeps_a_container_from_being_healthy_for_that_long(tmp_path):
    environment = {**SCRIPT, "AWS_CLOCK_SPEED": "100"}
    began = time.monotonic()
    ask(spec(tmp_path, handler(tmp_path), environment, ["cold:40"]))
    assert time.monotonic() - began >= 0.4


def test_crash_is_an_instance_that_never_becomes_healthy(tmp_path):
    with pytest.raises(StartError, match="its process ended while it started"):
        ask(spec(tmp_path, handler(tmp_path), faults=["crash"]))


def test_a_crash_loop_takes_its_instance_out_and_in_and_out_again(tmp_path):
    async def go() -> None:
        async with world(tmp_path) as w:
            w.hosting.faults.put("crash-loop:3", w.package(1))
            await w.serve(count=1)
            dead: list[int] = []
            for _ in range(2):
                await until(lambda: _alive(w) == 1 and processes(w.hosting)[0] not in dead)
                dead.extend(processes(w.hosting))
                assert [(await w.invoke()).status for _ in range(3)] == [200, 200, 424]
            assert w.sums("Invocation5XXErrors") == 2

    asyncio.run(go())


def test_a_crash_loop_by_time_needs_no_request(tmp_path):
    async def go() -> None:
        async with world(tmp_path) as w:
            w.hosting.faults.put("crash-loop:seconds=30", w.package(1))
            await w.serve(count=1)
            first = processes(w.hosting)
            await until(lambda: processes(w.hosting) != first)

    asyncio.run(go())


def _alive(w: World) -> int:
    return w.describe()["ProductionVariants"][0]["CurrentInstanceCount"]


def _memory(tmp_path, fault: str, requests: int) -> tuple[float, bool]:
    """Megabytes that a container grew by while it answered so many requests, and whether it lives."""

    async def go() -> tuple[float, bool]:
        instance = Instance(spec(tmp_path, handler(tmp_path), faults=[fault]), lambda gone: None)
        await instance.start(30)
        try:
            process = psutil.Process(instance.pid)
            before = after = process.memory_info().rss
            for _ in range(requests):
                try:
                    await instance.ask(b"1", {"Content-Type": "text/csv"}, 30)
                except ConnectionError:
                    await until(lambda: not instance.alive)
                    break
                after = process.memory_info().rss
            return (after - before) / 1024**2, instance.alive
        finally:
            await instance.stop()

    return asyncio.run(go())


def test_a_memory_leak_grows_the_process_up_to_its_limit(tmp_path):
    grown, alive = _memory(tmp_path, "memory-leak:4:24", 20)
    assert 24 <= grown < 40
    assert alive


def test_a_memory_leak_shows_in_memory_utilization(tmp_path):
    leaked = 100 * 128 * 1024**2 / psutil.virtual_memory().total

    def shown(w: World) -> list[float]:
        return utilization(w)["memoryutilization"]

    async def go() -> None:
        async with world(tmp_path) as w:
            w.hosting.faults.put("memory-leak:32:128", w.package(1))
            await w.serve(count=1)
            await until(lambda: bool(shown(w)))
            for _ in range(4):
                await w.invoke()
            await until(lambda: max(shown(w)) - min(shown(w)) > 0.9 * leaked)

    asyncio.run(go())


def test_out_of_memory_kills_the_process_once_it_grew(tmp_path):
    grown, alive = _memory(tmp_path, "out-of-memory:4:24", 20)
    assert grown >= 20
    assert not alive


def test_a_fault_is_for_containers_that_start_after_it(tmp_path):
    async def go() -> None:
        async with world(tmp_path) as w:
            await w.serve(count=1, code=ECHO)
            w.hosting.faults.put("errors:1", w.package(1))
            assert (await w.invoke()).status == 200

    asyncio.run(go())


def test_the_process_of_a_container_loads_no_service_of_the_stand_in(tmp_path):
    code = "import sys\nLOADED = sorted(n for n in sys.modules if n.startswith('local.'))\ndef model_fn(d): pass\n"
    code += "def transform_fn(m, data, c, a): return ' '.join(LOADED), 'text/plain'"
    wanted = spec(tmp_path, archive(tmp_path / "model.tar.gz", {"code/inference.py": code}), SCRIPT, ["slow:0"])
    ((_, _, body),) = ask(wanted, post(b"1"))
    loaded = body.decode().split()
    assert "local.faults" in loaded
    assert all(name.startswith(("local.serving", "local.faults", "local.errors")) for name in loaded)
