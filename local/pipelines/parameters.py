"""Pipeline parameters: their declarations, and the values an execution runs with. Pure.

Values travel as strings in StartPipelineExecution and get the declared type here.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from local.errors import validation


@dataclass(frozen=True)
class Parameter:
    """One declaration. `default` is None when there is none; `allowed` is EnumValues, empty when any value will do."""

    name: str
    type: str
    default: Any = None
    allowed: tuple[Any, ...] = ()


def _boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    known = {"true": True, "false": False}
    if str(value).lower() not in known:
        raise ValueError(value)
    return known[str(value).lower()]


def _integer(value: Any) -> int:
    if isinstance(value, bool) or (isinstance(value, float) and not value.is_integer()):
        raise ValueError(value)
    return int(value)


def _float(value: Any) -> float:
    if isinstance(value, bool):
        raise TypeError(value)
    return float(value)


def _string(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(value)
    return value


_TYPES: Mapping[str, Callable[[Any], Any]] = {
    "String": _string,
    "Integer": _integer,
    "Float": _float,
    "Boolean": _boolean,
}


def parse(declarations: Sequence[Mapping[str, Any]]) -> dict[str, Parameter]:
    """The declarations by name. Raises a ValidationException."""
    parameters: dict[str, Parameter] = {}
    for declaration in declarations:
        name, kind = declaration.get("Name"), declaration.get("Type")
        if not isinstance(name, str) or name in parameters:
            raise validation(f"Invalid pipeline definition: parameter name {name!r} is missing or used twice.")
        if not isinstance(kind, str) or kind not in _TYPES:
            raise validation(f"Invalid pipeline definition: parameter {name} has Type {kind!r}, not {_one_of(_TYPES)}.")
        bare = Parameter(name, kind)
        allowed = tuple(_typed(bare, value) for value in declaration.get("EnumValues", []))
        default = declaration.get("DefaultValue")
        parameter = Parameter(name, kind, None if default is None else _typed(bare, default), allowed)
        if parameter.default is not None:
            _check_allowed(parameter, parameter.default)
        parameters[name] = parameter
    return parameters


def bind(parameters: Mapping[str, Parameter], given: Sequence[Mapping[str, str]]) -> dict[str, Any]:
    """Every parameter's value, from the request or its default. Raises a ValidationException for any other request."""
    values = {item["Name"]: item["Value"] for item in given}
    unknown = sorted(set(values) - set(parameters))
    if unknown:
        known = ", ".join(sorted(parameters)) or "none"
        raise validation(f"Unknown pipeline parameters: {', '.join(unknown)}. The pipeline has: {known}.")
    missing = sorted(name for name, p in parameters.items() if p.default is None and name not in values)
    if missing:
        raise validation(f"Pipeline parameters without a default value need one: {', '.join(missing)}.")
    bound = {}
    for name, parameter in parameters.items():
        bound[name] = _typed(parameter, values[name]) if name in values else parameter.default
        _check_allowed(parameter, bound[name])
    return bound


def _typed(parameter: Parameter, value: Any) -> Any:
    try:
        return _TYPES[parameter.type](value)
    except (TypeError, ValueError) as error:
        raise validation(f"Pipeline parameter {parameter.name} is {value!r}, which is no {parameter.type}.") from error


def _check_allowed(parameter: Parameter, value: Any) -> None:
    if parameter.allowed and value not in parameter.allowed:
        raise validation(f"Pipeline parameter {parameter.name} is {value!r}, not {_one_of(parameter.allowed)}.")


def _one_of(values: Any) -> str:
    return f"one of {', '.join(map(str, values))}"
