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

SPEED = 100
SIDE_BY_SIDE = 6
STRATEGIES = ("all_at_once", "canary", "linear", "rolling", "shadow", "ab_test")
SITUATIONS = ("good", "bad", "no traffic", "no endpoint", "failed endpoint")
SETTINGS = (
    "rollout.canary={percent: 50, bake_minutes: 5}",
    "rollout.linear={percent: 50, bake_minutes: 5}",
    "rollout.rolling={percent: 50, bake_minutes: 5}",
    "rollout.shadow={minutes: 6, minimum_requests: 3}",
    "rollout.ab_test={minutes: 6, minimum_requests: 3, percent: 50}",
    "rollout.final_bake_minutes=5",
    "guardrails.minimum_requests=3",
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


def apply(strategy: str, endpoint: str, package: str, *more: str) -> tuple[int, dict]:
    """`python -m deploy apply`, in this process."""
    out, err = io.StringIO(), io.StringIO()

    def dial() -> tuple:
        clock = AwsClock(float(os.environ["AWS_CLOCK_SPEED"]))
        return connect(clock), clock

    words = ["apply", "--stage", "staging", "--model-package", package, "--json"]
    settings = [f"rollout.strategy={strategy}", f"endpoint.name={endpoint}", *SETTINGS, *more]
    words += [word for setting in settings for word in ("--set", setting)]
    code = main(words, World({"SAGEMAKER_EXECUTION_ROLE_ARN": ROLE}, STAGES, dial, out, err))
    return code, json.loads(out.getvalue())


def play(account: Account, strategy: str, situation: str, *more: str) -> Ending:
    name = "-".join([strategy, situation, *(setting.rpartition("=")[2] for setting in more[:1])])
    name = name.replace("_", "-").replace(" ", "-")
    account.group(name)
    if situation == "failed endpoint":
        apply(strategy, name, account.package(name, b"this is no archive"))
    elif situation != "no endpoint":
        apply(strategy, name, account.package(name))
    package = account.package(name)
    if situation == "bad":
        account.faults("PUT", {"fault": "errors:1", "target": package})
    if situation in ("good", "bad"):
        with account.traffic(name, pause=0.02) as failed:
            code, result = apply(strategy, name, package, *more)
    else:
        failed = []
        code, result = apply(strategy, name, package)
    config = account.sagemaker.describe_endpoint(EndpointName=name)["EndpointConfigName"]
    approval = account.sagemaker.describe_model_package(ModelPackageName=package)["ModelApprovalStatus"]
    return Ending(code, result, failed, config, approval)


def play_with_surroundings(account: Account) -> dict:
    """A good canary in a stage that scales, captures, draws, tells, asks a smoke request and keeps two versions."""
    name = "surrounded"
    account.group(name)
    topic = account.client("sns").create_topic(Name=name)["TopicArn"]
    queue = account.client("sqs").create_queue(QueueName=name)["QueueUrl"]
    arn = account.client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])
    account.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn["Attributes"]["QueueArn"])
    settings = (
        "endpoint.autoscaling={minimum: 2, maximum: 4, requests_per_instance: 100000}",
        f"endpoint.data_capture={{percent: 100, destination: 's3://{account.bucket}/captured'}}",
        "endpoint.smoke={body: '1', expect: '^0[.]5'}",
        f"notify={{topic_arn: '{topic}'}}",
        "dashboard=true",
        "rollout.keep_versions=2",
    )
    apply("all_at_once", name, account.package(name), *settings)
    with account.traffic(name, pause=0.02):
        for strategy in ("canary", "all_at_once"):
            code, result = apply(strategy, name, account.package(name), *settings)
    sagemaker, sqs = account.sagemaker, account.client("sqs")
    return {
        "outcome": (result["outcome"], code, result["reasons"]),
        "scales": account.client("application-autoscaling").describe_scalable_targets(
            ServiceNamespace="sagemaker", ResourceIds=[f"endpoint/{name}/variant/AllTraffic"]
        )["ScalableTargets"],
        "captures": sagemaker.describe_endpoint(EndpointName=name)["DataCaptureConfig"],
        "dashboards": account.cloudwatch.list_dashboards(DashboardNamePrefix=name)["DashboardEntries"],
        "told": [
            json.loads(message["Body"])["Subject"]
            for _ in range(3)
            for message in sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", [])
        ],
        "configs": sagemaker.list_endpoint_configs(NameContains=name)["EndpointConfigs"],
    }


@pytest.fixture(scope="module")
def endings() -> Iterator[dict[tuple[str, str], Future[Ending]]]:
    process = start("up", "--port", "0", "--speed", str(SPEED))
    with pytest.MonkeyPatch.context() as patch, ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        try:
            environment = exports(process)
            for variable, value in environment.items():
                patch.setenv(variable, value)
            account = Account(environment)
            experiment = ("rollout.shadow.by=experiment", "rollout.shadow.minutes=60")
            first = {
                ("", "surrounded"): pool.submit(play_with_surroundings, account),
                ("experiment", "good"): pool.submit(play, account, "shadow", "good", *experiment),
                ("experiment", "bad"): pool.submit(play, account, "shadow", "bad", *experiment),
            }
            yield first | {
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


@pytest.mark.parametrize(
    ("what", "holds"),
    [
        ("scales", lambda targets: (targets[0]["MinCapacity"], targets[0]["MaxCapacity"]) == (2, 4)),
        (
            "captures",
            lambda capture: (capture["CaptureStatus"], capture["CurrentSamplingPercentage"]) == ("Started", 100),
        ),
        ("dashboards", lambda entries: [entry["DashboardName"] for entry in entries] == ["surrounded"]),
        ("told", lambda told: max(told) == "staging: version 3 of surrounded promoted"),
        ("configs", lambda configs: len(configs) == 2),
    ],
)
def test_what_a_stage_asks_for_around_a_rollout_is_there(endings, what: str, holds) -> None:
    found = endings["", "surrounded"].result()
    assert holds(found[what]), found


@pytest.mark.parametrize("situation", ["good", "bad"])
def test_a_shadow_as_an_inference_experiment_ends_as_a_shadow_variant_does(endings, situation: str) -> None:
    ending = endings["experiment", situation].result()
    assert (ending.result["outcome"], ending.code) == EXPECTED[situation], ending.result["reasons"]
    assert ending.failed == []


def test_no_caller_ever_sees_what_a_shadow_answers(endings) -> None:
    assert endings["shadow", "bad"].result().failed == []
