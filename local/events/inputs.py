"""What a target is sent for an event: all of it, a part (InputPath), a constant (Input), or a template filled in. Pure.

A variable stands for JSON where the template does not quote it, and for bare text inside quotes; one whose path the
event does not have stands for nothing. Source: the EventBridge user guide, "Amazon EventBridge input transformation".
"""

import json
import re
from collections.abc import Mapping
from typing import Any

_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+)\]|\['([^']+)'\]")
_PATH = re.compile(rf"\$(?:{_STEP.pattern})*")
_PART = re.compile(r'"(?:\\.|[^"\\])*"|<[^<>\s]+>')
_VARIABLE = re.compile(r"<([^<>\s]+)>")
_MISSING = object()


class InputError(Exception):
    """A target's input that no event can be turned into."""


def body(event: Mapping[str, Any], target: Mapping[str, Any], rule: Mapping[str, str]) -> str:
    """The text that the target gets. `event` is as AWS sends it; `rule` gives aws.events.* variables.

    Raises InputError when a template, filled in, is not JSON.
    """
    if "Input" in target:
        return str(target["Input"])
    if "InputPath" in target:
        part = find(event, target["InputPath"])
        return json.dumps(None if part is _MISSING else part)
    if "InputTransformer" in target:
        return _filled_in(event, target["InputTransformer"], rule)
    return json.dumps(event)


def find(event: Any, path: str) -> Any:
    """The part of an event at a path such as $.detail.name or $.resources[0]; _MISSING when it has none."""
    if not _PATH.fullmatch(path):
        return _MISSING
    for name, index, quoted in _STEP.findall(path):
        try:
            event = event[int(index)] if index else event[name or quoted]
        except (KeyError, IndexError, TypeError):
            return _MISSING
    return event


def _filled_in(event: Mapping[str, Any], transformer: Mapping[str, Any], rule: Mapping[str, str]) -> str:
    paths = transformer.get("InputPathsMap", {})
    values = {name: find(event, path) for name, path in paths.items()} | {
        **rule,
        "aws.events.event.json": event,
        "aws.events.event": {name: value for name, value in event.items() if name != "detail"},
    }
    text = _PART.sub(lambda part: _replaced(part[0], values), transformer["InputTemplate"])
    lines = [text] if text.lstrip()[:1] in "{[" else text.splitlines()
    try:
        for line in lines:
            json.loads(line)
    except ValueError as error:
        raise InputError(f"InputTemplate gives {text!r:.200}, which is not JSON: {error}") from error
    return text


def _replaced(part: str, values: Mapping[str, Any]) -> str:
    if part.startswith('"'):
        return _VARIABLE.sub(lambda variable: _bare(variable, values), part)
    if part[1:-1] not in values:
        return part
    value = values[part[1:-1]]
    return "" if value is _MISSING else json.dumps(value)


def _bare(variable: re.Match[str], values: Mapping[str, Any]) -> str:
    """A value inside quotes: a string without its own quotes, JSON without any."""
    value = values.get(variable[1], variable[0])
    if value is _MISSING:
        return ""
    return json.dumps(value)[1:-1] if isinstance(value, str) else json.dumps(value).replace('"', "")
