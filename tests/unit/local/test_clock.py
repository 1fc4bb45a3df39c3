"""AWS's clock runs at its speed while the process runs, and stands still while it cannot."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.clock import LONGEST_STEP_SECONDS, Clock


class Hand:
    """A monotonic clock that is moved by hand."""

    def __init__(self) -> None:
        self.at = 100.0

    def __call__(self) -> float:
        return self.at


async def kept(clock: Clock, hand: Hand, steps: list[float]) -> list[float]:
    """What the clock says after each step of the hand, while it is kept."""
    keeper = asyncio.create_task(clock.keep())
    await asyncio.sleep(0)
    read = []
    for step in steps:
        hand.at += step
        read.append(clock.time())
    keeper.cancel()
    await asyncio.gather(keeper, return_exceptions=True)
    return read


def test_a_clock_runs_as_many_times_as_fast_as_its_speed_says():
    hand = Hand()
    clock = Clock(120, hand)
    before = clock.time()
    hand.at += 0.5
    assert clock.time() - before == pytest.approx(60)


def test_a_clock_that_does_not_run_forwards_is_refused():
    with pytest.raises(ValueError, match="must be above 0"):
        Clock(0)


@given(st.lists(st.floats(0, 1000), max_size=20), st.floats(0.01, 1000))
def test_no_step_of_a_kept_clock_is_longer_than_the_longest_and_none_goes_back(steps, speed):
    hand = Hand()
    clock = Clock(speed, hand)
    before = clock.time()
    read = asyncio.run(kept(clock, hand, steps))
    moved = [after - earlier for earlier, after in zip([before, *read], read, strict=False)]
    assert all(-1e-6 <= move <= LONGEST_STEP_SECONDS * speed + 1e-6 for move in moved)


@given(st.lists(st.floats(0, 1000), max_size=20))
def test_what_does_not_pass_on_a_kept_clock_is_counted_as_held(steps):
    hand = Hand()
    clock = Clock(1, hand)
    before = clock.time()
    read = asyncio.run(kept(clock, hand, steps))
    passed = (read or [before])[-1] - before
    assert passed + clock.held_seconds == pytest.approx(sum(steps), abs=1e-3)


def test_a_clock_nobody_keeps_does_not_wait_to_be_looked_at():
    hand = Hand()
    clock = Clock(1, hand)
    before = clock.time()
    hand.at += 3600
    assert clock.time() - before == pytest.approx(3600)
    assert clock.held_seconds == 0


def test_a_sleep_lasts_as_long_on_the_clock_although_the_process_was_held_up_meanwhile():
    async def slept() -> float:
        clock = Clock(100)
        keeper = asyncio.create_task(clock.keep())
        await asyncio.sleep(0)
        before = clock.time()
        asyncio.get_running_loop().call_later(0.01, time.sleep, 1.0)
        await clock.sleep(60)
        keeper.cancel()
        assert clock.held_seconds >= 0.5
        return clock.time() - before

    assert asyncio.run(slept()) >= 60


STOPPED = """
import asyncio
from local.clock import Clock

async def main():
    clock = Clock(100)
    keeper = asyncio.create_task(clock.keep())
    print("ready", flush=True)
    while clock.held_seconds == 0:
        await asyncio.sleep(0.01)
    print(clock.held_seconds)

asyncio.run(main())
"""


def test_a_stopped_process_finds_that_its_clock_stood_still():
    process = subprocess.Popen([sys.executable, "-c", STOPPED], stdout=subprocess.PIPE, text=True)
    with contextlib.closing(process.stdout):
        assert process.stdout.readline() == "ready\n"
        os.kill(process.pid, signal.SIGSTOP)
        os.waitpid(process.pid, os.WUNTRACED)
        time.sleep(1)
        os.kill(process.pid, signal.SIGCONT)
        held = float(process.stdout.readline())
        assert process.wait(20) == 0
    assert held >= 0.7
