"""What a metric math expression gives: its tree, evaluated over the series of the queries it refers to. Pure.

A function that is not offered is refused by name: it must never answer an expression with something else than
CloudWatch would. Source: the CloudWatch user guide, "Using metric math" and "Using IF expressions".
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from local.cloudwatch.functions import (
    FUNCTIONS,
    OPERATORS,
    ExpressionError,
    Operand,
    Series,
    array,
    combine,
    interpolated,
    kept,
    repeated,
    scalar,
)
from local.cloudwatch.grammar import Call, Items, Number, Reference, Tree, Word, nodes

_OFFERED = {*OPERATORS, *FUNCTIONS, "IF", "FILL", "METRICS", "PERIOD", "TIME_SERIES"}


@dataclass(frozen=True)
class Scope:
    """What an expression can see: other queries' values by id, and of those the metrics (all of the request's).

    `grid` holds the start of every period in question, `period` its length in seconds.
    """

    values: Mapping[str, Operand]
    metrics: Mapping[str, Series]
    grid: Sequence[int]
    period: int


def check(tree: Tree) -> None:
    """Raises ExpressionError that names a function which is not offered."""
    for node in nodes(tree):
        if isinstance(node, Call) and node.function not in _OFFERED:
            offered = ", ".join(sorted(name for name in _OFFERED if name.isupper()))
            raise ExpressionError(f"the function {node.function} is not offered here; there are {offered}")


def evaluate(tree: Tree, scope: Scope) -> Operand:
    """The value of a checked expression. Raises ExpressionError."""
    match tree:
        case Number(value):
            return value
        case Reference(name):
            return scope.values[name]
        case Items(items):
            return array([evaluate(item, scope) for item in items])
        case Word(text):
            raise ExpressionError(f"unexpected {text}")
        case Call():
            return _call(tree, scope)


def _call(tree: Call, scope: Scope) -> Operand:
    match tree.function, tree.arguments:
        case "METRICS", ():
            return list(scope.metrics.values())
        case "METRICS", (Word(part),):
            return [series for name, series in scope.metrics.items() if part in name]
        case "PERIOD", (Reference(name),) if name in scope.metrics:
            return float(scope.period)
        case "FILL", (filled, filler):
            return _fill(evaluate(filled, scope), filler, scope)
    return _applied(tree.function, [evaluate(argument, scope) for argument in tree.arguments], scope)


def _applied(function: str, operands: list[Operand], scope: Scope) -> Operand:
    match operands:
        case [condition, then, *otherwise] if function == "IF" and len(otherwise) < 2:
            return _choose(condition, then, *otherwise)
        case [value] if function == "TIME_SERIES":
            return kept(dict.fromkeys(scope.grid, scalar(value)))
        case [value] if function in FUNCTIONS:
            return FUNCTIONS[function](value)
        case [left, right] if function in OPERATORS:
            return combine(OPERATORS[function], left, right)
    raise ExpressionError(f"{function} does not take such arguments")


def _choose(condition: Operand, then: Operand, otherwise: Operand | None = None) -> Operand:
    if any(isinstance(part, list) for part in (condition, then, otherwise)):
        raise ExpressionError("IF takes time series and numbers, not arrays")
    other = {} if otherwise is None else otherwise
    if isinstance(condition, float):
        return then if condition else other
    chosen = {at: _value(then, at, 0.0) if truth else _value(other, at, math.nan) for at, truth in _items(condition)}
    return kept(chosen)


def _fill(filled: Operand, filler: Tree, scope: Scope) -> Operand:
    if isinstance(filled, list):
        return array([_fill(series, filler, scope) for series in filled])
    if isinstance(filled, float):
        raise ExpressionError("FILL fills a time series, not a number")
    match filler:
        case Word("REPEAT"):
            return repeated(filled, scope.grid)
        case Word("LINEAR"):
            return interpolated(filled, scope.grid)
    value = evaluate(filler, scope)
    return kept({at: filled[at] if at in filled else _value(value, at, math.nan) for at in scope.grid})


def _value(operand: Operand, at: int, missing: float) -> float:
    """What an operand is at a moment: a number is the same at each."""
    return operand.get(at, missing) if isinstance(operand, dict) else scalar(operand)


def _items(operand: Operand) -> list[tuple[int, float]]:
    return list(operand.items()) if isinstance(operand, dict) else []
