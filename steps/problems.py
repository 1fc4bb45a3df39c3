"""Errors that a person can act on, and how a script ends with one.

A `Problem` is raised for what the person who runs the step can mend: data, arguments, hyperparameters. Anything else is
a defect of ours and keeps its traceback. Never catches more than that.
"""

import difflib
import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

FAILURE_BYTES = 1024  # SageMaker shows this much of a job's failure file as FailureReason


class Problem(Exception):  # noqa: N818 - it is raised for people: "Error" would say nothing more
    """What is wrong, where, and what to do about it, in one sentence."""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """` Did you mean 'x'?` when a known name is close to `name`, else nothing."""
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f" Did you mean {close[0]!r}?" if close else ""


def listed(names: Iterable[str], limit: int = 30) -> str:
    """`a, b, c`, cut after `limit` names."""
    every = list(names)
    return ", ".join(every[:limit]) + (f", … ({len(every)} in all)" if len(every) > limit else "")


def exit_code(step: Callable[[], None]) -> int:
    """Run a step: 0, or 1 with the problem's sentence last on stderr and in the failure file that SageMaker reads.

    SM_OUTPUT_DIR is set in training jobs alone; a Processing job is judged by its exit code and its log.
    """
    try:
        step()
    except Problem as problem:
        if output := os.environ.get("SM_OUTPUT_DIR"):
            failure = Path(output) / "failure"
            failure.parent.mkdir(parents=True, exist_ok=True)
            failure.write_bytes(str(problem).encode()[:FAILURE_BYTES])
        sys.stdout.flush()
        sys.stderr.write(f"{problem}\n")
        return 1
    return 0
