"""Every strategy on the stand-in, with real model servers: good and bad models, no traffic, no or a failed endpoint.

All scenarios run side by side, each on an endpoint and a group of its own; a test looks at how its own one ended.
"""

import io
import json
import os
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import pytest

from deploy.aws import connect
from deploy.cli import World, main
from deploy.clock import AwsClock
from deploy.stage_files import STAGES
from tests.functional.account import ROLE, Account
from tests.functional.conftest import exports, interrupt, start

SPEED = 150
SIDE_BY_SIDE = 6
STRATEGIES = ("all_at_once", "canary", "linear", "rolling", "shadow", "ab_test")
SITUATIONS = ("good", "bad", "no traffic", "no endpoint", "failed endpoint")
SETTINGS = (
    "rollout.canary={percent: 50, bake_minutes: 5}",
    "rollout.linear={percent: 50, bake_minutes: 5}",
    "rollout.rolling={percent: 50, bake_minutes: 5}",
    "rollout.shadow={minutes: 6, minimum_requests: 5}",
    "rollout.ab_test={minutes: 6, minimum_requests: 5, percent: 50}",
    "rollout.final_bake_minutes=5",
    "guardrails.minimum_requests=10",
    "guardrails.latency_p99=null",
    "guardrails.prediction_distance=null",
)
EXPECTED = {
    "good": ("promoted", 0),
    "bad": ("rolled_back", 3),
    "no traffic": ("inconclusive", 4),
    "no endpoint": ("created", 0),
    "failed endpoint": ("failed", 1),
}


@dataclass(frozen=True)
class Ending:
    """How a scenario ended: the command's exit code and result, what callers saw fail, and what serves now."""

    code: int
    result: dict
    failed: list[str]
    serves: str
    approval: str


def apply(strategy: str, endpoint: str, package: str) -> tuple[int, dict]:
    """`python -m deploy apply`, in this process."""
    out, err = io.StringIO(), io.StringIO()

    def dial() -> tuple:
        clock = AwsClock(float(os.environ["AWS_CLOCK_SPEED"]))
        return connect(clock), clock

    words = ["apply", "--stage", "staging", "--model-package", package, "--json"]
    settings = [f"rollout.strategy={strategy}", f"endpoint.name={endpoint}", *SETTINGS]
    words += [word for setting in settings for word in ("--set", setting)]
    code = main(words, World({"SAGEMAKER_EXECUTION_ROLE_ARN": ROLE}, STAGES, dial, out, err))
    return code, json.loads(out.getvalue())


def play(account: Account, strategy: str, situation: str) -> Ending:
    name = f"{strategy}-{situation}".replace("_", "-").replace(" ", "-")
    account.group(name)
    if situation == "failed endpoint":
        apply(strategy, name, account.package(name, b"this is no archive"))
    elif situation != "no endpoint":
        apply(strategy, name, account.package(name))
    package = account.package(name)
    if situation == "bad":
        account.faults("PUT", {"fault": "errors:0.5", "target": package})
    if situation in ("good", "bad"):
        with account.traffic(name, pause=0.02) as failed:
            code, result = apply(strategy, name, package)
    else:
        failed = []
        code, result = apply(strategy, name, package)
    config = account.sagemaker.describe_endpoint(EndpointName=name)["EndpointConfigName"]
    approval = account.sagemaker.describe_model_package(ModelPackageName=package)["ModelApprovalStatus"]
    return Ending(code, result, failed, config, approval)


@pytest.fixture(scope="module")
def endings() -> Iterator[dict[tuple[str, str], Future[Ending]]]:
    process = start("up", "--port", "0", "--speed", str(SPEED))
    with pytest.MonkeyPatch.context() as patch, ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        try:
            environment = exports(process)
            for variable, value in environment.items():
                patch.setenv(variable, value)
            account = Account(environment)
            yield {
                (strategy, situation): pool.submit(play, account, strategy, situation)
                for strategy in STRATEGIES
                for situation in SITUATIONS
            }
        finally:
            pool.shutdown(cancel_futures=True)
            interrupt(process)


@pytest.mark.parametrize("situation", SITUATIONS)
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_rollout_ends_as_it_should(endings, strategy: str, situation: str) -> None:
    ending = endings[strategy, situation].result()
    assert (ending.result["outcome"], ending.code) == EXPECTED[situation], ending.result["reasons"]


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_good_version_serves_in_the_end_and_no_caller_noticed(endings, strategy: str) -> None:
    ending = endings[strategy, "good"].result()
    assert "-v2-" in ending.serves
    assert ending.failed == []


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_bad_version_is_rejected_and_the_one_before_serves(endings, strategy: str) -> None:
    ending = endings[strategy, "bad"].result()
    assert ending.approval == "Rejected"
    assert "-v1-" in ending.serves


def test_no_caller_ever_sees_what_a_shadow_answers(endings) -> None:
    assert endings["shadow", "bad"].result().failed == []
