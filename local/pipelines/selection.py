"""Selective execution: whether steps can be run on their own, and whose earlier results they need. Pure.

Selected steps have to be connected, with every step on the way between two of them; what they need of other steps is
reused from another execution. Sources: the developer guide, "Selective execution of pipeline steps"; the API reference
of SelectiveExecutionConfig.
"""

from collections.abc import Collection, Mapping

from local.errors import validation
from local.pipelines.definition import Step


def needed(steps: Mapping[str, Step], selected: Collection[str]) -> frozenset[str]:
    """The steps that are not selected and whose results the selected ones need. Raises a ValidationException."""
    unknown = sorted(set(selected) - set(steps))
    if unknown:
        raise validation(f"Invalid SelectedSteps: the pipeline has no step {', '.join(unknown)}.")
    between = sorted(_between(steps, frozenset(selected)))
    if between:
        raise validation(
            f"Invalid SelectedSteps: {', '.join(between)} lies between selected steps; every step on the path between "
            "two selected steps has to be selected."
        )
    if not _connected(steps, selected):
        raise validation("Invalid SelectedSteps: the selected steps are not connected with each other.")
    return frozenset[str]().union(*(steps[name].before for name in selected)) - set(selected)


def check_reusable(steps: Mapping[str, Step], needs: Collection[str], outcomes: Mapping[str, bool | None]) -> None:
    """Raises a ValidationException when a result that is needed cannot be reused.

    `outcomes` has the steps that succeeded in the execution to reuse, with what a condition decided, else None.
    """
    missing = sorted(set(needs) - set(outcomes))
    if missing:
        raise validation(f"Invalid SourcePipelineExecutionArn: {', '.join(missing)} did not succeed in that execution.")
    for name, step in steps.items():
        if step.branch and step.branch[0] in needs and outcomes[step.branch[0]] != step.branch[1]:
            condition = step.branch[0]
            raise validation(
                f"Invalid SelectedSteps: {name} is in the branch that {condition} did not take in that execution."
            )


def _between(steps: Mapping[str, Step], selected: frozenset[str]) -> set[str]:
    after = _reached(selected, {name: _followers(steps, name) for name in steps})
    before = _reached(selected, {name: step.before for name, step in steps.items()})
    return (after & before) - selected


def _connected(steps: Mapping[str, Step], selected: Collection[str]) -> bool:
    beside = {name: (steps[name].before | _followers(steps, name)) & set(selected) for name in selected}
    first = next(iter(selected))
    return _reached(frozenset({first}), beside) | {first} == set(selected)


def _followers(steps: Mapping[str, Step], name: str) -> frozenset[str]:
    return frozenset(other for other, step in steps.items() if name in step.before)


def _reached(start: frozenset[str], onward: Mapping[str, frozenset[str]]) -> set[str]:
    """Everything that one or more steps onward from `start` lead to."""
    found: set[str] = set()
    edge = set(start)
    while edge:
        edge = set().union(*(onward[name] for name in edge)) - found
        found |= edge
    return found
