"""Faults that happen to some calls, or jobs: to a share of them (0.5), to the `first`, or to the `first-3`."""

import re

from local.faults.fault import Fault


class Sometimes(Fault):
    """A fault with a field `which` that says how often it happens; that is counted."""

    which: str

    def check(self) -> None:
        match = re.fullmatch(r"first(?:-(?P<most>\d+))?", self.which)
        self._first = int(match["most"] or 1) if match else 0
        self._share = 0.0 if match else _share(self.which)
        self._happened = 0

    @property
    def happened(self) -> int:
        return self._happened

    def now(self) -> bool:
        """Whether it happens to the one that comes now."""
        now = self._happened < self._first or self._random.random() < self._share
        self._happened += now
        return now


def _share(text: str) -> float:
    try:
        share = float(text)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise ValueError(f"its which is {text}; it must be a share between 0 and 1, first, or first-N")
    return share
