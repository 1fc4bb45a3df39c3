"""The same story with the same seed decides the same, at another speed and on a machine that falls asleep meanwhile."""

import json
import os
import signal
import time

import pytest

from tests.functional.conftest import STORY, start

ASLEEP_SECONDS = 2


@pytest.fixture(scope="module")
def told_again(tmp_path_factory) -> tuple[dict, str]:
    """The short story at half its speed, the process stopped for a while in the middle of a canary: report and text."""
    folder = tmp_path_factory.mktemp("again")
    process = start("rehearse", "--story", str(STORY), "--out", str(folder), "--speed", "120")
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line)
        if "".join(lines).count("approved by a person") == 2:
            break
    time.sleep(3)  # into the rollout; where in it does not matter
    os.kill(process.pid, signal.SIGSTOP)
    time.sleep(ASLEEP_SECONDS)
    os.kill(process.pid, signal.SIGCONT)
    out, said = process.communicate(timeout=240)
    assert process.returncode == 0, out + said
    return json.loads((folder / "report.json").read_text()), "".join(lines) + out


def test_the_same_seed_decides_the_same_at_another_speed(told, told_again):
    first, again = json.loads((told[0] / "report.json").read_text()), told_again[0]
    assert (first["seed"], first["speed"], again["speed"]) == (again["seed"], 240, 120)
    assert again["decisions"] == first["decisions"]


def test_the_decisions_say_which_alarm_rolled_back(told_again):
    outcomes = [(rollout["outcome"], rollout["fired"]) for rollout in told_again[0]["decisions"]["rollouts"]]
    assert outcomes == [("created", []), ("promoted", []), ("rolled_back", ["error-rate"])]


def test_a_machine_that_was_asleep_says_that_awss_clock_stood_still(told_again):
    report, text = told_again
    assert report["clock_held_seconds"] > ASLEEP_SECONDS / 2
    assert "AWS's clock stood still" in text
