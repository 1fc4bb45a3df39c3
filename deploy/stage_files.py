"""Reads `deploy/stages/<stage>.yaml`, applies `--set`, and words every problem with file, key, value, limit and fix.

It never calls AWS: a bad policy is refused before the first request.
"""

import difflib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError
from pydantic.fields import FieldInfo

from deploy.errors import PolicyError, UsageError
from deploy.limits import problems as cross_field_problems
from deploy.policy import ROLE_VARIABLE, Policy, fields

STAGES = Path(__file__).parent / "stages"
ROLE_PATH = "endpoint.execution_role_arn"
FIELDS: dict[str, FieldInfo] = dict(fields())

# What to write instead, by pydantic's name for the rule that was broken.
FIXES: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "greater_than": lambda rule: f"Write more than {rule['gt']:g}.",
    "greater_than_equal": lambda rule: f"Write {rule['ge']:g} or more.",
    "less_than": lambda rule: f"Write less than {rule['lt']:g}.",
    "less_than_equal": lambda rule: f"Write {rule['le']:g} or less.",
    "multiple_of": lambda rule: f"Write a multiple of {rule['multiple_of']:g}.",
    "literal_error": lambda rule: f"Write {rule['expected']}.",
    "string_too_long": lambda rule: f"Write at most {rule['max_length']} characters.",
}
KINDS = {
    "int_type": "it must be a whole number",
    "int_from_float": "it must be a whole number",
    "float_type": "it must be a number",
    "finite_number": "it must be a finite number",
    "string_type": "it must be text",
    "model_type": "it must hold keys of its own",
}


def stages(folder: Path = STAGES) -> list[str]:
    """The stages that exist."""
    return sorted(path.stem for path in folder.glob("*.yaml"))


def load(stage: str, overrides: Sequence[str], environ: Mapping[str, str], folder: Path = STAGES) -> Policy:
    """The policy of a stage, with `path.to.key=value` overrides; PolicyError names every problem at once."""
    if stage not in stages(folder):
        raise UsageError(
            f"There is no stage {stage!r}: stages are {', '.join(stages(folder)) or 'none'}. {_where(folder)}"
        )
    path = folder / f"{stage}.yaml"
    shown = f"{folder.parent.name}/{folder.name}/{path.name}"
    data = _read(path, shown)
    origins: dict[str, str] = {}
    problems = (
        [f"{shown}: there is no key stage. The file's name says it: leave the key out."] if "stage" in data else []
    )
    for text in overrides:
        key, value = _parse_override(text)
        if key in FIELDS:
            _put(data, key, value)
            origins[key] = "--set"
        else:
            problems.append(f"--set: there is no key {key}.{_did_you_mean(key)}")
    endpoint = data.get("endpoint")
    if isinstance(endpoint, dict) and endpoint.get("execution_role_arn") is None and environ.get(ROLE_VARIABLE):
        endpoint["execution_role_arn"] = environ[ROLE_VARIABLE]
        origins[ROLE_PATH] = f"environment variable {ROLE_VARIABLE}"
    try:
        policy = Policy.model_validate(data | {"stage": stage})
    except ValidationError as error:
        raise PolicyError(problems + [_sentence(dict(found), shown, origins) for found in error.errors()]) from None
    problems += [f"{shown}: {problem}" for problem in cross_field_problems(policy)]
    if problems:
        raise PolicyError(problems)
    return policy


def _where(folder: Path) -> str:
    return f"A stage is a file {folder.parent.name}/{folder.name}/<stage>.yaml."


class _Loader(yaml.SafeLoader):
    """YAML without the silence: a key that is written twice is an error."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, str):
                raise yaml.MarkedYAMLError(problem=f"{key} is not a key's name", problem_mark=key_node.start_mark)
            if key in seen:
                raise yaml.MarkedYAMLError(problem=f"{key} is written twice", problem_mark=key_node.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep)


def _read(path: Path, shown: str) -> dict[str, Any]:
    """The file as plain data."""
    try:
        data = yaml.load(path.read_text(encoding="utf-8"), _Loader)  # noqa: S506 - _Loader is a SafeLoader
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        line = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        raise PolicyError([f"{shown}: {line}{error.problem}. Mend the YAML there."]) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise PolicyError([f"{shown}: cannot be read as YAML: {error}"]) from None
    if not isinstance(data, dict):
        raise PolicyError([f"{shown}: holds no keys. Write the sections endpoint, rollout and guardrails."])
    return data


def _parse_override(text: str) -> tuple[str, Any]:
    """`path.to.key=value`, the value read as YAML reads it."""
    path, equals, value = text.partition("=")
    if not equals or not path:
        raise UsageError(f"--set {text}: write --set path.to.key=value, for example --set rollout.canary.percent=25.")
    try:
        return path, yaml.safe_load(value)
    except yaml.YAMLError:
        raise UsageError(f"--set {text}: {value} is not a YAML value. Put it in quotes.") from None


def _put(data: dict[str, Any], path: str, value: Any) -> None:
    """Write a dotted key, making the sections it lies in."""
    *parents, last = path.split(".")
    section = data
    for name in parents:
        inner = section.get(name)
        if not isinstance(inner, dict):
            inner = section[name] = {}
        section = inner
    section[last] = value


def _sentence(found: dict[str, Any], shown: str, origins: Mapping[str, str]) -> str:
    """One of pydantic's findings as a sentence."""
    path = ".".join(str(part) for part in found["loc"]).strip()
    where = origins.get(path, shown)
    if found["type"] == "extra_forbidden":
        return f"{where}: there is no key {path}.{_did_you_mean(path)}"
    if found["type"] == "section":
        path, found["type"] = f"{path}.{found['msg']}", "missing"
    field = FIELDS[path]
    example = f"Write for example {path.rpartition('.')[2]}: {(field.examples or [''])[0]}."
    if found["type"] == "missing":
        return f"{where}: {path} is missing: {field.description}. {example}"
    extra = field.json_schema_extra
    limit = KINDS.get(found["type"]) or str(extra.get("limit", "") if isinstance(extra, dict) else "")
    fix = FIXES[found["type"]](found["ctx"]) if found["type"] in FIXES else example
    return f"{where}: {path} is {found['input']}; {limit or found['msg']}. {fix}"


def _did_you_mean(path: str) -> str:
    """The key that was probably meant, or the keys that stand there."""
    parent, _, last = path.rpartition(".")
    siblings = {key.rpartition(".")[2]: key for key in FIELDS if key.rpartition(".")[0] == parent}
    near = [siblings[name] for name in difflib.get_close_matches(last, siblings, 1)]
    near += [key for key in FIELDS if key.rpartition(".")[2] == last]
    near += difflib.get_close_matches(path, FIELDS, 1)
    if near:
        return f" Did you mean {near[0]}?"
    return f" Keys there are {', '.join(siblings)}." if siblings else f" Sections are {', '.join(_sections())}."


def _sections() -> list[str]:
    return [key for key in FIELDS if "." not in key]
