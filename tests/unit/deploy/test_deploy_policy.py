"""Stage files: what they may say, and the sentence that answers what they may not."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from fake_aws import ROLE
from worlds import ENVIRON, STAGES, policy

from deploy import policy as policies
from deploy import stage_files
from deploy.errors import PolicyError, UsageError
from deploy.guardrails import guardrails
from deploy.policy import ROLE_VARIABLE


def problems(*overrides: str, **environ: str) -> list[str]:
    with pytest.raises(PolicyError) as caught:
        stage_files.load("staging", overrides, environ or ENVIRON, STAGES)
    return caught.value.problems


def problems_of(text: str, folder: Path) -> list[str]:
    stages = folder / "deploy" / "stages"
    stages.mkdir(parents=True, exist_ok=True)
    (stages / "dev.yaml").write_text(text)
    with pytest.raises(PolicyError) as caught:
        stage_files.load("dev", [], ENVIRON, stages)
    return caught.value.problems


@pytest.mark.parametrize("stage", stage_files.stages())
def test_every_stage_file_of_the_project_is_a_policy(stage: str) -> None:
    assert policy(stage=stage, folder=stage_files.STAGES).stage == stage


def test_a_value_over_awss_limit_names_file_key_value_limit_and_fix(tmp_path: Path) -> None:
    text = (STAGES / "staging.yaml").read_text().replace("percent: 50\n", "percent: 80\n")
    assert problems_of(text, tmp_path) == [
        (
            "deploy/stages/dev.yaml: rollout.canary.percent is 80; "
            "SageMaker allows 1 to 50 (CanarySize, AWS API reference TrafficRoutingConfig). Write 50 or less."
        )
    ]


def test_a_value_from_the_command_line_is_named_as_such() -> None:
    assert problems("rollout.canary.percent=80")[0].startswith("--set: rollout.canary.percent is 80;")


def test_an_unknown_key_says_which_was_probably_meant(tmp_path: Path) -> None:
    text = (STAGES / "staging.yaml").read_text().replace("bake_minutes: 10", "bake_minuts: 10")
    found = problems_of(text, tmp_path)
    assert (
        "deploy/stages/dev.yaml: there is no key rollout.canary.bake_minuts. Did you mean rollout.canary.bake_minutes?"
        in found
    )
    assert any("rollout.canary.bake_minutes is missing: how long the canary is watched" in line for line in found)


def test_a_key_in_the_wrong_section_is_pointed_to_its_own() -> None:
    assert problems("endpoint.bake_minutes=25") == [
        "--set: there is no key endpoint.bake_minutes. Did you mean rollout.canary.bake_minutes?"
    ]


def test_every_problem_is_told_at_once() -> None:
    found = problems(
        "rollout.canary.percent=80", "rollout.strategy=sideways", "endpoint.nam=x", "endpoint.instance_count=two"
    )
    assert len(found) == 4


def test_a_strategy_that_there_is_not_says_which_there_are() -> None:
    (found,) = problems("rollout.strategy=liner")
    assert "rollout.strategy is liner; trials are shadow, ab_test, each at most once" in found
    assert "one shift ends it: all_at_once, canary, linear, rolling" in found


def test_a_strategy_without_its_section_says_what_to_write() -> None:
    (found,) = problems("rollout.strategy=linear", "rollout.linear=null")
    assert "rollout.linear is missing" in found
    assert found.endswith("Write for example linear: {percent: 25, bake_minutes: 5}.")


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        (["rollout.canary.bake_minutes=40", "rollout.final_bake_minutes=30"], "bakes alone take 70"),
        (["rollout.timeout_minutes=15"], "bakes alone take 15"),
        (["rollout.canary.bake_minutes=3"], "can fire after 4 minutes at the earliest"),
        (["guardrails.error_rate.datapoints=4"], "datapoints is 4, more than guardrails.error_rate.of"),
        (["rollout.canary.percent=40"], "0.8 of 2 instances"),
        (["endpoint.instance_count=1"], "a canary needs 2 or more"),
        (["guardrails.error_rate.above=5"], "never above 1"),
        (["endpoint.name=under_score"], "letters, digits and inner hyphens"),
        ([f"endpoint.name={'x' * 64}"], "Write at most 63 characters"),
        (["rollout.timeout_minutes=5"], "SageMaker allows 10 to 480"),
        (["guardrails.period_seconds=90"], "Write a multiple of 60"),
        (["endpoint.instance_count=2.5"], "whole number"),
        (["rollout.canary.percent=.nan"], "finite number"),
        (["rollout.canary=7"], "must hold keys of its own"),
        (
            ["guardrails.error_rate=null", "guardrails.latency_p99=null", "guardrails.prediction_distance=null"],
            "guardrails holds no alarm",
        ),
    ],
)
def test_what_cannot_work_is_refused_with_the_reason(overrides: list[str], words: str) -> None:
    assert any(words in found for found in problems(*overrides))


def test_a_guardrail_may_be_left_out() -> None:
    kept = guardrails(policy("guardrails.latency_p99=null"))
    assert [rail.name for rail in kept] == ["error-rate", "prediction-distance"]


def test_the_role_comes_from_the_environment_when_the_file_does_not_say_it() -> None:
    assert policy().endpoint.execution_role_arn == ROLE
    assert "environment variable SAGEMAKER_EXECUTION_ROLE_ARN" in problems(HOME="/")[0]


def test_a_wrong_role_names_where_it_came_from() -> None:
    assert problems(**{ROLE_VARIABLE: "admin"})[0].startswith(f"environment variable {ROLE_VARIABLE}: ")


def test_an_unknown_stage_lists_the_stages_that_exist() -> None:
    with pytest.raises(UsageError, match="production, staging"):
        stage_files.load("stagin", [], ENVIRON, STAGES)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("endpoint:\n  name: [x", "line 2, column"),
        ("endpoint:\n  name: x\n  name: y", "line 3, column 3: name is written twice"),
        ("endpoint:\n  1: x", "line 2, column 3: 1 is not a key's name"),
        ("- just\n- a list", "holds no keys"),
        ("", "holds no keys"),
        ("stage: dev\nendpoint: {}", "there is no key stage"),
    ],
)
def test_a_file_that_is_not_a_policy_is_a_sentence_with_its_place(text: str, words: str, tmp_path: Path) -> None:
    assert any(words in found for found in problems_of(text, tmp_path))


@pytest.mark.parametrize("text", ["rollout.canary.percent", "=3"])
def test_a_set_without_key_and_value_is_a_usage_error(text: str) -> None:
    with pytest.raises(UsageError, match=r"path\.to\.key=value"):
        stage_files.load("staging", [text], ENVIRON, STAGES)


def test_every_setting_is_described_and_every_key_of_the_examples_is_a_setting() -> None:
    described = {path: field.description for path, field in policies.fields()}
    assert all(described.values())

    def keys(data: dict[str, Any], prefix: str = "") -> set[str]:
        found = {prefix + key for key in data}
        for key, value in data.items():
            found |= keys(value, f"{prefix}{key}.") if isinstance(value, dict) else set()
        return found

    for stage in stage_files.stages():
        assert keys(yaml.safe_load((stage_files.STAGES / f"{stage}.yaml").read_text())) <= set(described)
