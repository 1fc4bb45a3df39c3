"""The pipeline definition JSON, read and checked when a pipeline is created, so that an execution meets no surprise.

Branches are flattened: a step knows the condition and the outcome it belongs to. Dependencies are what DependsOn names
and what the step's expressions read. Pure. Schema: Version 2020-12-01, as the SageMaker Python SDK writes it.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from graphlib import CycleError, TopologicalSorter
from typing import Any

from local.errors import AwsError, validation
from local.pipelines import caching, conditions, parameters, retries
from local.pipelines.expressions import ExpressionError, problems, references, segments
from local.pipelines.parameters import Parameter
from local.pipelines.retries import RetryPolicy

VERSION = "2020-12-01"
STEP_TYPES = ("Processing", "Training", "Condition", "RegisterModel", "Fail")
EXECUTION_VARIABLES = (
    "PipelineExecutionId",
    "PipelineExecutionArn",
    "PipelineName",
    "PipelineArn",
    "StartDateTime",
    "CurrentDateTime",
    "TrainingJobName",
    "ProcessingJobName",
)
_STEP_NAME = re.compile(r"[A-Za-z0-9\-_]{1,64}")
_Branch = tuple[str, bool]


@dataclass(frozen=True)
class Step:
    """One step. `needs` must succeed first; `branch` is the condition, and the outcome, that it takes to run it."""

    name: str
    type: str
    arguments: Mapping[str, Any]
    needs: frozenset[str]
    branch: _Branch | None = None
    display_name: str | None = None
    description: str | None = None
    property_files: tuple[Mapping[str, str], ...] = ()
    cached: bool = False
    expire_after: timedelta | None = None
    retry_policies: tuple[RetryPolicy, ...] = ()

    @property
    def before(self) -> frozenset[str]:
        """Every step that this one waits for: those it needs, and the condition of its branch."""
        return self.needs | ({self.branch[0]} if self.branch else frozenset())


@dataclass(frozen=True)
class Definition:
    """A pipeline that can be executed."""

    parameters: Mapping[str, Parameter]
    steps: Mapping[str, Step]


def parse(text: str) -> Definition:
    """Raises a ValidationException that says what is wrong, and in which step."""
    try:
        return _definition(json.loads(text))
    except ValueError as error:
        raise _invalid(f"it is not JSON: {error}") from error
    except (AttributeError, KeyError, TypeError) as error:
        raise _invalid(f"a member has the wrong JSON type: {error}") from error


def _definition(document: Any) -> Definition:
    if not isinstance(document, dict) or document.get("Version") != VERSION:
        raise _invalid(f"Version must be {VERSION}.")
    if not isinstance(document.get("Steps"), list) or not document["Steps"]:
        raise _invalid("Steps must be a list of at least one step.")
    declared = parameters.parse(document.get("Parameters", []))
    steps: dict[str, Step] = {}
    for raw, branch in _flatten(document["Steps"], None):
        step = _step(raw, branch)
        if step.name in steps:
            raise _invalid(f"step name {step.name} is used twice; a step is in one place only.")
        steps[step.name] = step
    for step in steps.values():
        _check_references(step, steps, declared)
    _check_order(steps)
    return Definition(declared, steps)


def _flatten(raw: Any, branch: _Branch | None) -> Iterator[tuple[dict[str, Any], _Branch | None]]:
    for step in raw:
        if not isinstance(step, dict) or not isinstance(step.get("Arguments"), dict):
            raise _invalid(f"{step!r:.80} is not a step with Name, Type and Arguments.")
        yield step, branch
        if step.get("Type") != "Condition":
            continue
        if branch:
            raise _invalid(f"Condition step {step.get('Name')} is inside a branch of {branch[0]}; they do not nest.")
        for key, outcome in (("IfSteps", True), ("ElseSteps", False)):
            yield from _flatten(step["Arguments"].get(key, []), (str(step.get("Name")), outcome))


def _step(raw: Mapping[str, Any], branch: _Branch | None) -> Step:
    name, kind, arguments = raw.get("Name"), raw.get("Type"), raw["Arguments"]
    if not isinstance(name, str) or not _STEP_NAME.fullmatch(name):
        raise _invalid(f"step name {name!r} must be 1 to 64 letters, digits, hyphens and underscores.")
    if kind not in STEP_TYPES:
        raise _invalid(f"step {name} has Type {kind}, which is not offered here; it must be {', '.join(STEP_TYPES)}.")
    if kind == "Condition":
        arguments = {"Conditions": _checked_conditions(name, arguments.get("Conditions"))}
    if kind == "Fail" and "ErrorMessage" not in arguments:
        raise _invalid(f"step {name} of Type Fail has no ErrorMessage.")
    for problem in problems(arguments):
        raise _invalid(f"step {name}: {problem}.")
    cached, expire_after = _cache(name, raw.get("CacheConfig", {}))
    return Step(
        name=name,
        type=kind,
        arguments=arguments,
        needs=_dependencies(name, raw.get("DependsOn", []), arguments),
        branch=branch,
        display_name=raw.get("DisplayName"),
        description=raw.get("Description"),
        property_files=tuple(_property_files(name, raw)),
        cached=cached and kind in caching.ATTRIBUTES,
        expire_after=expire_after,
        retry_policies=_retry_policies(name, kind, raw.get("RetryPolicies", [])),
    )


def _dependencies(name: str, declared: Any, arguments: Mapping[str, Any]) -> frozenset[str]:
    for entry in declared:
        if not isinstance(entry, str):
            raise _invalid(f"step {name}: DependsOn {entry} is not offered here; name steps that must succeed.")
    read = {str(path[1]) for path in _paths(name, arguments) if path[0] == "Steps"}
    return frozenset(declared) | read


def _paths(name: str, arguments: Mapping[str, Any]) -> Iterator[tuple[str | int, ...]]:
    for target in references(arguments):
        try:
            path = segments(target) if isinstance(target, str) else ()
        except ExpressionError:
            path = ()
        if len(path) < (3 if path[:1] == ("Steps",) else 2):
            raise _invalid(f"step {name}: Get {target!r} is not Parameters.*, Execution.* or Steps.<name>.<property>.")
        yield path


def _property_files(name: str, raw: Mapping[str, Any]) -> Iterator[Mapping[str, str]]:
    outputs = [o.get("OutputName") for o in raw["Arguments"].get("ProcessingOutputConfig", {}).get("Outputs", [])]
    for file in raw.get("PropertyFiles", []):
        if {"PropertyFileName", "OutputName", "FilePath"} - set(file):
            raise _invalid(f"step {name}: a property file needs PropertyFileName, OutputName and FilePath.")
        if file["OutputName"] not in outputs:
            raise _invalid(
                f"step {name}: property file {file['PropertyFileName']} is in output {file['OutputName']}, "
                f"and the outputs are {', '.join(map(str, outputs)) or 'none'}."
            )
        yield file


def _cache(name: str, config: Mapping[str, Any]) -> tuple[bool, timedelta | None]:
    try:
        expire_after = caching.duration(config["ExpireAfter"]) if config.get("ExpireAfter") else None
    except ValueError as error:
        raise _invalid(f"step {name}: CacheConfig.ExpireAfter {error}.") from error
    return config.get("Enabled") is True, expire_after


def _retry_policies(name: str, kind: str, raw: Any) -> tuple[RetryPolicy, ...]:
    if raw and kind not in retries.STEP_TYPES:
        raise _invalid(f"step {name} of Type {kind} takes no RetryPolicies; {', '.join(retries.STEP_TYPES)} do.")
    try:
        return retries.parse(raw)
    except ValueError as error:
        raise _invalid(f"step {name}: RetryPolicies: {error}.") from error


def _checked_conditions(name: str, given: Any) -> list[dict[str, Any]]:
    if not isinstance(given, list) or not given:
        raise _invalid(f"step {name} of Type Condition has no Conditions.")
    for condition in given:
        _check_condition(name, condition)
    return given


_CONDITION_MEMBERS = {"In": ("QueryValue", "Values"), "Or": ("Conditions",), "Not": ()}


def _check_condition(name: str, condition: Mapping[str, Any]) -> None:
    kind = condition.get("Type")
    if kind not in conditions.TYPES:
        raise _invalid(f"step {name}: condition type {kind} is not one of {', '.join(conditions.TYPES)}.")
    missing = [m for m in _CONDITION_MEMBERS.get(kind, ("LeftValue", "RightValue")) if m not in condition]
    if missing or (kind == "Not" and not {"Condition", "Expression"} & set(condition)):
        raise _invalid(f"step {name}: condition {kind} has no {' and no '.join(missing) or 'Condition'}.")
    inner = condition["Conditions"] if kind == "Or" else [conditions.negated(condition)] if kind == "Not" else []
    for member in inner:
        _check_condition(name, member)


def _check_references(step: Step, steps: Mapping[str, Step], declared: Mapping[str, Parameter]) -> None:
    unknown = sorted(step.needs - set(steps))
    if unknown:
        raise _invalid(f"step {step.name} depends on {', '.join(unknown)}, which the pipeline does not have.")
    for kind, name, *rest in _paths(step.name, step.arguments):
        if kind == "Parameters" and name not in declared:
            raise _invalid(f"step {step.name} reads parameter {name}, which the pipeline does not declare.")
        if kind == "Execution" and name not in EXECUTION_VARIABLES:
            raise _invalid(f"step {step.name} reads Execution.{name}; there is {', '.join(EXECUTION_VARIABLES)}.")
        if kind not in ("Parameters", "Execution", "Steps"):
            raise _invalid(f"step {step.name} reads {kind}.{name}; only Parameters, Execution and Steps can be read.")
        if rest[:1] == ["PropertyFiles"]:
            files = [file["PropertyFileName"] for file in steps[str(name)].property_files]
            if rest[1:] and rest[1] not in files:
                raise _invalid(f"step {step.name} reads property file {rest[1]} of step {name}, which has {files}.")


def _check_order(steps: Mapping[str, Step]) -> None:
    try:
        TopologicalSorter({name: step.before for name, step in steps.items()}).prepare()
    except CycleError as error:
        raise _invalid(f"steps wait for each other: {' -> '.join(error.args[1])}.") from error


def _invalid(problem: str) -> AwsError:
    return validation(f"Invalid pipeline definition: {problem}")
