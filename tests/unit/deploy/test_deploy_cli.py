"""The command line: exit codes, what goes to stdout, and a sentence for everything that goes wrong."""

import io
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError, NoCredentialsError, NoRegionError
from fake_aws import FakeAws, refusal
from worlds import ENVIRON, STAGES, apply, serving

from deploy import stage_files
from deploy.cli import World, main

GOLDEN = Path(__file__).parent / "golden"


class Terminal:
    """The commands on a fake AWS, and what they printed."""

    def __init__(self, aws: FakeAws, connect: Callable[[], Any] | None = None) -> None:
        self.out, self.err = io.StringIO(), io.StringIO()
        self.world = World(ENVIRON, STAGES, connect or (lambda: (aws, aws.clock)), self.out, self.err)

    def run(self, *arguments: str) -> int:
        return main(arguments, self.world)

    def json(self) -> Any:
        return json.loads(self.out.getvalue())


def test_apply_that_promotes_exits_0_and_says_so_on_stdout() -> None:
    world, _ = serving()
    terminal = Terminal(world)
    assert terminal.run("apply", "--stage", "staging", "--model-package", world.add_package(2)) == 0
    assert terminal.out.getvalue().startswith("staging: promoted\n")
    assert "Updating to flight-delay-staging-v2-1-" in terminal.err.getvalue()


def test_apply_that_is_rolled_back_exits_3_with_the_alarm_in_its_json() -> None:
    world, _ = serving()
    new = world.add_package(2)
    world.bad = {"error-rate": 4}
    terminal = Terminal(world)
    assert terminal.run("apply", "--stage", "staging", "--model-package", new, "--json") == 3
    result = terminal.json()
    assert result["outcome"] == "rolled_back"
    assert result["model_package_arn"] == new
    assert "0.42" in result["reasons"][0]


def test_apply_without_evidence_exits_4() -> None:
    world, _ = serving()
    world.requests_per_minute = 0
    assert Terminal(world).run("apply", "--stage", "staging", "--model-package", world.add_package(2)) == 4


def test_apply_of_a_package_that_is_not_approved_exits_1() -> None:
    world = FakeAws()
    arn = world.add_package(1, ModelApprovalStatus="PendingManualApproval")
    assert Terminal(world).run("apply", "--stage", "staging", "--model-package", arn) == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ("--stage", "nowhere"),
        ("--stage", "staging", "--set", "rollout.canary.percent=80"),
        ("--stage", "staging", "--set", "nonsense"),
        ("--stage", "staging", "--model-package", "flight-delay/1"),
    ],
)
def test_bad_usage_or_policy_exits_2_before_anything_is_asked_of_aws(arguments: tuple[str, ...]) -> None:
    world = FakeAws()
    terminal = Terminal(world)
    assert terminal.run("apply", "--model-package", world.add_package(1), *arguments, "--json") == 2
    assert world.calls == []
    assert terminal.json()["outcome"] == "error"
    assert terminal.err.getvalue()


@pytest.mark.parametrize("arguments", [(), ("deploy",), ("apply",), ("apply", "--stage", "staging")])
def test_a_command_line_that_is_incomplete_exits_2(arguments: tuple[str, ...]) -> None:
    with pytest.raises(SystemExit) as caught:
        Terminal(FakeAws()).run(*arguments)
    assert caught.value.code == 2


@pytest.mark.parametrize("command", ["plan", "apply", "status", "watch", "rollback"])
def test_every_command_has_help(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        Terminal(FakeAws()).run(command, "--help")
    assert caught.value.code == 0
    assert "--stage" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (refusal("DescribeEndpoint", "User is not authorized", "AccessDeniedException"), "Allow the role"),
        (refusal("DescribeEndpoint", "The security token is expired", "ExpiredTokenException"), "Renew the AWS cred"),
        (refusal("DescribeEndpoint", "Rate exceeded", "ThrottlingException"), "limits the call rate"),
        (refusal("CreateEndpoint", "no quota for ml.m5.large", "ResourceLimitExceeded"), "endpoint.instance_type"),
        (refusal("DescribeEndpoint", "odd", "InternalFailure"), "run the command again"),
        (NoRegionError(), "AWS_DEFAULT_REGION"),
        (NoCredentialsError(), "AWS_PROFILE"),
        (EndpointConnectionError(endpoint_url="http://127.0.0.1:1"), "AWS_ENDPOINT_URL"),
    ],
)
def test_an_error_of_aws_is_one_sentence_with_what_to_do_and_exits_1(error: Exception, words: str) -> None:
    def connect() -> Any:
        raise error

    terminal = Terminal(FakeAws(), connect)
    assert terminal.run("status", "--stage", "staging") == 1
    said = terminal.err.getvalue()
    assert words in said
    assert said.count("\n") == 1


