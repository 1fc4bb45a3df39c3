"""Conditions of a Condition step, over values that are already resolved. Pure.

Numbers are compared with numbers only: a comparison of "0.9" with 0.85 is an error, not a guess.
Source: the condition types of the SageMaker Python SDK (sagemaker.workflow.conditions).
"""

from collections.abc import Callable, Mapping
from typing import Any

_ORDER: Mapping[str, Callable[[Any, Any], bool]] = {
    "GreaterThan": lambda left, right: left > right,
    "GreaterThanOrEqualTo": lambda left, right: left >= right,
    "LessThan": lambda left, right: left < right,
    "LessThanOrEqualTo": lambda left, right: left <= right,
}
TYPES = ("Equals", *_ORDER, "In", "Not", "Or")


class ConditionError(Exception):
    """A condition that has no answer."""


def holds(conditions: list[dict[str, Any]]) -> bool:
    """Whether all of a step's conditions hold. Raises ConditionError."""
    answers = [evaluate(condition) for condition in conditions]  # all of them: no error hides behind a false
    return all(answers)


def evaluate(condition: Mapping[str, Any]) -> bool:
    """Whether one condition holds. Raises ConditionError for values that cannot be compared."""
    kind = condition["Type"]
    if kind == "Not":
        return not evaluate(negated(condition))
    if kind == "Or":
        answers = [evaluate(member) for member in condition["Conditions"]]
        return any(answers)
    if kind == "In":
        return any(_equal(condition["QueryValue"], value) for value in condition["Values"])
    left, right = condition["LeftValue"], condition["RightValue"]
    if kind == "Equals":
        return _equal(left, right)
    if not (_is_number(left) and _is_number(right)):
        raise ConditionError(f"{kind} compares numbers, and was given {left!r} and {right!r}.")
    return _ORDER[kind](left, right)


def negated(condition: Mapping[str, Any]) -> dict[str, Any]:
    """What a Not condition negates: SDKs have written it as Expression and as Condition."""
    inner: dict[str, Any] = condition["Expression"] if "Expression" in condition else condition["Condition"]
    return inner


def _equal(left: Any, right: Any) -> bool:
    if _is_number(left) and _is_number(right):
        return bool(left == right)
    if type(left) is not type(right):
        raise ConditionError(f"Equals and In compare values of one type, and was given {left!r} and {right!r}.")
    return bool(left == right)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
