"""What a fault is: a small dataclass with a name, a line of text that makes it, and a docstring that documents it.

A class that names itself (`class Errors(ContainerFault, name="errors")`) is in the registry, and that is all there is
to adding one. Its fields are its text: `errors:0.3:7` and `errors:0.3:after=60` give them by position and by name. It
must never know who asks it, nor decide by anything but its fields, its seed and the time it is told.
"""

import dataclasses
import difflib
import math
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, get_type_hints

REGISTRY: dict[str, type["Fault"]] = {}
"""Every fault by its name, scope by scope."""

SHOWN = {"after": "SECONDS", "only": "SLICE", "where": "COLUMN=VALUE"}
"""How the value of a field is called where its own name says too little."""


class FaultError(ValueError):
    """A fault that cannot be: the message says what is wrong and how to write it."""


def within(low: float, high: float = math.inf, **how: Any) -> Any:
    """A field that is a number between two bounds, both included; `how` is what dataclasses.field takes."""
    return dataclasses.field(metadata={"bounds": (low, high)}, **how)


@dataclass
class Fault:
    """One thing that is wrong, from `start` on. Its randomness comes from its own seed."""

    name: ClassVar[str] = ""
    scope: ClassVar[str] = ""
    expect: ClassVar[str] = "rolled_back"
    """How a guarded release should end under it, in the rehearsal's words."""

    def __init_subclass__(cls, name: str = "", **rest: Any) -> None:
        super().__init_subclass__(**rest)
        if name:
            cls.name = name
            REGISTRY[name] = cls

    def __post_init__(self) -> None:
        self._random = random.Random(getattr(self, "seed", 0))
        self._now: Callable[[], float] = lambda: 0.0
        self._began = 0.0
        for field in dataclasses.fields(self):
            _check_bounds(field.name, getattr(self, field.name), *field.metadata.get("bounds", ()))
        self.check()

    def check(self) -> None:
        """Raise ValueError for what bounds do not say: which value cannot be, and what it must be."""

    def start(self, now: Callable[[], float]) -> None:
        """It is in force from now on. `now` tells AWS's time in seconds."""
        self._now, self._began = now, now()

    @property
    def happened(self) -> int | None:
        """How often it happened since it started; None where that is not counted."""
        return None

    def age(self) -> float:
        """AWS seconds since it started."""
        return self._now() - self._began

    def __str__(self) -> str:
        """The line of text that makes it."""
        parts = [self.name]
        left_out = False
        for field in _fields(type(self)):
            value = getattr(self, field.name)
            if value == field.default:
                left_out = True
            else:
                parts.append(f"{field.name}={_shown(value)}" if field.kw_only or left_out else _shown(value))
        return ":".join(parts)

    @classmethod
    def form(cls) -> str:
        """How it is written: what may be left out is in brackets."""
        text = cls.name
        for field in _fields(cls):
            shown = SHOWN.get(field.name, field.name.upper())
            value = f"{field.name}={shown}" if field.kw_only else shown
            text += f"[:{value}]" if field.default is not dataclasses.MISSING else f":{value}"
        return text


def parse(text: str) -> Fault:
    """The fault that a line of text makes, such as `errors:0.3` or `throttle:UpdateEndpoint:0.5`. Raises FaultError."""
    name, *given = text.split(":")
    kind = REGISTRY.get(name)
    if kind is None:
        near = difflib.get_close_matches(name, REGISTRY, 1)
        meant = f"; did you mean {REGISTRY[near[0]].form()}?" if near else "."
        raise FaultError(f"There is no fault {name}{meant} There are {', '.join(REGISTRY)}.")
    try:
        return kind(**_values(kind, given))
    except ValueError as error:
        raise FaultError(f"The fault {text} cannot be: {error}. Write it {kind.form()}.") from error


def parse_all(text: str) -> tuple[Fault, ...]:
    """The faults of a text with commas between them. Raises FaultError."""
    return tuple(parse(part.strip()) for part in text.split(","))


def _fields(kind: type[Fault]) -> list[dataclasses.Field[Any]]:
    """Those that are given by position first."""
    return sorted(dataclasses.fields(kind), key=lambda field: field.kw_only is True)


def _values(kind: type[Fault], given: list[str]) -> dict[str, Any]:
    """The fields as their types. The last positional one takes what is left when it is a fault of its own."""
    fields = {field.name: field for field in _fields(kind)}
    positional = [name for name, field in fields.items() if not field.kw_only]
    types = get_type_hints(kind)
    if given and positional and types[positional[-1]] is Fault:
        return {positional[-1]: parse(":".join(given))}
    values: dict[str, Any] = {}
    for part in given:
        name, is_named, value = part.partition("=")
        if not (is_named and name in fields):
            if not positional:
                raise ValueError(f"{part} is one value too many")
            name, value = positional.pop(0), part
        elif name in positional:
            positional.remove(name)
        values[name] = _typed(types[name], name, value)
    missing = [name for name in positional if fields[name].default is dataclasses.MISSING]
    if missing:
        raise ValueError(f"its {missing[0]} is missing")
    return values


def _check_bounds(name: str, value: float, low: float = -math.inf, high: float = math.inf) -> None:
    if isinstance(value, int | float) and not low <= value <= high:
        rule = f"between {low:g} and {high:g}" if high < math.inf else f"{low:g} or more"
        raise ValueError(f"its {name} is {value:g}; it must be {rule}")


def _typed(kind: type, name: str, text: str) -> Any:
    try:
        return kind(text)
    except ValueError:
        said = "a whole number" if kind is int else "a number"
        raise ValueError(f"its {name} is {text or 'empty'}; it must be {said}") from None


def _shown(value: Any) -> str:
    return repr(value).removesuffix(".0") if isinstance(value, float) else str(value)
