"""The order of steps, played with any graph, any branch and any failure."""

from hypothesis import given
from hypothesis import strategies as st

from local.pipelines.definition import Step
from local.pipelines.graph import ready, skipped


@st.composite
def graphs(draw):
    """Steps S0..Sn; each needs some earlier ones and may belong to a branch of an earlier condition."""
    steps = {}
    for index in range(draw(st.integers(1, 9))):
        earlier = sorted(steps)
        conditions = [name for name in earlier if steps[name].type == "Condition"]
        needs = draw(st.sets(st.sampled_from(earlier), max_size=3)) if earlier else set()
        branch = draw(st.sampled_from(conditions)) if conditions and draw(st.booleans()) else None
        name = f"S{index}"
        steps[name] = Step(
            name=name,
            type=draw(st.sampled_from(["Processing", "Condition"])),
            arguments={},
            needs=frozenset(needs),
            branch=(branch, draw(st.booleans())) if branch else None,
        )
    return dict(draw(st.permutations(list(steps.items()))))


def play(steps, choose, outcomes_of, fails):
    """Run steps one at a time in an order that `choose` picks; returns the order, statuses and outcomes."""
    statuses, outcomes, order = {}, {}, []
    while startable := ready(steps, statuses, outcomes):
        name = choose(startable)
        order.append(name)
        statuses[name] = "Failed" if name in fails else "Succeeded"
        if steps[name].type == "Condition" and name not in fails:
            outcomes[name] = outcomes_of(name)
    return order, statuses, outcomes


@given(graphs(), st.randoms(use_true_random=False), st.sets(st.integers(0, 8), max_size=2))
def test_a_step_runs_once_after_all_it_needs_and_only_in_the_branch_taken(steps, chance, failing):
    fails = {f"S{index}" for index in failing}
    order, statuses, outcomes = play(steps, chance.choice, lambda _: chance.random() < 0.5, fails)
    assert len(order) == len(set(order))
    for position, name in enumerate(order):
        step = steps[name]
        assert all(need in order[:position] and statuses[need] == "Succeeded" for need in step.needs)
        assert step.branch is None or outcomes[step.branch[0]] == step.branch[1]


@given(graphs(), st.randoms(use_true_random=False))
def test_without_a_failure_every_step_is_either_run_or_skipped(steps, chance):
    order, _, outcomes = play(steps, chance.choice, lambda _: chance.random() < 0.5, set())
    assert set(order) | skipped(steps, outcomes) == set(steps)
    assert not set(order) & skipped(steps, outcomes)


@given(graphs(), st.randoms(use_true_random=False))
def test_a_step_that_needs_a_skipped_one_is_skipped(steps, chance):
    _, _, outcomes = play(steps, chance.choice, lambda _: chance.random() < 0.5, set())
    never = skipped(steps, outcomes)
    assert all(name in never for name, step in steps.items() if step.needs & never)


def step(name, needs=(), branch=None, kind="Processing"):
    return Step(name, kind, {}, frozenset(needs), branch)


def test_nothing_starts_after_a_failure():
    steps = {"A": step("A"), "B": step("B")}
    assert ready(steps, {"A": "Failed"}, {}) == []


def test_independent_steps_are_ready_together_in_the_order_of_the_definition():
    steps = {name: step(name) for name in ("B", "A")}
    assert ready(steps, {}, {}) == ["B", "A"]


def test_a_step_of_a_branch_waits_for_the_condition():
    steps = {"C": step("C", kind="Condition"), "A": step("A", branch=("C", True))}
    assert ready(steps, {"C": "Executing"}, {}) == []
    assert ready(steps, {"C": "Succeeded"}, {"C": True}) == ["A"]
    assert ready(steps, {"C": "Succeeded"}, {"C": False}) == []
