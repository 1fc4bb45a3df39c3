"""`choose`: the questions, asked at the terminal where no option answers them, and the stage file that comes of it.

It must never overwrite a stage file unless told to.
"""

import argparse
import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.choose import Answers, choose, stage_file
from deploy.errors import UsageError


@dataclass(frozen=True)
class Question:
    """One question: the option and the field of Answers that it fills, its text, how its answer is read, an example."""

    name: str
    text: str
    read: Callable[[str], Any]
    example: str

    @property
    def option(self) -> str:
        """The option on the command line."""
        return "--" + self.name.replace("_", "-")


def yes_or_no(text: str) -> bool:
    """`yes` or `no`, or their first letters."""
    known = {"yes": True, "y": True, "no": False, "n": False}
    if text.lower() not in known:
        raise ValueError("write yes or no")
    return known[text.lower()]


def at_least(low: float, kind: type[int] | type[float]) -> Callable[[str], Any]:
    """A number that is not too small."""

    def read(text: str) -> float:
        value = kind(text)
        if not low <= value < float("inf"):
            raise ValueError(f"write a number of {low:g} or more")
        return value

    return read


QUESTIONS = (
    Question("customers_may_see_errors", "May a customer be the first to meet a bad answer?", yes_or_no, "no"),
    Question("compare", "Must both versions be compared on a business metric?", yes_or_no, "no"),
    Question("requests_per_minute", "How many requests a minute does the endpoint get?", at_least(0, float), "600"),
    Question("instances", "How many instances does its fleet have?", at_least(1, int), "4"),
    Question("double_fleet", "May twice the instances run while a version is rolled out?", yes_or_no, "yes"),
    Question("window_minutes", "Within how many minutes must the shift be finished?", at_least(1, float), "120"),
)


def answered(options: argparse.Namespace, ask: Callable[[str], str] | None) -> Answers:
    """The answers: from the options, the others asked for; UsageError when there is nobody to ask."""
    found: dict[str, Any] = {}
    missing = []
    for question in QUESTIONS:
        given = getattr(options, question.name)
        if given is None and ask is None:
            missing.append(f"{question.option} {question.example}")
        else:
            found[question.name] = given if given is not None else _asked(question, ask or input)
    if missing:
        raise UsageError(f"There is no terminal to ask at. Write as well: {' '.join(missing)}")
    return Answers(**found)


def _asked(question: Question, ask: Callable[[str], str]) -> Any:
    while True:
        try:
            return question.read(ask(f"{question.text} [{question.example}] ").strip() or question.example)
        except ValueError as error:
            ask(f"  {error}; press Enter ")


def write(options: argparse.Namespace, folder: Path, ask: Callable[[str], str] | None) -> tuple[dict[str, Any], str]:
    """Write the stage's file; what was chosen, as JSON and in words."""
    path = folder / f"{options.stage}.yaml"
    if path.exists() and not options.force:
        raise UsageError(f"{folder.parent.name}/{folder.name}/{path.name} exists. Choose another --stage, or --force.")
    said = answered(options, ask)
    choice = choose(said)
    text = stage_file(options.stage, choice)
    path.write_text(text)
    result = {"stage": options.stage, "file": str(path), **dataclasses.asdict(choice)}
    return result, "\n".join([f"{path}:", "", text, *choice.warnings])
