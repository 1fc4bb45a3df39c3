"""Members of a request against botocore's model: required, min, max, enum, pattern; every violation is named.

botocore itself checks types and minimums only. It must never look at more than one member at a time: rules between
members are their operation's.
"""

import functools
import re
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape

from local.errors import validation

_MEASURED = {"string", "list", "map"}
_NUMBERS = {"integer", "long", "float", "double"}
_SIGNS = r"!-/:-@\[-`{-~\u00a1-\u00bf\u00d7\u00f7\u2010-\u2bff\u3001-\u303f"
_CLASSES = {
    "L": r"A-Za-z\u00aa\u00b5\u00ba\u00c0-\u02af\u0370-\u1fff\u2c00-\u2dff\u3040-\ud7ff\uf900-\uffdc",
    "N": r"\d",
    "M": r"\u0300-\u036f\u20d0-\u20ff",
    "P": _SIGNS,
    "S": _SIGNS,
    "Z": r"\s",
    "Zs": r" \u00a0\u2000-\u200a\u3000",
    "Alnum": "A-Za-z0-9",
    "Print": " -~",
    "ASCII": r"\x00-\x7f",
}
r"""What stands in a bracket for Java's \p{...}: exact for ASCII, near enough beyond."""

_ESCAPES = {r"\z": r"\Z", r"\uD800\uDC00-\uDBFF\uDFFF": r"\U00010000-\U0010FFFF"}
_UNIT = re.compile(r"\\p\{(?P<kind>\w+)\}|\\uD800\\uDC00-\\uDBFF\\uDFFF|\\.|(?P<bracket>[\[\]])")


def check(members: dict[str, Any], shape: Shape) -> None:
    """Raises AwsError ValidationException, worded as AWS words it, that lists every violation."""
    violations: list[str] = []
    _check(members, shape, "", violations)
    if violations:
        count = f"{len(violations)} validation error{'s' if len(violations) > 1 else ''} detected"
        raise validation(f"{count}: {'; '.join(violations)}")


def _check(value: Any, shape: Shape, path: str, violations: list[str]) -> None:
    if problem := _out_of_bounds(value, shape):
        violations.append(f"Value {_shown(value)} at '{_name(path)}' failed to satisfy constraint: {problem}")
    elif isinstance(shape, StructureShape):
        _check_structure(value, shape, path, violations)
    elif isinstance(shape, ListShape):
        for index, item in enumerate(value, start=1):
            _check(item, shape.member, f"{path}.{index}.member", violations)
    elif isinstance(shape, MapShape):
        for key, item in value.items():
            _check(key, shape.key, f"{path}.key", violations)
            _check(item, shape.value, f"{path}.{key}", violations)


def _check_structure(value: dict[str, Any], shape: StructureShape, path: str, violations: list[str]) -> None:
    for name in shape.required_members:
        if name not in value:
            where = _name(f"{path}.{name}")
            violations.append(f"Value null at '{where}' failed to satisfy constraint: Member must not be null")
    for name, item in value.items():
        _check(item, shape.members[name], f"{path}.{name}", violations)


def _out_of_bounds(value: Any, shape: Shape) -> str | None:
    rules = shape.metadata
    measured = value if shape.type_name in _NUMBERS else len(value) if shape.type_name in _MEASURED else None
    what = "Member must have length" if shape.type_name in _MEASURED else "Member must have value"
    if measured is not None and "min" in rules and measured < rules["min"]:
        return f"{what} greater than or equal to {rules['min']}"
    if measured is not None and "max" in rules and measured > rules["max"]:
        return f"{what} less than or equal to {rules['max']}"
    if shape.type_name == "string" and rules.get("enum") and value not in rules["enum"]:
        return f"Member must satisfy enum value set: [{', '.join(rules['enum'])}]"
    if shape.type_name == "string" and "pattern" in rules and not _matches(rules["pattern"], value):
        return f"Member must satisfy regular expression pattern: {rules['pattern']}"
    return None


@functools.cache
def _compiled(pattern: str) -> re.Pattern[str]:
    """The model's Java pattern as Python's, with the nearest character classes, and no count behind an anchor."""
    inside = False

    def translated(unit: re.Match[str]) -> str:
        nonlocal inside
        if unit["bracket"]:
            inside = unit["bracket"] == "["
            return unit["bracket"]
        if unit["kind"]:
            return _CLASSES[unit["kind"]] if inside else f"[{_CLASSES[unit['kind']]}]"
        return _ESCAPES.get(unit[0], unit[0])

    return re.compile(_UNIT.sub(translated, re.sub(r"\$\{[\d,]+\}$", "$", pattern)))


def _matches(pattern: str, value: str) -> bool:
    return _compiled(pattern).fullmatch(value) is not None


def _name(path: str) -> str:
    dotted = path.lstrip(".")
    return dotted[:1].lower() + dotted[1:]


def _shown(value: Any) -> str:
    text = str(value)
    return f"'{text[:120]}…'" if len(text) > 120 else f"'{text}'"
