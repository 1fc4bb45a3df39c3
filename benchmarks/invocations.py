"""InvokeEndpoint through the stand-in, one CSV row a request. Baseline: the same model server, called directly.

Limits: 2,000 requests a second on two cores, at most 1 ms over the direct call at the median; 100,000 requests during a
canary and none lost. The clients share the cores.
"""

import time
from collections.abc import Iterator

from benchmarks import load
from benchmarks.standin import MODEL, Account, Model, bare, running, scripted

PER_SECOND, OVER_MS = 2000, 1.0
ALONE, TOGETHER = 2000, 20_000
CONNECTIONS = 8
CANARY_REQUESTS = 100_000
CANARY = {
    "BlueGreenUpdatePolicy": {
        "TrafficRoutingConfiguration": {
            "Type": "CANARY",
            "CanarySize": {"Type": "INSTANCE_COUNT", "Value": 1},
            "WaitIntervalInSeconds": 300,
        },
        "TerminationWaitInSeconds": 60,
        "MaximumExecutionTimeoutInSeconds": 3600,
    }
}
SPEED = 20


def measure() -> Iterator[str]:
    """Two instances of each model, then a canary of the bare one."""
    for name, model in (("algorithm mode", bare()), ("the project's script", scripted())):
        with running() as account:
            account.serve(model, "v1", 2)
            yield from _speed(account, model, name)
    with running(SPEED) as account:
        yield _canary(account, bare())


def _speed(account: Account, model: Model, name: str) -> Iterator[str]:
    port, *_ = account.workers().values()
    direct = f"http://127.0.0.1:{port}/invocations"
    for url in (direct, account.invocations):
        load.run(url, model.row, ALONE, 1)
    worker, whole = (load.run(url, model.row, ALONE, 1) for url in (direct, account.invocations))
    over = (whole.p50 - worker.p50) * 1000
    yield (
        f"{name}, {MODEL}: {whole.p50 * 1000:.2f} ms at the median against {worker.p50 * 1000:.2f} ms direct: "
        f"{over:.2f} ms over, {over / OVER_MS:.2f} of the limit"
    )
    busy = load.run(account.invocations, model.row, TOGETHER, CONNECTIONS)
    one = load.run(direct, model.row, TOGETHER // 2, CONNECTIONS)
    yield (
        f"{name}: {busy.per_second:.0f} requests/s of {CONNECTIONS} clients on 2 instances against "
        f"{one.per_second:.0f} on one direct: {busy.per_second / PER_SECOND:.2f} x the {PER_SECOND} wanted; "
        f"p99 {busy.p99 * 1000:.1f} ms; {_answers(busy)}"
    )


def _canary(account: Account, model: Model) -> str:
    account.serve(model, "v1", 2)
    account.config(model, "v2", 2)
    client = load.start(account.invocations, model.row, CANARY_REQUESTS, CONNECTIONS)
    began = time.perf_counter()
    account.client("sagemaker").update_endpoint(EndpointName="e", EndpointConfigName="v2", DeploymentConfig=CANARY)
    config = account.settled()["EndpointConfigName"]
    took = time.perf_counter() - began
    seen = load.finish(client)
    return (
        f"{sum(seen.answers.values())} requests in {seen.seconds:.0f} s, {took:.0f} s of it a canary to {config}: "
        f"{_answers(seen)}"
    )


def _answers(seen: load.Load) -> str:
    return ", ".join(f"{count} {status}" for status, count in sorted(seen.answers.items()))
