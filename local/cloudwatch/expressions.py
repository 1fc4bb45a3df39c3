"""The part of metric math that guardrails need: + - * /, comparisons, IF and FILL with a number. Pure.

Anything else is refused by name: it must never answer an expression with something else than CloudWatch would.
Source: the CloudWatch user guide, "Using metric math".
"""

import ast
import operator
from collections.abc import Callable, Mapping, Sequence

from local.errors import AwsError

Series = dict[int, float]
"""Values by the start of their period, in epoch seconds. Periods without a value are absent."""

Operand = Series | float
Operation = Callable[[float, float], float | None]


def _divide(left: float, right: float) -> float | None:
    return left / right if right else None


_ARITHMETIC: dict[type[ast.operator], Operation] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: _divide,
}
_COMPARISONS: dict[type[ast.cmpop], Operation] = {
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
_OFFERED = "+ - * /, comparisons, IF(condition, then, else) and FILL(metric, number)"


def parse(expression: str) -> ast.expr:
    """The expression's tree. Raises AwsError ValidationError when it holds anything that is not offered."""
    try:
        tree = ast.parse(expression.strip(), mode="eval").body
    except SyntaxError as error:
        raise _refusal(expression, "it cannot be read") from error
    _check(tree, expression)
    return tree


def names(tree: ast.expr) -> set[str]:
    """The ids of the queries an expression refers to."""
    functions = {
        node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)} - functions


def evaluate(tree: ast.expr, series: Mapping[str, Operand], grid: Sequence[int]) -> Operand:
    """The value of a checked expression.

    `grid` holds the start of every period in question: FILL fills those. Where either side of an operation misses a
    value, and where something is divided by zero, the result misses it too.
    """
    match tree:
        case ast.Constant(value=bool() | int() | float() as number):
            return float(number)
        case ast.Name(id=name):
            return series[name]
        case ast.UnaryOp(operand=operand):
            return _combine(operator.mul, -1.0, evaluate(operand, series, grid))
        case ast.BinOp(left=left, op=op, right=right):
            return _combine(_ARITHMETIC[type(op)], evaluate(left, series, grid), evaluate(right, series, grid))
        case ast.Compare(left=left, ops=[op], comparators=[right]):
            return _combine(_COMPARISONS[type(op)], evaluate(left, series, grid), evaluate(right, series, grid))
        case ast.Call(func=ast.Name(id="FILL"), args=[filled, number]):
            return _fill(evaluate(filled, series, grid), evaluate(number, series, grid), grid)
        case ast.Call(args=[condition, then, otherwise]):
            parts = [evaluate(part, series, grid) for part in (condition, then, otherwise)]
            return _choose(parts[0], parts[1], parts[2])
    raise AssertionError(ast.dump(tree))


def _combine(operation: Operation, left: Operand, right: Operand) -> Operand:
    if isinstance(left, float) and isinstance(right, float):
        result = operation(left, right)
        return {} if result is None else float(result)
    moments = set(left) if isinstance(left, dict) else set(right) if isinstance(right, dict) else set()
    if isinstance(left, dict) and isinstance(right, dict):
        moments &= set(right)
    results = {moment: operation(_at(left, moment), _at(right, moment)) for moment in sorted(moments)}
    return {moment: float(value) for moment, value in results.items() if value is not None}


def _at(operand: Operand, moment: int) -> float:
    return operand if isinstance(operand, float) else operand[moment]


def _fill(filled: Operand, number: Operand, grid: Sequence[int]) -> Operand:
    if isinstance(filled, float):
        return filled
    return {moment: filled.get(moment, _at(number, moment)) for moment in grid}


def _choose(condition: Operand, then: Operand, otherwise: Operand) -> Operand:
    if isinstance(condition, float):
        return then if condition else otherwise
    chosen = {moment: then if truth else otherwise for moment, truth in condition.items()}
    return {
        moment: _at(operand, moment)
        for moment, operand in chosen.items()
        if isinstance(operand, float) or moment in operand
    }


def _check(tree: ast.expr, expression: str) -> None:
    for node in ast.walk(tree):
        if isinstance(node, ast.expr) and not _offered(node):
            raise _refusal(expression, f"'{ast.unparse(node)}' is not offered")


def _offered(node: ast.expr) -> bool:
    match node:
        case ast.Name():
            return True
        case ast.Constant(value=value):
            return isinstance(value, int | float)
        case ast.UnaryOp(op=op):
            return isinstance(op, ast.USub)
        case ast.BinOp(op=op):
            return type(op) in _ARITHMETIC
        case ast.Compare(ops=[op]):
            return type(op) in _COMPARISONS
        case ast.Call(func=ast.Name(id="IF"), args=[_, _, _], keywords=[]):
            return True
        case ast.Call(func=ast.Name(id="FILL"), args=[_, filler], keywords=[]):
            return isinstance(filler, ast.Constant | ast.UnaryOp)
    return False


def _refusal(expression: str, why: str) -> AwsError:
    return AwsError("ValidationError", f"Error in expression '{expression}': {why}. Offered here: {_OFFERED}.")
