"""What AWS leaves open is a switch that a person can set."""

from pathlib import Path

import pytest

from local.unverified import Unverified, assume, switches

LOCAL = Path(__file__).parents[3] / "local"


@pytest.mark.parametrize("name", [switch.name for switch in switches()])
def test_a_switch_is_asked_by_the_stand_in(name):
    assert any(f".{name}" in path.read_text() for path in LOCAL.rglob("*.py") if path.name != "unverified.py")


def test_without_a_choice_every_switch_is_at_its_first_reading():
    assert all(getattr(Unverified(), switch.name) == switch.readings[0] for switch in switches())


def test_a_choice_sets_one_switch_and_leaves_the_others():
    assert assume(["rollback_status=Updating"]) == Unverified(rollback_status="Updating")


@pytest.mark.parametrize(
    ("choice", "says"),
    [("colour=blue", "There is no switch colour"), ("rollback_status=Gone", "RollingBack or Updating")],
)
def test_a_choice_that_is_none_is_refused_with_what_there_is(choice, says):
    with pytest.raises(ValueError, match=says):
        assume([choice])
