"""Faults that a rehearsal gives to the containers of a model package: the registry of what can go wrong inside one.

A fault stands between the server and the model, so it is served, measured and alarmed on like the real thing. It must
never touch what is outside its container.
"""

import asyncio
import dataclasses
import os
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from local.serving.answer import Answer

Serve = Callable[[], Awaitable[Answer]]


@dataclass
class Fault:
    """A container that is healthy; each fault changes one thing about it. `form` is how it is written as text."""

    form: ClassVar[str] = ""

    def at_start(self) -> None:
        """What happens before the model is loaded: nothing."""

    async def answer(self, serve: Serve) -> Answer:
        """What an invocation is answered with: what the model says."""
        return await serve()


@dataclass
class Errors(Fault):
    """That share of the invocations (0 to 1) is answered 500 without asking the model."""

    form: ClassVar[str] = "errors:RATE[:SEED]"

    rate: float
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.rate <= 1:
            raise ValueError(f"the rate is {self.rate:g}; it must be between 0 and 1")
        self._random = random.Random(self.seed)

    async def answer(self, serve: Serve) -> Answer:
        """Fail, or serve."""
        if self._random.random() < self.rate:
            return Answer(500, {"Content-Type": "text/html; charset=utf-8"}, b"<h1>Internal Server Error</h1>")
        return await serve()


@dataclass
class Slow(Fault):
    """Every invocation takes that much longer, as behind a slow dependency: none queues for another.

    The time is real time: ModelLatency is measured, and models do not run faster when AWS's clock does.
    """

    form: ClassVar[str] = "slow:MILLISECONDS"

    milliseconds: float

    def __post_init__(self) -> None:
        if self.milliseconds < 0:
            raise ValueError(f"it is {self.milliseconds:g} milliseconds; it must not be negative")

    async def answer(self, serve: Serve) -> Answer:
        """Wait, then serve."""
        await asyncio.sleep(self.milliseconds / 1000)
        return await serve()


@dataclass
class Crash(Fault):
    """The container exits while it starts, so that its instance never becomes healthy."""

    form: ClassVar[str] = "crash"

    def at_start(self) -> None:
        """Exit as a process that was killed: without a word to anybody."""
        os._exit(1)


FAULTS: dict[str, type[Fault]] = {"errors": Errors, "slow": Slow, "crash": Crash}


def make_fault(description: Mapping[str, Any] | None) -> Fault:
    """The fault of a description such as {"kind": "errors", "rate": 0.3, "seed": 7}; None is a healthy container.

    Raises ValueError that says what is wrong and which faults there are.
    """
    if description is None:
        return Fault()
    values = dict(description)
    kind = str(values.pop("kind", None))
    if kind not in FAULTS:
        raise ValueError(f"There is no fault {kind}. {_help()}")
    try:
        return FAULTS[kind](**values)
    except (TypeError, ValueError) as error:
        raise ValueError(f"The fault {kind} cannot be made: {error}. {_help()}") from error


def parse_fault(text: str) -> dict[str, Any]:
    """The description of a fault from text such as `errors:0.3`, `slow:400` or `crash`.

    Raises ValueError as `make_fault` does.
    """
    kind, *given = text.split(":")
    if kind not in FAULTS:
        raise ValueError(f"There is no fault {kind}. {_help()}")
    fields = dataclasses.fields(FAULTS[kind])
    if len(given) > len(fields):
        raise ValueError(f"The fault {text} has too many values. {_help()}")
    try:
        values = {field.name: _number(value) for field, value in zip(fields, given, strict=False)}
    except ValueError as error:
        raise ValueError(f"The fault {text} cannot be read: {error}. {_help()}") from error
    description = {"kind": kind, **values}
    make_fault(description)
    return description


def _number(text: str) -> float | int:
    return int(text) if text.lstrip("-").isdigit() else float(text)


def _help() -> str:
    return f"Write one of {', '.join(kind.form for kind in FAULTS.values())}."
