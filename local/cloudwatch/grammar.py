"""The grammar of metric math: an expression's text to its tree. Pure; it must never give a tree a meaning.

Source: the CloudWatch user guide, "Metric math syntax and functions": ids begin in lower case, functions are in upper.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from local.errors import AwsError

_TOKEN = re.compile(
    r"""\s*(?:(?P<number>\d+(?:\.\d*)?|\.\d+)
    |(?P<id>[a-z][A-Za-z0-9_]*)
    |(?P<word>[A-Z][A-Z0-9_]*)
    |(?P<text>"[^"]*"|'[^']*')
    |(?P<sign>==|!=|<=|>=|&&|\|\||[-+*/^<>(),\[\]]))""",
    re.VERBOSE,
)
_LEVELS: tuple[tuple[str, ...], ...] = (("OR",), ("AND",), ("==", "!=", "<=", ">=", "<", ">"), ("+", "-"), ("*", "/"))
_SPELLINGS = {"||": "OR", "&&": "AND"}


@dataclass(frozen=True)
class Number:
    """A number."""

    value: float


@dataclass(frozen=True)
class Reference:
    """The id of another query."""

    id: str


@dataclass(frozen=True)
class Word:
    """An upper-case word or a quoted text that a function takes, such as REPEAT."""

    text: str


@dataclass(frozen=True)
class Items:
    """An array in brackets."""

    items: "tuple[Tree, ...]"


@dataclass(frozen=True)
class Call:
    """A function and its arguments; an operator is the function of its sign, a leading minus that of `negative`."""

    function: str
    arguments: "tuple[Tree, ...]"


Tree = Number | Reference | Word | Items | Call


def parse(expression: str) -> Tree:
    """The expression's tree. Raises AwsError ValidationError that says where it cannot be read."""
    try:
        return _Parser(expression).whole()
    except RecursionError:
        raise refusal(expression, "it is nested too deeply") from None


def references(tree: Tree) -> set[str]:
    """The ids of the queries an expression refers to."""
    return {node.id for node in nodes(tree) if isinstance(node, Reference)}


def nodes(tree: Tree) -> Iterator[Tree]:
    """The tree and everything in it."""
    left = [tree]
    while left:
        node = left.pop()
        yield node
        left.extend(node.items if isinstance(node, Items) else node.arguments if isinstance(node, Call) else ())


def refusal(expression: str, why: str) -> AwsError:
    """What CloudWatch answers to an expression it cannot evaluate."""
    return AwsError("ValidationError", f"Error in expression '{expression}': {why}.")


class _Parser:
    def __init__(self, expression: str) -> None:
        self._expression = expression
        self._tokens = list(self._split())
        self._next = 0

    def whole(self) -> Tree:
        tree = self._level(0)
        if self._peek():
            raise self._unexpected()
        return tree

    def _split(self) -> Iterator[tuple[str, str]]:
        position, text = 0, self._expression.rstrip()
        while position < len(text):
            match = _TOKEN.match(text, position)
            if match is None or match.lastgroup is None:
                raise refusal(self._expression, f"'{text[position:].strip()[:20]}' cannot be read")
            yield match.lastgroup, _SPELLINGS.get(match[match.lastgroup], match[match.lastgroup])
            position = match.end()

    def _level(self, level: int) -> Tree:
        """Binary operators, loosest first, each grouping to the left."""
        if level == len(_LEVELS):
            return self._sign()
        tree = self._level(level + 1)
        while self._peek() in _LEVELS[level]:
            tree = Call(self._take(), (tree, self._level(level + 1)))
        return tree

    def _sign(self) -> Tree:
        if self._peek() != "-":
            return self._power()
        self._take()
        return Call("negative", (self._sign(),))

    def _power(self) -> Tree:
        base = self._atom()
        if self._peek() != "^":
            return base
        self._take()
        return Call("^", (base, self._sign()))

    def _atom(self) -> Tree:
        kind, text = self._tokens[self._next] if self._peek() else ("end", "")
        match kind, text:
            case ("number", _):
                self._take()
                return Number(float(text))
            case ("id", _):
                self._take()
                return Reference(text)
            case ("text", _):
                self._take()
                return Word(text[1:-1])
            case ("word", _) if text not in ("AND", "OR"):
                self._take()
                return Call(text, self._list("(", ")")) if self._peek() == "(" else Word(text)
            case ("sign", "["):
                return Items(self._list("[", "]"))
            case ("sign", "("):
                self._take()
                tree = self._level(0)
                self._expect(")")
                return tree
        raise self._unexpected()

    def _list(self, opening: str, closing: str) -> tuple[Tree, ...]:
        self._expect(opening)
        items: list[Tree] = []
        while self._peek() != closing:
            if items:
                self._expect(",")
            items.append(self._level(0))
        self._expect(closing)
        return tuple(items)

    def _peek(self) -> str:
        return self._tokens[self._next][1] if self._next < len(self._tokens) else ""

    def _take(self) -> str:
        self._next += 1
        return self._tokens[self._next - 1][1]

    def _expect(self, sign: str) -> None:
        if self._peek() != sign:
            raise self._unexpected()
        self._take()

    def _unexpected(self) -> AwsError:
        return refusal(self._expression, f"unexpected {self._peek() or 'end'}")
