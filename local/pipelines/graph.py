"""Which steps can start now, and which never will. Pure: it is called again after every change.

A step of the branch that was not taken is skipped, and so is every step that needs a skipped one. After a failure no
further step starts; steps that run are left to finish.
"""

from collections.abc import Mapping

from local.pipelines.definition import Step


def skipped(steps: Mapping[str, Step], outcomes: Mapping[str, bool]) -> frozenset[str]:
    """Steps that will never run, given the outcomes of the conditions evaluated so far."""
    found = frozenset[str]()
    while True:
        more = found | {name for name, step in steps.items() if _is_skipped(step, outcomes, found)}
        if more == found:
            return found
        found = more


def ready(steps: Mapping[str, Step], statuses: Mapping[str, str], outcomes: Mapping[str, bool]) -> list[str]:
    """Steps to start, in the order of the definition. `statuses` holds the StepStatus of every step that started."""
    if {"Failed", "Stopping", "Stopped"} & set(statuses.values()):
        return []
    never = skipped(steps, outcomes)
    return [
        name
        for name, step in steps.items()
        if name not in statuses
        and name not in never
        and all(statuses.get(need) == "Succeeded" for need in step.needs)
        and (step.branch is None or step.branch[0] in outcomes)
    ]


def _is_skipped(step: Step, outcomes: Mapping[str, bool], found: frozenset[str]) -> bool:
    if step.needs & found:
        return True
    if step.branch is None:
        return False
    condition, outcome = step.branch
    return condition in found or outcomes.get(condition, outcome) != outcome
