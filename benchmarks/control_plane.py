"""What the stand-in costs while nothing is asked of it. Limits: ready in 2 s, 2 % of a core idle, 250 MB.

The control plane is the process of `python -m local up`; the model servers, and the process they are forked from, are
told beside it.
"""

import statistics
import time
from collections.abc import Iterator

from benchmarks import load
from benchmarks.standin import Account, bare, running

STARTS, IDLE_SECONDS, REQUESTS = 3, 20, 10_000
LIMIT_SECONDS, LIMIT_CPU, LIMIT_MB = 2.0, 0.02, 250


def measure() -> Iterator[str]:
    """Starts, then one endpoint of two instances: busy, then idle."""
    ready = statistics.median(_start() for _ in range(STARTS))
    yield f"{ready:.2f} s from start to ready: {ready / LIMIT_SECONDS:.2f} of the limit of {LIMIT_SECONDS:g} s"
    with running() as account:
        model = bare()
        account.serve(model, "v1", 2)
        load.run(account.invocations, model.row, REQUESTS, 8)
        yield _memory(account)
        yield _idle(account)


def _start() -> float:
    began = time.perf_counter()
    with running():
        return time.perf_counter() - began


def _memory(account: Account) -> str:
    own = account.process.memory_info().rss / 1e6
    workers = account.workers()
    children = {child.pid: child.memory_full_info().pss / 1e6 for child in account.process.children(recursive=True)}
    serving = sum(size for pid, size in children.items() if pid in workers)
    others = sum(children.values()) - serving
    return (
        f"{own:.0f} MB after {REQUESTS} requests: {own / LIMIT_MB:.2f} of the limit of {LIMIT_MB} MB; beside it "
        f"{serving:.0f} MB in {len(workers)} model servers and {others:.0f} MB in what they are forked from"
    )


def _idle(account: Account) -> str:
    processes = [account.process, *account.process.children(recursive=True)]
    before = [sum(process.cpu_times()[:2]) for process in processes]
    time.sleep(IDLE_SECONDS)
    used = [sum(process.cpu_times()[:2]) - was for process, was in zip(processes, before, strict=True)]
    own, whole = used[0] / IDLE_SECONDS, sum(used) / IDLE_SECONDS
    return f"{own:.2%} of a core idle, {whole:.2%} with its model servers: {own / LIMIT_CPU:.2f} of the limit"
