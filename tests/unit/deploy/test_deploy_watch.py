"""The live view: what it reads, how it looks, and that it is drawn in place."""

import io
from datetime import timedelta
from pathlib import Path

import pytest
from fake_aws import START, FakeAws, Killed
from worlds import apply, policy, serving

from deploy.decision import Outcome
from deploy.guardrails import guardrails
from deploy.views import live, status
from deploy.views.live import AlarmNow, FleetNow, Live
from deploy.views.screen import Screen
from deploy.views.status import Status, View
from deploy.views.tree import tree

GOLDEN = Path(__file__).parent / "golden"


def under_way() -> FakeAws:
    """A canary that bakes."""
    world, _ = serving()
    world.kill_at = 6
    with pytest.raises(Killed):
        apply(world, world.add_package(2))
    world.clock.wait(600)
    return world


def shown(live_now: Live, outcome: Outcome = Outcome.IN_PROGRESS, reason: str = "Updating") -> str:
    world = under_way()
    view = status.look(world, policy())
    return tree(policy(), view, Status(outcome, (reason,)), live_now, START + timedelta(minutes=30))


def test_the_tree_is_the_view_that_is_kept() -> None:
    """Kept as it should look: a diff shows what a change does to it."""
    errors, latency, distance = guardrails(policy())
    fleets = (
        FleetNow("v1", "version 1", 412.0, 0.503, 0.0),
        FleetNow("v2", "version 2", 407.0, 0.497, 0.124),
    )
    alarms = (
        AlarmNow(errors, "ALARM", 0.124),
        AlarmNow(latency, "OK", 38_000.0),
        AlarmNow(distance, "INSUFFICIENT_DATA", None),
    )
    text = shown(Live(fleets, alarms, START + timedelta(minutes=18)), reason="Updating: Baking for 600 seconds")
    assert text + "\n" == (GOLDEN / "watch.txt").read_text()


def test_one_request_reads_all_numbers() -> None:
    world = under_way()
    view = status.look(world, policy())
    world.calls.clear()
    found = live.look(world, policy(), view, world.clock.now())
    assert [name for name, _ in world.calls] == ["GetMetricData"]
    assert [fleet.version for fleet in found.fleets] == ["version 1", "version 2"]
    assert len(found.alarms) == 3


def test_without_an_endpoint_there_is_nothing_to_show() -> None:
    assert live.look(FakeAws(), policy(), View(None), START) == Live()


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_on_a_terminal_a_view_takes_the_place_of_the_last_one() -> None:
    terminal = Terminal()
    screen = Screen(terminal)
    screen.show("one\ntwo")
    screen.show("three")
    assert terminal.getvalue() == "one\ntwo\n\x1b[2A\x1b[Jthree\n"


def test_elsewhere_only_changes_are_printed() -> None:
    log = io.StringIO()
    screen = Screen(log)
    for text in ("one", "one", "two"):
        screen.show(text)
    assert log.getvalue() == "one\ntwo\n"


def test_lines_are_cut_to_the_terminal_so_that_the_place_stays_right() -> None:
    terminal = Terminal()
    Screen(terminal, columns=8).show("123456789")
    assert terminal.getvalue() == "1234567…\n"
