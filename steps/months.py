"""Windows of whole months, and the order they must have. Splits are by time: nothing here is ever random."""

import re
from dataclasses import dataclass
from itertools import pairwise

from problems import Problem

_WINDOW = re.compile(r"(\d{4})-(0[1-9]|1[0-2]):(\d{4})-(0[1-9]|1[0-2])", re.ASCII)


@dataclass(frozen=True)
class Window:
    """Months from `first` to `last`, both included, as year * 12 + month - 1."""

    first: int
    last: int

    def __str__(self) -> str:
        return f"{month_name(self.first)}:{month_name(self.last)}"

    @property
    def months(self) -> range:
        """Every month of the window."""
        return range(self.first, self.last + 1)


def month_name(month: int) -> str:
    """`2013-01` of year * 12 + month - 1."""
    return f"{month // 12:04d}-{month % 12 + 1:02d}"


def parse_window(text: str, argument: str) -> Window:
    """Read `2013-01:2013-08`; `argument` is named when it cannot be read."""
    found = _WINDOW.fullmatch(text)
    if not found:
        raise Problem(f"{argument} is {text!r}: write the first and the last month, such as 2013-01:2013-08.")
    first_year, first_month, last_year, last_month = map(int, found.groups())
    window = Window(first_year * 12 + first_month - 1, last_year * 12 + last_month - 1)
    if window.last < window.first:
        raise Problem(f"{argument} is {text!r}, which ends before it begins: write the earlier month first.")
    return window


def require_order(windows: dict[str, Window]) -> None:
    """Refuse windows that overlap or go back in time: a model is judged on what came after its training alone."""
    named = list(windows.items())
    for (earlier_name, earlier), (later_name, later) in pairwise(named):
        if later.first <= earlier.last:
            raise Problem(
                f"The {later_name} months {later} begin before the {earlier_name} months {earlier} have ended: "
                f"start {later_name} at {month_name(earlier.last + 1)} or later."
            )
