"""The command line of `python -m deploy`: its commands and their options. It must never run one."""

import argparse
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from deploy.interview import QUESTIONS, Question
from deploy.rollout import PATIENCE

MINUTE = timedelta(minutes=1)
COMMANDS = {
    "plan": "show every request of the rollout, and when what happens; changes nothing",
    "apply": "carry out the rollout, or continue the one that is under way",
    "status": "show where the stage stands, and why; changes nothing",
    "watch": "show the status until nothing is under way; changes nothing",
    "rollback": "go back to the version that served before, by the same guarded shift",
    "pause": "let nothing new begin on the stage's endpoint; what is under way goes on",
    "resume": "let rollouts begin again",
    "abort": "end what is under way and return to what served before; the package is rejected",
    "choose": "ask how careful a stage must be, and write its file with a reason for every value",
    "promote": "end a trial early as good, and go on to the shift",
}


def parser(run: Mapping[str, Callable[..., Any]]) -> argparse.ArgumentParser:
    """The command line; `run` holds what does each command."""
    top = argparse.ArgumentParser(
        prog="python -m deploy",
        description="Takes an approved model package to customers, guarded, as deploy/stages/<stage>.yaml says.",
        epilog="Exit codes: 0 created or promoted, 1 error, 2 usage or policy, 3 rolled back, 4 inconclusive or held.",
    )
    commands = top.add_subparsers(required=True, metavar="COMMAND")
    for name, text in COMMANDS.items():
        command = commands.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.")
        _add_stage(command)
        _add_own(name, command)
        if name == "choose":
            _add_questions(command)
        command.add_argument("--json", action="store_true", help="print JSON, and nothing else, on stdout")
        command.set_defaults(run=run[name])
    return top


def _add_stage(command: argparse.ArgumentParser) -> None:
    text = "a stage: the name of a file in deploy/stages, without .yaml"
    command.add_argument("--stage", required=True, help=text)
    text = "override a key, as in rollout.canary.percent=25"
    command.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help=text)


def _add_own(name: str, command: argparse.ArgumentParser) -> None:
    if name in {"plan", "apply"}:
        package = command.add_mutually_exclusive_group(required=True)
        package.add_argument("--model-package", metavar="ARN", help="ARN of the model package version")
        text = "the newest approved version of this model package group; none yet is no failure"
        package.add_argument("--latest-approved", metavar="GROUP", help=text)
    if name == "apply":
        text = "how long to wait for SageMaker; what lasts longer is left to a later run (default: %(default)g)"
        command.add_argument("--wait-minutes", type=_minutes, default=PATIENCE / MINUTE, metavar="N", help=text)
    if name == "rollback":
        text = "at once and unguarded, to the endpoint config of before as it was"
        command.add_argument("--now", action="store_true", help=text)
    if name in {"pause", "abort", "promote"}:
        command.add_argument("--reason", default="no reason given", help="kept with what is done")


def _add_questions(command: argparse.ArgumentParser) -> None:
    for question in QUESTIONS:
        text = f"{question.text[:-1].lower()} (for example {question.example}); asked for when left out"
        command.add_argument(question.option, type=_reader(question), metavar=question.name.upper(), help=text)
    command.add_argument("--force", action="store_true", help="overwrite the stage's file")


def _reader(question: Question) -> Callable[[str], Any]:
    def read(text: str) -> Any:
        try:
            return question.read(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(f"{text!r}: {error}") from error

    return read


def _minutes(text: str) -> float:
    minutes = float(text)
    if not 0 <= minutes < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is no number of minutes")
    return minutes
