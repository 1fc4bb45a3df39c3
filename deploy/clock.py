"""AWS's time: `now` from the Date header of AWS's answers, and the one wait of the project.

In a rehearsal AWS's clock runs faster: AWS_CLOCK_SPEED says how much, and every wait is divided by it. Nothing else in
`deploy` may sleep or read the machine's clock.
"""

import time
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Protocol

from deploy.errors import UsageError


class Clock(Protocol):
    """What the reconciler needs of time."""

    def now(self) -> datetime:
        """AWS's time, aware, UTC."""
        ...

    def wait(self, seconds: float) -> None:
        """Wait that many AWS seconds."""
        ...


class AwsClock:
    """AWS's clock, `speed` times as fast as this machine's."""

    def __init__(self, speed: float = 1.0) -> None:
        self._speed = speed
        self._heard: tuple[datetime, float] | None = None

    def hear(self, parsed: dict[str, Any], **_: Any) -> None:
        """Take the time from an answer: a handler of botocore's `after-call` event."""
        date = parsed.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date")
        if date:
            self._heard = parsedate_to_datetime(date).astimezone(UTC), time.monotonic()

    def now(self) -> datetime:
        """AWS's time, to about a second; only after AWS has answered once."""
        if self._heard is None:
            raise RuntimeError("AWS has not been asked anything yet, so its time is not known")
        heard, then = self._heard
        return heard + timedelta(seconds=(time.monotonic() - then) * self._speed)

    def wait(self, seconds: float) -> None:
        """Wait that many AWS seconds."""
        time.sleep(seconds / self._speed)


def speed(text: str | None) -> float:
    """AWS_CLOCK_SPEED as a number; 1 when it is not set."""
    try:
        value = float(text or 1)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise UsageError(f"AWS_CLOCK_SPEED is {text}; it must be a number above 0. Leave it unset for real AWS.")
    return value
