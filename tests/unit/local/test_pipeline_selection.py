"""Selections of steps, played with any graph: what is refused, what is needed of others, and that the rest can run."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.errors import AwsError
from local.pipelines.definition import Step
from local.pipelines.graph import ready, skipped
from local.pipelines.selection import _between, _reached, check_reusable, needed
from tests.unit.local.test_pipeline_graph import graphs


def step(name, *needs, branch=None, kind="Processing"):
    return Step(name, kind, {}, frozenset(needs), branch)


def steps(*made):
    return {one.name: one for one in made}


CHAIN = steps(
    step("Process"),
    step("Train", "Process"),
    step("Eval", "Train", "Process"),
    step("Check", "Eval", kind="Condition"),
    step("Register", "Train", branch=("Check", True)),
    step("Aside", "Process"),
)


@pytest.mark.aws(
    "Pipelines",
    "A selection needs every step on the path between two of its steps, and its steps connected",
    "Developer guide: Selective execution of pipeline steps",
)
@pytest.mark.parametrize(
    ("selected", "said"),
    [
        ({"Train", "Check"}, "Eval lies between"),
        ({"Process", "Register"}, "Check, Eval, Train lies between"),
        ({"Train", "Aside"}, "not connected"),
        ({"Train", "Nobody"}, "no step Nobody"),
    ],
)
def test_a_selection_that_is_not_one_piece_of_the_graph_is_refused(selected, said):
    with pytest.raises(AwsError, match=said) as caught:
        needed(CHAIN, selected)
    assert caught.value.code == "ValidationException"


@pytest.mark.parametrize(
    ("selected", "needs"),
    [
        ({"Process"}, set()),
        ({"Train", "Eval"}, {"Process"}),
        ({"Eval"}, {"Train", "Process"}),
        ({"Register"}, {"Check", "Train"}),
        ({"Eval", "Check", "Register"}, {"Train", "Process"}),
        (set(CHAIN), set()),
    ],
)
def test_a_selection_needs_what_its_steps_wait_for_outside_it(selected, needs):
    assert needed(CHAIN, selected) == needs


def played(chosen, reused, outcomes):
    """Run steps until nothing is ready; those that ran, and the outcomes. Every condition comes out true."""
    statuses, outcomes, order = dict.fromkeys(reused, "Succeeded"), dict(outcomes), []
    while startable := ready(chosen, statuses, outcomes):
        name = startable[0]
        order.append(name)
        statuses[name] = "Succeeded"
        if chosen[name].type == "Condition":
            outcomes[name] = True
    return order, outcomes


@given(graphs(), st.data())
def test_a_selection_runs_on_the_results_it_reuses_but_for_branches_not_taken(made, data):
    last = data.draw(st.sampled_from(sorted(made)))
    upstream = _reached({last}, {name: one.before for name, one in made.items()})
    first = data.draw(st.sampled_from(sorted(upstream | {last})))
    selected = {first, last} | _between(made, frozenset({first, last}))
    needs = needed(made, selected)
    chosen = {name: one for name, one in made.items() if name in selected}
    order, outcomes = played(chosen, needs, {name: True for name in needs if made[name].type == "Condition"})
    assert set(order) == selected - skipped(chosen, outcomes)


@given(graphs())
def test_all_steps_together_need_nothing(made):
    try:
        assert needed(made, set(made)) == frozenset()
    except AwsError as error:
        assert "not connected" in error.message  # noqa: PT017 - a graph of several pieces is the other right answer


@given(graphs(), st.data())
def test_a_single_step_can_always_be_selected(made, data):
    name = data.draw(st.sampled_from(sorted(made)))
    assert needed(made, {name}) == made[name].before


def test_a_result_that_is_not_there_cannot_be_reused():
    with pytest.raises(AwsError, match="Process did not succeed"):
        check_reusable({"Train": CHAIN["Train"]}, {"Process"}, {})


def test_a_branch_that_was_not_taken_cannot_be_run_alone():
    with pytest.raises(AwsError, match="Register is in the branch that Check did not take"):
        check_reusable({"Register": CHAIN["Register"]}, {"Check", "Train"}, {"Check": False, "Train": None})
