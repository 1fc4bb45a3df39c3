"""Which of the calls, or of the jobs, a fault happens to: a share of them (0.5), the `first`, or the `first-3`."""

import random
import re


class Which:
    """Decides one after the other, and counts. Raises ValueError for a text that says none of the three."""

    def __init__(self, text: str, chance: random.Random) -> None:
        match = re.fullmatch(r"first(?:-(?P<most>\d+))?", text)
        self._first = int(match["most"] or 1) if match else 0
        self._rate = 0.0 if match else _share(text)
        self._chance = chance
        self.happened = 0

    def hit(self) -> bool:
        """Whether it happens to this one."""
        hit = self.happened < self._first or self._chance.random() < self._rate
        self.happened += hit
        return hit


def _share(text: str) -> float:
    try:
        share = float(text)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise ValueError(f"its which is {text}; it must be a share between 0 and 1, first, or first-N")
    return share
