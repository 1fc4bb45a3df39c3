"""Routing's dice are fair, and the same again for the same seed, endpoint, request and decision."""

from collections import Counter

from hypothesis import assume, given
from hypothesis import strategies as st

from local.hosting.dice import Croupier, Dice, chosen

rolls = st.floats(0, 1, exclude_max=True)
weights = st.lists(st.floats(0, 100), min_size=1, max_size=6).filter(any)


@given(st.integers(), st.text(), st.text())
def test_a_roll_is_a_function_of_seed_endpoint_number_and_decision(seed, endpoint, decision):
    first, again = Croupier(seed), Croupier(seed)
    again.dice(endpoint + "another")
    expected = [first.dice(endpoint).roll(decision) for _ in range(3)]
    for number in range(3):
        dice = again.dice(endpoint)
        dice.roll(decision + "another")
        assert dice.roll(decision) == expected[number]


def test_without_a_seed_two_runs_roll_differently():
    assert Croupier(None).dice("e").roll("x") != Croupier(None).dice("e").roll("x")


@given(st.text())
def test_a_roll_is_from_0_up_to_1(key):
    assert 0 <= Dice(key).roll("variant") < 1


def test_rolls_are_uniform_and_those_of_two_decisions_independent():
    croupier = Croupier(7)
    dice = [croupier.dice("e") for _ in range(8000)]
    cells = Counter((int(d.roll("fleet") * 4), int(d.roll("instance") * 4)) for d in dice)
    assert len(cells) == 16
    assert all(380 < count < 620 for count in cells.values()), "500 each, within five standard deviations"


@given(st.lists(st.integers(), min_size=1), rolls)
def test_without_weights_one_of_the_options_is_chosen(options, roll):
    assert chosen(options, roll) in options


@given(weights, rolls)
def test_an_option_without_weight_is_never_chosen(given_weights, roll):
    assert given_weights[chosen(range(len(given_weights)), roll, given_weights)] > 0


@given(rolls, st.floats(0.01, 0.99))
def test_a_weight_is_a_share_of_the_rolls(roll, share):
    assume(abs(roll - share) > 1e-9)
    assert (chosen("ab", roll, [share, 1 - share]) == "a") == (roll < share)
