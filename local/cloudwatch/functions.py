"""The operators and functions of metric math: what each makes of numbers, time series and arrays of them. Pure.

It must never know what a query is. Source: the CloudWatch user guide, "Metric math syntax and functions": a missing
value counts as 0 beside one that is there, and a value that is no number, such as 1 / 0, is dropped.
"""

import bisect
import math
import operator
from collections.abc import Callable, Sequence
from itertools import pairwise

Series = dict[int, float]
"""Values by the start of their period, in epoch seconds. Periods without a value are absent."""

Operand = float | Series | list[Series]
"""A scalar, a time series, or an array of time series."""


class ExpressionError(Exception):
    """An expression that CloudWatch does not accept, or that is not offered here; it says why."""


def combine(operation: Callable[[float, float], float], left: Operand, right: Operand) -> Operand:
    """An operator between any two operands, value by value. Raises ExpressionError for arrays of different lengths."""
    match left, right:
        case list(), list():
            if len(left) != len(right):
                raise ExpressionError(f"arrays of {len(left)} and {len(right)} time series do not go together")
            return array([combine(operation, one, other) for one, other in zip(left, right, strict=True)])
        case list(), _:
            return array([combine(operation, item, right) for item in left])
        case _, list():
            return array([combine(operation, left, item) for item in right])
        case dict(), dict():
            moments = sorted(left.keys() | right.keys())
            return kept({at: _number(operation, left.get(at, 0.0), right.get(at, 0.0)) for at in moments})
        case dict(), _:
            return kept({at: _number(operation, value, scalar(right)) for at, value in left.items()})
        case _, dict():
            return kept({at: _number(operation, scalar(left), value) for at, value in right.items()})
    return _number(operation, scalar(left), scalar(right))


def array(items: Sequence[Operand]) -> list[Series]:
    """An array of time series, in which arrays are spread out. Raises ExpressionError for a number in it."""
    flat: list[Series] = []
    for item in items:
        if isinstance(item, float):
            raise ExpressionError("an array holds time series, not numbers")
        flat.extend(item if isinstance(item, list) else [item])
    return flat


def scalar(operand: Operand) -> float:
    """The number that an operand is. Raises ExpressionError when it is none."""
    if not isinstance(operand, float):
        raise ExpressionError("a number is needed where a time series stands")
    return operand


def kept(series: Series) -> Series:
    """The series without values that are no numbers."""
    return {at: value for at, value in series.items() if math.isfinite(value)}


def repeated(series: Series, grid: Sequence[int]) -> Series:
    """The series with each gap filled with the value before it; before the first value there is none."""
    known = sorted(series)
    places = ((at, bisect.bisect_right(known, at)) for at in grid)
    return {at: series[known[place - 1]] for at, place in places if place}


def interpolated(series: Series, grid: Sequence[int]) -> Series:
    """The series with each gap filled in a straight line between the values around it; outer gaps stay."""
    whole = dict(series)
    gaps = list(pairwise(sorted(series)))
    for at in grid:
        place = bisect.bisect_right(gaps, (at, math.inf)) - 1
        if at not in series and place >= 0 and at < gaps[place][1]:
            before, after = gaps[place]
            share = (at - before) / (after - before)
            whole[at] = series[before] + (series[after] - series[before]) * share
    return dict(sorted(whole.items()))


def _number(function: Callable[..., float], *values: float | list[float]) -> float:
    """The function's value, NaN where it has none."""
    try:
        found = function(*values)
    except (ValueError, ZeroDivisionError, OverflowError):
        return math.nan
    return float(found) if isinstance(found, int | float) else math.nan


def _over(function: Callable[[Series], Series]) -> Callable[[Operand], Operand]:
    """A function of every time series."""

    def apply(operand: Operand) -> Operand:
        if isinstance(operand, float):
            raise ExpressionError("a function of time series was given a number")
        if isinstance(operand, list):
            return [kept(function(series)) for series in operand]
        return kept(function(operand))

    return apply


def _each(function: Callable[[float], float]) -> Callable[[Operand], Operand]:
    """A function of every value."""
    return _over(lambda series: {at: _number(function, value) for at, value in series.items()})


def _reducing(function: Callable[[list[float]], float], *, zeros: bool = False) -> Callable[[Operand], Operand]:
    """A function that makes a number of one series, and one series of an array; with `zeros` for what is missing."""

    def apply(operand: Operand) -> Operand:
        if isinstance(operand, dict):
            return _number(function, list(operand.values()))
        items = array([operand])
        moments = sorted({at for series in items for at in series})
        return kept({at: _number(function, [s.get(at, 0.0) for s in items if zeros or at in s]) for at in moments})

    return apply


def _steps(function: Callable[[float, float], float]) -> Callable[[Operand], Operand]:
    """A function of the difference to the value before, and of the seconds between them."""
    return _over(
        lambda series: {
            after: function(series[after] - series[before], after - before)
            for before, after in pairwise(sorted(series))
        }
    )


def _running_sum(series: Series) -> Series:
    total, sums = 0.0, {}
    for at in sorted(series):
        total += series[at]
        sums[at] = total
    return sums


def _negative(operand: Operand) -> Operand:
    return -operand if isinstance(operand, float) else _each(operator.neg)(operand)


def _of_array(function: Callable[[list[Series]], Operand]) -> Callable[[Operand], Operand]:
    """A function of an array as a whole."""

    def apply(operand: Operand) -> Operand:
        if not isinstance(operand, list) or not operand:
            raise ExpressionError("an array of time series is needed")
        return function(operand)

    return apply


OPERATORS: dict[str, Callable[[float, float], float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "^": operator.pow,
    "==": operator.eq,
    "!=": operator.ne,
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
    "AND": lambda left, right: bool(left and right),
    "OR": lambda left, right: bool(left or right),
}
FUNCTIONS: dict[str, Callable[[Operand], Operand]] = {
    "negative": _negative,
    "ABS": _each(abs),
    "CEIL": _each(math.ceil),
    "FLOOR": _each(math.floor),
    "LOG": _each(math.log),
    "LOG10": _each(math.log10),
    "AVG": _reducing(lambda values: math.fsum(values) / len(values), zeros=True),
    "SUM": _reducing(math.fsum),
    "MIN": _reducing(min),
    "MAX": _reducing(max),
    "DATAPOINT_COUNT": _reducing(len),
    "DIFF": _steps(lambda change, seconds: change),
    "DIFF_TIME": _steps(lambda change, seconds: seconds),
    "RATE": _steps(operator.truediv),
    "RUNNING_SUM": _over(_running_sum),
    "FIRST": _of_array(lambda items: items[0]),
    "LAST": _of_array(lambda items: items[-1]),
    "METRIC_COUNT": _of_array(lambda items: float(len(items))),
}
"""Functions of one argument."""