def test_ctrl_c_says_that_sagemaker_goes_on_and_exits_130() -> None:
    def connect() -> Any:
        raise KeyboardInterrupt

    terminal = Terminal(FakeAws(), connect)
    assert terminal.run("status", "--stage", "staging") == 130
    assert "goes on in SageMaker" in terminal.err.getvalue()


def test_plan_as_json_holds_every_request_in_full() -> None:
    world, _ = serving()
    terminal = Terminal(world)
    assert terminal.run("plan", "--stage", "staging", "--model-package", world.add_package(2), "--json") == 0
    plan = terminal.json()
    assert [request["operation"] for request in plan["requests"]][-1] == "UpdateEndpoint"
    assert plan["steps"][0] == {
        "name": "canary",
        "instances": 1,
        "of": 2,
        "seconds": 600,
        "key": "rollout.canary.bake_minutes",
        "share": 0.5,
    }


def test_plan_shows_what_an_override_does() -> None:
    world, _ = serving()
    terminal = Terminal(world)
    arguments = ("--stage", "staging", "--model-package", world.add_package(2))
    terminal.run("plan", *arguments, "--set", "endpoint.instance_count=10", "--set", "rollout.canary.percent=10")
    assert "canary: 1 of 10 instances, 10% of the traffic" in terminal.out.getvalue()


def test_rollback_that_succeeds_exits_0_and_one_that_cannot_exits_1() -> None:
    world, _ = serving(versions=2)
    assert Terminal(world).run("rollback", "--stage", "staging") == 0
    assert Terminal(world).run("rollback", "--stage", "staging") == 1


def bad_rollout(world: FakeAws) -> None:
    world.bad = {"error-rate": 4}
    apply(world, world.add_package(2))


def no_traffic(world: FakeAws) -> None:
    world.requests_per_minute = 0
    apply(world, world.add_package(2))


def half_way(world: FakeAws) -> None:
    apply(world, world.add_package(2))
    world.update_endpoint("flight-delay-staging", next(iter(world.configs)))


@pytest.mark.parametrize(
    ("story", "code", "golden"),
    [
        (lambda _: None, 0, "status_created.txt"),
        (bad_rollout, 3, "status_rolled_back.txt"),
        (no_traffic, 4, "status_inconclusive.txt"),
        (half_way, 4, "status_in_progress.txt"),
    ],
)
def test_status_says_where_the_stage_stands_and_why(story: Callable[[FakeAws], None], code: int, golden: str) -> None:
    world, _ = serving()
    story(world)
    world.calls.clear()
    terminal = Terminal(world)
    assert terminal.run("status", "--stage", "staging") == code
    assert terminal.out.getvalue() == (GOLDEN / golden).read_text()
    assert world.changes == []


def test_status_of_a_stage_that_was_never_deployed_says_how_to_begin() -> None:
    terminal = Terminal(FakeAws())
    assert terminal.run("status", "--stage", "staging", "--json") == 1
    assert "the first apply creates it" in terminal.json()["reasons"][0]


def test_watch_shows_the_status_until_nothing_is_under_way() -> None:
    world, _ = serving(versions=2)
    world.update_endpoint("flight-delay-staging", next(iter(world.configs)))
    terminal = Terminal(world)
    terminal.run("watch", "--stage", "staging")
    assert "in_progress" in terminal.err.getvalue()
    assert "in_progress" not in terminal.out.getvalue()


def test_the_command_runs_as_a_module_and_needs_no_network_for_a_bad_policy() -> None:
    command = [sys.executable, "-m", "deploy", "status", "--stage", "nowhere"]
    result = subprocess.run(command, capture_output=True, text=True, check=False, cwd=stage_files.STAGES.parents[1])
    assert result.returncode == 2
    assert "stages are production, staging" in result.stderr


def test_without_an_approved_version_there_is_nothing_to_do_and_that_is_no_failure() -> None:
    world = FakeAws()
    world.add_package(1, ModelApprovalStatus="PendingManualApproval")
    terminal = Terminal(world)
    assert terminal.run("apply", "--stage", "staging", "--latest-approved", "flight-delay") == 0
    assert "No version of flight-delay is approved yet" in terminal.out.getvalue()
    assert world.changes == []


def test_the_newest_approved_version_can_be_asked_for() -> None:
    world, _ = serving()
    newest = world.add_package(2)
    world.add_package(3, ModelApprovalStatus="PendingManualApproval")
    terminal = Terminal(world)
    assert terminal.run("apply", "--stage", "staging", "--latest-approved", "flight-delay", "--json") == 0
    assert terminal.json()["model_package_arn"] == newest
