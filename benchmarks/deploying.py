"""What `deploy apply` costs while SageMaker works: API calls, the delay of its verdict, memory, CPU.

Limits: 6 API calls a minute of waiting, a verdict within one look of the endpoint's, 150 MB, CPU about 0.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from deploy import rollout, stage_files
from deploy.aws import connect
from deploy.clock import AwsClock
from deploy.execute import POLL
from tests.functional.account import ROLE, Account
from tests.functional.conftest import exports, interrupt, start

SPEED = 30
CALLS_A_MINUTE, MEGABYTES = 6, 150
WAITING = ("DescribeEndpoint", "DescribeAlarms")
SETTINGS = (
    "rollout.canary={percent: 50, bake_minutes: 20}",
    "guardrails.minimum_requests=1",
    "guardrails.latency_p99=null",
    "guardrails.prediction_distance=null",
)


@dataclass
class Listener:
    """Every call that was made, with the AWS time of its answer, and when the verdict was there."""

    clock: AwsClock
    calls: list[tuple[str, datetime]] = field(default_factory=list)

    def hear(self, model: Any, **_: Any) -> None:
        """Note a call: a handler of botocore's `after-call` event."""
        self.calls.append((model.name, self.clock.now()))


def measure() -> Iterator[str]:
    """A canary that its alarm takes back, watched in this process; and a good one, as a process of its own."""
    with _account() as account:
        yield from _watched(account)
        yield from _weighed(account)


@contextmanager
def _account() -> Iterator[Account]:
    process = start("up", "--port", "0", "--speed", str(SPEED))
    try:
        environment = {**exports(process), "SAGEMAKER_EXECUTION_ROLE_ARN": ROLE}
        os.environ.update(environment)
        yield Account(environment)
    finally:
        interrupt(process)


def _watched(account: Account) -> Iterator[str]:
    clock = AwsClock(SPEED)
    aws, heard = connect(clock), Listener(clock)
    for client in (aws.sagemaker, aws.cloudwatch):
        client.meta.events.register_last("after-call", heard.hear)
    policy = stage_files.load("staging", [*SETTINGS, "endpoint.name=watched"], os.environ)
    account.group("watched")
    rollout.apply(aws, clock, policy, account.package("watched"), lambda *_: None)
    heard.calls.clear()
    with account.traffic("watched", pause=0.05):
        rollout.apply(aws, clock, policy, account.package("watched"), lambda *_: None)
        yield _rate(heard.calls)
        bad = account.package("watched")
        account.faults("PUT", {"fault": "errors:0.5", "target": bad})
        rollout.apply(aws, clock, policy, bad, lambda *_: None)
    verdict = clock.now()
    back = aws.sagemaker.describe_endpoint(EndpointName="watched")["LastModifiedTime"]
    late = (verdict - back).total_seconds()
    yield f"verdict {late:.0f} AWS s after the endpoint served the old version again: {late / POLL:.2f} of one look"


def _rate(calls: Sequence[tuple[str, datetime]]) -> str:
    """Calls between the first and the last look of the waiting."""
    began = next(at for name, at in calls if name == "UpdateEndpoint")
    waiting = [(name, at) for name, at in calls if at >= began and name in WAITING]
    minutes = (waiting[-1][1] - began).total_seconds() / 60
    rate = len(waiting) / minutes
    limit = f"{rate / CALLS_A_MINUTE:.2f} of the limit of {CALLS_A_MINUTE}"
    return f"{rate:.1f} API calls a minute over {minutes:.0f} AWS minutes of waiting: {limit}"


def _weighed(account: Account) -> Iterator[str]:
    account.group("weighed")
    command = [sys.executable, "-m", "deploy", "apply", "--stage", "staging", "--set", "endpoint.name=weighed"]
    command += [word for setting in SETTINGS for word in ("--set", setting)]
    _, _, least = _run([*command, "--model-package", account.package("weighed")])
    with account.traffic("weighed", pause=0.05):
        wall, memory, cpu = _run([*command, "--model-package", account.package("weighed")])
    yield f"{memory:.0f} MB of memory: {memory / MEGABYTES:.2f} of the limit of {MEGABYTES} MB"
    yield f"{max(cpu - least, 0):.2f} s of CPU beyond a creation's, over {wall:.0f} s (AWS's clock x {SPEED})"


LAUNCHER = """
import json, os, subprocess, sys
process = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
_, status, usage = os.wait4(process.pid, 0)
print(json.dumps([os.waitstatus_to_exitcode(status), usage.ru_maxrss, usage.ru_utime + usage.ru_stime]))
"""
"""A small parent: a process counts the memory of the one that started it as its own peak."""


def _run(command: list[str]) -> tuple[float, float, float]:
    """Wall seconds, megabytes and CPU seconds of a process, which must succeed."""
    began = time.monotonic()
    launched = subprocess.run([sys.executable, "-c", LAUNCHER, *command], check=True, capture_output=True, text=True)
    code, memory, cpu = json.loads(launched.stdout)
    if code:
        raise RuntimeError(f"{' '.join(command)} ended with {code}")
    unit = 1024 if sys.platform != "darwin" else 1024 * 1024
    return time.monotonic() - began, memory / unit, cpu
