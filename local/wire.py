"""AWS's JSON wire protocol, driven by botocore's own service models.

It turns a request body into the members an operation takes, refusing what the model refuses, and a result into the body
a client expects. It must never know what an operation does.
Source: https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html; the models are botocore's.
"""

import functools
import json
import re
from datetime import UTC, datetime
from typing import Any

import botocore.session
from botocore.model import ListShape, MapShape, ServiceModel, Shape, StructureShape

from local.errors import AwsError, validation


@functools.cache
def service_model(service: str) -> ServiceModel:
    """botocore's model of a service."""
    return botocore.session.get_session().get_service_model(service)


def parse(service: str, operation: str, body: bytes) -> dict[str, Any]:
    """The request's members, checked against the model: required, type, min, max, enum, pattern.

    Timestamps become datetimes. Raises AwsError: UnknownOperationException, SerializationException, or a
    ValidationException that lists every violation.
    """
    model = service_model(service)
    if operation not in model.operation_names:
        raise AwsError("UnknownOperationException", f"{service} has no operation named {operation}.")
    try:
        members = json.loads(body or b"{}")
    except ValueError as error:
        raise AwsError("SerializationException", f"The request body is not JSON: {error}") from error
    shape = model.operation_model(operation).input_shape
    if shape is None:
        return {}
    violations: list[str] = []
    checked = _check(members, shape, "", violations)
    if violations:
        count = f"{len(violations)} validation error{'s' if len(violations) > 1 else ''} detected"
        raise validation(f"{count}: {'; '.join(violations)}")
    return dict(checked)


def serialise(result: dict[str, Any] | None) -> bytes:
    """A result as JSON: timestamps as epoch seconds, members that are None left out."""
    return json.dumps(_plain(result or {})).encode()


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items() if item is not None}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value.timestamp() if isinstance(value, datetime) else value


def _check(value: Any, shape: Shape, path: str, violations: list[str]) -> Any:
    problem = _mistyped(value, shape) or _out_of_bounds(value, shape)
    if problem:
        violations.append(f"Value {_shown(value)} at '{_name(path)}' failed to satisfy constraint: {problem}")
        return value
    if isinstance(shape, StructureShape):
        return _check_structure(value, shape, path, violations)
    if isinstance(shape, ListShape):
        return [_check(item, shape.member, f"{path}.{i + 1}.member", violations) for i, item in enumerate(value)]
    if isinstance(shape, MapShape):
        for key in value:
            _check(key, shape.key, f"{path}.key", violations)
        return {key: _check(item, shape.value, f"{path}.{key}", violations) for key, item in value.items()}
    return _timestamp(value) if shape.type_name == "timestamp" else value


def _check_structure(value: dict[str, Any], shape: StructureShape, path: str, violations: list[str]) -> Any:
    for name in shape.required_members:
        if value.get(name) is None:
            where = _name(f"{path}.{name}")
            violations.append(f"Value null at '{where}' failed to satisfy constraint: Member must not be null")
    return {
        name: _check(item, shape.members[name], f"{path}.{name}", violations)
        for name, item in value.items()
        if item is not None and name in shape.members
    }


_TYPES: dict[str, tuple[type, ...]] = {
    "structure": (dict,),
    "map": (dict,),
    "list": (list,),
    "string": (str,),
    "blob": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "long": (int,),
    "float": (int, float),
    "double": (int, float),
    "timestamp": (int, float, str),
}


def _mistyped(value: Any, shape: Shape) -> str | None:
    kinds = _TYPES[shape.type_name]
    if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
        return f"Member must be of type {shape.type_name}"
    return None


def _out_of_bounds(value: Any, shape: Shape) -> str | None:
    rules = shape.metadata
    measured = value if shape.type_name in {"integer", "long", "float", "double"} else None
    if shape.type_name in {"string", "list", "map"}:
        measured = len(value)
    what = "Member must have" if shape.type_name in {"string", "list", "map"} else "Member must have value"
    unit = "length " if shape.type_name in {"string", "list", "map"} else ""
    if measured is not None and "min" in rules and measured < rules["min"]:
        return f"{what} {unit}greater than or equal to {rules['min']}"
    if measured is not None and "max" in rules and measured > rules["max"]:
        return f"{what} {unit}less than or equal to {rules['max']}"
    if shape.type_name == "string" and rules.get("enum") and value not in rules["enum"]:
        return f"Member must satisfy enum value set: [{', '.join(rules['enum'])}]"
    if shape.type_name == "string" and "pattern" in rules and not _matches(rules["pattern"], value):
        return f"Member must satisfy regular expression pattern: {rules['pattern']}"
    return None


@functools.cache
def _compiled(pattern: str) -> re.Pattern[str] | None:
    """The model's Java pattern as Python's: nearest Unicode classes, and no count behind an anchor."""
    translated = re.sub(r"\$\{[\d,]+\}$", "$", pattern)
    translated = translated.replace(r"\p{L}", r"\w").replace(r"\p{Z}", r"\s").replace(r"\p{N}", r"\d")
    try:
        return re.compile(translated)
    except re.error:
        return None


def _matches(pattern: str, value: str) -> bool:
    compiled = _compiled(pattern)
    return compiled is None or compiled.fullmatch(value) is not None


def _timestamp(value: float | str) -> datetime:
    if isinstance(value, str):
        return datetime.fromisoformat(value)
    return datetime.fromtimestamp(value, UTC)


def _name(path: str) -> str:
    dotted = path.lstrip(".")
    return dotted[:1].lower() + dotted[1:]


def _shown(value: Any) -> str:
    text = str(value)
    return f"'{text[:120]}…'" if len(text) > 120 else f"'{text}'"
