"""Time is AWS's."""

from datetime import UTC, datetime, timedelta

import pytest

from deploy.clock import AwsClock, speed
from deploy.errors import UsageError


def answer(date: str) -> dict[str, object]:
    return {"ResponseMetadata": {"HTTPHeaders": {"date": date}}}


def test_now_is_what_awss_answer_said_whatever_this_machine_thinks() -> None:
    clock = AwsClock()
    clock.hear(parsed=answer("Mon, 05 Jan 2026 09:00:00 GMT"))
    assert timedelta(0) <= clock.now() - datetime(2026, 1, 5, 9, tzinfo=UTC) < timedelta(seconds=5)


def test_an_answer_without_a_date_changes_nothing() -> None:
    clock = AwsClock()
    clock.hear(parsed=answer("Mon, 05 Jan 2026 09:00:00 GMT"))
    clock.hear(parsed={})
    assert clock.now().year == 2026


def test_a_fast_clock_waits_shorter_and_passes_faster() -> None:
    clock = AwsClock(speed=1000)
    clock.hear(parsed=answer("Mon, 05 Jan 2026 09:00:00 GMT"))
    before = clock.now()
    clock.wait(20)
    assert timedelta(seconds=20) <= clock.now() - before < timedelta(seconds=2000)


def test_time_before_awss_first_answer_is_not_guessed() -> None:
    with pytest.raises(RuntimeError, match="not been asked"):
        AwsClock().now()


@pytest.mark.parametrize(("text", "value"), [(None, 1), ("", 1), ("60", 60), ("0.5", 0.5)])
def test_the_speed_is_read_from_its_variable(text: str | None, value: float) -> None:
    assert speed(text) == value


@pytest.mark.parametrize("text", ["0", "-1", "fast", "nan", "inf"])
def test_a_speed_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="AWS_CLOCK_SPEED"):
        speed(text)
