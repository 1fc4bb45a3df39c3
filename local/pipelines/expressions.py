"""Expressions of a pipeline definition: Get, Std:Join and Std:JsonGet, found and resolved.

A Get names a parameter, an execution variable or a property of a step. Lists of a job's description are addressed by
name, as the SDK writes them: Steps.X.ProcessingOutputConfig.Outputs['train'].S3Output.S3Uri. Pure: the JSON documents
that JsonGet reads are asked for by `documents`, fetched by the caller and handed in with the scope.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

_SEGMENT = re.compile(r"\.?([^.\[\]]+)|\[(\d+)\]|\['([^']*)'\]|\[\"([^\"]*)\"\]")
_FUNCTIONS = ("Std:Join", "Std:JsonGet")
_NAMES = ("OutputName", "InputName", "ChannelName", "MetricName")


class ExpressionError(Exception):
    """An expression that cannot be resolved: what is missing, and where."""


@dataclass(frozen=True)
class Scope:
    """What expressions can see. `steps` holds each finished step's properties, `documents` JSON by S3 URI."""

    parameters: Mapping[str, Any]
    execution: Mapping[str, str]
    steps: Mapping[str, Any]
    documents: Mapping[str, Any] = field(default_factory=dict)


def segments(path: str) -> tuple[str | int, ...]:
    """`a.b['c'][0]` as ("a", "b", "c", 0). Raises ExpressionError."""
    found: list[str | int] = []
    position = 0
    while position < len(path):
        match = _SEGMENT.match(path, position)
        if match is None:
            raise ExpressionError(f"{path!r} is not a path such as a.b['c'][0] (position {position}).")
        plain, index, single, double = match.groups()
        found.append(int(index) if index is not None else next(s for s in (plain, single, double) if s is not None))
        position = match.end()
    return tuple(found)


def references(value: Any) -> Iterator[str]:
    """Every Get target in a value, however deep."""
    if isinstance(value, dict):
        if set(value) == {"Get"}:
            yield value["Get"]
            return
        for item in value.values():
            yield from references(item)
    elif isinstance(value, list):
        for item in value:
            yield from references(item)


def problems(value: Any) -> Iterator[str]:
    """What is wrong with the functions in a value, whatever they will be resolved with."""
    if isinstance(value, list):
        for item in value:
            yield from problems(item)
    if not isinstance(value, dict):
        return
    for key, item in value.items():
        if key == "Std:Join" and not (isinstance(item, dict) and isinstance(item.get("Values"), list)):
            yield f"Std:Join {item} has no list of Values"
        elif key == "Std:JsonGet" and not (
            isinstance(item, dict)
            and isinstance(item.get("Path"), str)
            and len({"PropertyFile", "S3Uri"} & set(item)) == 1
        ):
            yield f"Std:JsonGet {item} needs a Path, and either a PropertyFile or an S3Uri"
        elif key.startswith("Std:") and key not in _FUNCTIONS:
            yield f"{key} is no function; there is {' and '.join(_FUNCTIONS)}"
        else:
            yield from problems(item)


def documents(value: Any, scope: Scope) -> frozenset[str]:
    """The S3 URIs of the JSON documents that resolving `value` will read."""
    if isinstance(value, list):
        return frozenset().union(*(documents(item, scope) for item in value))
    if not isinstance(value, dict):
        return frozenset()
    if set(value) == {"Std:JsonGet"}:
        return frozenset({_source(value["Std:JsonGet"], scope)})
    return frozenset().union(*(documents(item, scope) for item in value.values()))


def resolve(value: Any, scope: Scope) -> Any:
    """The value with every expression replaced by what it stands for. Raises ExpressionError."""
    if isinstance(value, list):
        return [resolve(item, scope) for item in value]
    if not isinstance(value, dict):
        return value
    if set(value) == {"Get"}:
        return _get(value["Get"], scope)
    if set(value) == {"Std:Join"}:
        join = value["Std:Join"]
        return str(join.get("On", "")).join(text(resolve(item, scope)) for item in join["Values"])
    if set(value) == {"Std:JsonGet"}:
        uri = _source(value["Std:JsonGet"], scope)
        return follow(scope.documents[uri], value["Std:JsonGet"]["Path"].removeprefix("$."), uri)
    return {key: resolve(item, scope) for key, item in value.items()}


def text(value: Any) -> str:
    """A value as Std:Join writes it: strings as they are, everything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value)


def follow(value: Any, path: str, what: str) -> Any:
    """The part of a JSON value at a path. Raises ExpressionError that says what there is instead."""
    for segment in segments(path):
        try:
            value = _child(value, segment)
        except (KeyError, IndexError, TypeError) as error:
            raise ExpressionError(
                f"{what} has nothing at {path!r}: {segment!r} is missing ({_shown(value)})."
            ) from error
    return value


def _get(target: str, scope: Scope) -> Any:
    kind, _, rest = target.partition(".")
    if kind == "Steps":
        name, *_ = segments(rest)
        if name not in scope.steps:
            raise ExpressionError(f"{target} cannot be read: step {name} has not succeeded.")
        return follow(scope.steps, rest, "Steps")
    return follow(scope.parameters if kind == "Parameters" else scope.execution, rest, kind)


def _source(json_get: Mapping[str, Any], scope: Scope) -> str:
    return str(resolve(json_get["PropertyFile"] if "PropertyFile" in json_get else json_get["S3Uri"], scope))


def _child(value: Any, segment: str | int) -> Any:
    if isinstance(value, list) and isinstance(segment, str):
        value = {item[name]: item for item in value if isinstance(item, dict) for name in _NAMES if name in item}
    if isinstance(value, str):
        raise KeyError(segment)
    return value[segment]


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return f"there is {', '.join(sorted(map(str, value))) or 'nothing'}"
    if isinstance(value, list):
        named = [str(item.get(name)) for item in value if isinstance(item, dict) for name in _NAMES if name in item]
        return f"there is {', '.join(named)}" if named else f"a list of {len(value)}"
    return f"it is {value!r}"
