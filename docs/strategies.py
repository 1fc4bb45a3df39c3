"""Writes docs/strategies.md: what each strategy does, from its own module, and what the chooser chooses when.

`make docs` runs it and a test compares. It must never describe a strategy in words of its own.
"""

import itertools
import sys
from collections.abc import Iterator
from pathlib import Path

from deploy.choose import Answers, choose
from deploy.strategies import STRATEGIES, TRIALS

ROOT = Path(__file__).parents[1]
HEAD = """# Strategies

Written by `make docs`, from the strategies themselves and from `python -m deploy choose`.

`rollout.strategy` names one guarded shift, and before it any trials, in order: `canary`, `shadow, canary`,
`shadow, ab_test, linear`. A trial compares the new version on real traffic and is taken down again; only a good one
lets the shift begin. `python -m deploy plan` shows the real shares, times and requests of a stage.
"""
MATRIX = """## Which one

`python -m deploy choose --stage STAGE` asks these questions and writes the stage's file, with a reason for each value.
The table is what it chooses for 600 requests a minute, and two hours to finish the shift in unless it says otherwise.

| instances | may be doubled | a customer may meet a bad answer first | compare on a business metric | it chooses |
|---|---|---|---|---|
"""


def page() -> str:
    """The whole page."""
    parts = [HEAD]
    for name, kind in STRATEGIES.items():
        text = (sys.modules[kind.__module__].__doc__ or "").strip()
        parts.append(f"## `{name}`{' (a trial)' if name in TRIALS else ''}\n\n{_listed(text)}\n")
    return "\n".join([*parts, MATRIX + "".join(_matrix())])


def _listed(text: str) -> str:
    """The docstring, its labelled lines as a list."""
    labels = ("Duration:", "Real share:", "Limits:", "Sources:")
    return "\n".join(f"* {line}" if line.startswith(labels) else line for line in text.split("\n"))


def _matrix() -> Iterator[str]:
    for instances, double, errors, compare in itertools.product((1, 4, 8), (True, False), (True, False), (False, True)):
        said = Answers(
            customers_may_see_errors=errors,
            compare=compare,
            requests_per_minute=600,
            instances=instances,
            double_fleet=double,
            window_minutes=120,
        )
        (strategy,) = (value.text for value in choose(said).values if value.key == "rollout.strategy")
        yield f"| {instances} | {_word(double)} | {_word(errors)} | {_word(compare)} | `{strategy}` |\n"


def _word(yes: bool) -> str:
    return "yes" if yes else "no"


if __name__ == "__main__":
    (ROOT / "docs" / "strategies.md").write_text(page())
