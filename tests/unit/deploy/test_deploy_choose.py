"""The chooser: every answer leads to a policy that passes every check, with a reason for each value."""

import io
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from worlds import ENVIRON

from deploy import stage_files
from deploy.choose import Answers, Choice, choose, stage_file
from deploy.cli import World, main
from deploy.policy import Policy

answers = st.builds(
    Answers,
    customers_may_see_errors=st.booleans(),
    compare=st.booleans(),
    requests_per_minute=st.floats(0, 1e5),
    instances=st.integers(1, 300),
    double_fleet=st.booleans(),
    window_minutes=st.floats(1, 5000),
)
CALM = Answers(
    customers_may_see_errors=True,
    compare=False,
    requests_per_minute=600,
    instances=4,
    double_fleet=True,
    window_minutes=120,
)


def policy_of(choice: Choice, folder: Path) -> Policy:
    (folder / "dev.yaml").write_text(stage_file("dev", choice))
    return stage_files.load("dev", [], ENVIRON, folder)


def strategy(**changes: object) -> str:
    values = choose(Answers(**{**CALM.__dict__, **changes})).values
    return next(value.text for value in values if value.key == "rollout.strategy")


@given(answers)
def test_whatever_is_answered_the_stage_file_is_a_policy(said: Answers) -> None:
    with tempfile.TemporaryDirectory() as folder:
        assert policy_of(choose(said), Path(folder)).rollout.phases


@given(answers)
def test_every_value_has_a_reason(said: Answers) -> None:
    assert all(value.why for value in choose(said).values)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "canary"),
        ({"customers_may_see_errors": False}, "shadow, canary"),
        ({"compare": True}, "ab_test, canary"),
        ({"customers_may_see_errors": False, "compare": True, "instances": 8}, "shadow, ab_test, linear"),
        ({"double_fleet": False}, "rolling"),
        ({"instances": 1}, "all_at_once"),
        ({"window_minutes": 25}, "all_at_once"),
    ],
)
def test_the_matrix(changes: dict, expected: str) -> None:
    assert strategy(**changes) == expected


def test_too_little_traffic_is_said() -> None:
    choice = choose(Answers(**{**CALM.__dict__, "requests_per_minute": 1}))
    assert any("a small regression will not be caught" in warning.lower() for warning in choice.warnings)


def run(folder: Path, *words: str, ask=None) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()

    def nothing() -> None:
        raise AssertionError("choose asks AWS nothing")

    code = main(["choose", "--stage", "dev", *words], World(ENVIRON, folder, nothing, out, err, ask))
    return code, out.getvalue(), err.getvalue()


def test_the_questions_are_asked_where_no_option_answers_them(tmp_path: Path) -> None:
    said = iter(["no", "perhaps", "", "no", "600", "4", "yes", "120"])
    asked: list[str] = []

    def ask(text: str) -> str:
        asked.append(text)
        return next(said)

    code, _, _ = run(tmp_path, ask=ask)
    assert code == 0
    assert "shadow, canary" in (tmp_path / "dev.yaml").read_text()
    assert any("write yes or no" in text for text in asked)


def test_without_a_terminal_the_missing_options_are_named(tmp_path: Path) -> None:
    code, _, said = run(tmp_path, "--compare", "no")
    assert code == 2
    assert "--instances 4" in said
    assert not list(tmp_path.iterdir())


def test_a_stage_file_is_not_overwritten_unless_told_to(tmp_path: Path) -> None:
    (tmp_path / "dev.yaml").write_text("mine")
    answers = "--customers-may-see-errors yes --compare no --requests-per-minute 9 --instances 2"
    flags = [*answers.split(), "--double-fleet", "yes", "--window-minutes", "60"]
    assert run(tmp_path, *flags)[0] == 2
    assert (tmp_path / "dev.yaml").read_text() == "mine"
    assert run(tmp_path, *flags, "--force")[0] == 0
