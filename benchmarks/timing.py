"""Times commands as whole processes. It must never judge a time."""

import statistics
import subprocess
import sys
import time
from collections.abc import Sequence


def seconds(arguments: Sequence[str]) -> float:
    """Wall seconds of `python ARGUMENTS`, which must succeed."""
    started = time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - started


def alternating(one: Sequence[str], other: Sequence[str], runs: int) -> tuple[float, float]:
    """Median seconds of two commands, run in turn so that both meet the same noise; a first pair warms caches."""
    pairs = [(seconds(one), seconds(other)) for _ in range(runs + 1)][1:]
    return statistics.median(a for a, _ in pairs), statistics.median(b for _, b in pairs)
