"""Schedule expressions of rules, rate(...) and cron(...), and when one is due next, in UTC. Pure.

L, W and # of cron are not offered. Source: the EventBridge user guide, "Cron and rate expressions".
"""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

_RATE = re.compile(r"rate\((\d+) (minute|hour|day)s?\)")
_CRON = re.compile(r"cron\((.+)\)")
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_WEEKDAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_FIELDS = (
    ("minutes", 0, 59, ()),
    ("hours", 0, 23, ()),
    ("day of the month", 1, 31, ()),
    ("month", 1, 12, _MONTHS),
    ("day of the week", 1, 7, _WEEKDAYS),
    ("year", 1970, 2199, ()),
)
_SEARCHED = timedelta(days=366 * 8)
_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class Rate:
    """Every so often, counted from when the rule was made."""

    period: timedelta

    def due(self, after: datetime, made: datetime) -> datetime | None:
        """The first time after a time."""
        return made + self.period * ((after - made) // self.period + 1)


@dataclass(frozen=True)
class Cron:
    """At every minute whose minute, hour, day, month, weekday (Sunday is 1) and year are among these."""

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    years: frozenset[int]

    def due(self, after: datetime, made: datetime) -> datetime | None:
        """The first time after a time; None when there is none in eight years."""
        moment = after.replace(second=0, microsecond=0) + _MINUTE
        while moment < after + _SEARCHED:
            if not self._on(moment):
                moment = moment.replace(hour=0, minute=0) + timedelta(days=1)
            elif moment.hour not in self.hours:
                moment = moment.replace(minute=0) + timedelta(hours=1)
            elif moment.minute not in self.minutes:
                moment += _MINUTE
            else:
                return moment
        return None

    def _on(self, day: datetime) -> bool:
        return (
            day.year in self.years
            and day.month in self.months
            and day.day in self.days
            and day.isoweekday() % 7 + 1 in self.weekdays
        )


def parse(expression: str) -> Rate | Cron:
    """The schedule that an expression says. Raises ValueError."""
    if rate := _RATE.fullmatch(expression):
        if not int(rate[1]):
            raise ValueError(f"{expression}: the rate must be above 0")
        return Rate(timedelta(**{f"{rate[2]}s": int(rate[1])}))
    cron = _CRON.fullmatch(expression)
    fields = cron[1].split() if cron else []
    if len(fields) != len(_FIELDS):
        raise ValueError(f"{expression} is not rate(N UNIT) or cron(minutes hours day month weekday year)")
    if (fields[2] == "?") == (fields[4] == "?"):
        raise ValueError(f"{expression}: exactly one of the day of the month and the day of the week is ?")
    return Cron(*(_values(text, *field) for text, field in zip(fields, _FIELDS, strict=True)))


def _values(text: str, what: str, least: int, most: int, names: tuple[str, ...]) -> frozenset[int]:
    found: set[int] = set()
    for part in text.upper().split(","):
        span, _, step = part.partition("/")
        first, _, last = span.partition("-")
        try:
            begin = least if first in ("*", "?") else _number(first, names)
            end = _number(last, names) if last else most if step or first in ("*", "?") else begin
            found |= set(range(begin, end + 1, int(step or 1)))
        except ValueError as error:
            raise ValueError(f"{text} is not offered as {what}: {error}") from error
    if not found or min(found) < least or max(found) > most:
        raise ValueError(f"{text} is not between {least} and {most}, as {what} must be")
    return frozenset(found)


def _number(text: str, names: tuple[str, ...]) -> int:
    return names.index(text) + 1 if text in names else int(text)
