"""How an alarm's state follows from its datapoints: the tables of the CloudWatch guide, its wording, properties."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.cloudwatch.evaluation import ALARM, INSUFFICIENT_DATA, MISSING_DATA, OK, Datapoint, Rule, evaluate

START = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
KEPT = "the state before"
GREATER = "GreaterThanThreshold"


def points(text: str) -> list[Datapoint]:
    """Datapoints a minute apart, oldest first: 0 is good, X is breaching, - is missing."""
    values = {"0": 0.0, "X": 2.0, "-": None}
    return [
        Datapoint(START + timedelta(minutes=minute), values[sign], None if sign == "-" else 1.0)
        for minute, sign in enumerate(text.split())
    ]


def state(text: str, needed: int, treat: str) -> str:
    """The state of an alarm of `needed` in 3 datapoints above 1."""
    return evaluate(Rule(GREATER, 1.0, 3, needed, treat), points(text), KEPT).state


@pytest.mark.aws("Alarms", "Missing data are treated as told, 3 out of 3", "User guide: How alarm state is evaluated")
@pytest.mark.parametrize(
    ("text", "missing", "ignore", "breaching", "not_breaching"),
    [
        ("0 - X - X", OK, OK, OK, OK),
        ("0 - - - -", OK, OK, OK, OK),
        ("- - - - 0", OK, OK, OK, OK),
        ("- - - - -", INSUFFICIENT_DATA, KEPT, ALARM, OK),
        ("0 X X - X", ALARM, ALARM, ALARM, ALARM),
        ("- - X - -", ALARM, KEPT, ALARM, OK),
        ("X - - - -", ALARM, KEPT, ALARM, OK),
        ("- - - - X", INSUFFICIENT_DATA, KEPT, ALARM, OK),
    ],
)
def test_the_guides_table_of_3_out_of_3(text, missing, ignore, breaching, not_breaching):
    assert [state(text, 3, treat) for treat in MISSING_DATA] == [missing, ignore, breaching, not_breaching]


@pytest.mark.aws("Alarms", "Missing data are treated as told, 2 out of 3", "User guide: How alarm state is evaluated")
@pytest.mark.parametrize(
    ("text", "missing", "ignore", "breaching", "not_breaching"),
    [
        ("0 - X - X", ALARM, ALARM, ALARM, ALARM),
        ("0 0 X 0 X", ALARM, ALARM, ALARM, ALARM),
        ("0 - X - -", OK, OK, ALARM, OK),
        ("- - - - 0", OK, OK, ALARM, OK),
        ("- - - X -", ALARM, KEPT, ALARM, OK),
        ("- - - - X", INSUFFICIENT_DATA, KEPT, ALARM, OK),
    ],
)
def test_the_guides_table_of_2_out_of_3(text, missing, ignore, breaching, not_breaching):
    assert [state(text, 2, treat) for treat in MISSING_DATA] == [missing, ignore, breaching, not_breaching]


@pytest.mark.parametrize(
    ("comparison", "value", "breaches"),
    [
        ("GreaterThanThreshold", 1.0, False),
        ("GreaterThanOrEqualToThreshold", 1.0, True),
        ("LessThanThreshold", 1.0, False),
        ("LessThanOrEqualToThreshold", 1.0, True),
        ("LessThanThreshold", 0.9, True),
    ],
)
def test_comparisons_are_exact_at_the_threshold(comparison, value, breaches):
    found = evaluate(Rule(comparison, 1.0, 1), [Datapoint(START, value, 1.0)], OK)
    assert found.state == (ALARM if breaches else OK)


@pytest.mark.parametrize(
    ("rule", "text", "reason"),
    [
        (Rule(GREATER, 1.0, 1), "X", "1 datapoint [2.0 (23/11/26 10:00:00)] was greater than the threshold (1.0)."),
        (Rule(GREATER, 1.0, 1), "0", "1 datapoint [0.0 (23/11/26 10:00:00)] was not greater than the threshold (1.0)."),
        (
            Rule(GREATER, 1.0, 1, 1),
            "X",
            (
                "1 out of the last 1 datapoints [2.0 (23/11/26 10:00:00)] was greater than the threshold (1.0) "
                "(minimum 1 datapoint for OK -> ALARM transition)."
            ),
        ),
        (
            Rule(GREATER, 1.0, 3, 2),
            "X 0 X",
            (
                "2 out of the last 3 datapoints [2.0 (23/11/26 10:02:00), 2.0 (23/11/26 10:00:00)] were greater than "
                "the threshold (1.0) (minimum 2 datapoints for OK -> ALARM transition)."
            ),
        ),
        (
            Rule(GREATER, 1.0, 2, None, "breaching"),
            "- -",
            "no datapoints were received for 2 periods and 2 missing datapoints were treated as [Breaching].",
        ),
    ],
)
def test_the_reason_is_worded_as_cloudwatch_words_it(rule, text, reason):
    assert evaluate(rule, points(text), OK).reason == f"Threshold Crossed: {reason}"


def test_unknown_datapoints_are_counted_in_the_reason():
    found = evaluate(Rule(GREATER, 1.0, 1), points("- - -"), OK)
    assert (found.state, found.reason) == (INSUFFICIENT_DATA, "Insufficient Data: 1 datapoint was unknown.")


def test_a_percentile_of_too_few_samples_keeps_the_state():
    rule = Rule(GREATER, 1.0, 1, enough_samples=10.0)
    few, enough = (Datapoint(START, 2.0, count) for count in (9.0, 10.0))
    assert [evaluate(rule, [point], KEPT).state for point in (few, enough)] == [KEPT, ALARM]


RULES = st.integers(1, 5).flatmap(
    lambda periods: st.builds(
        Rule,
        st.just(GREATER),
        st.just(1.0),
        st.just(periods),
        st.one_of(st.none(), st.integers(1, periods)),
        st.sampled_from(MISSING_DATA),
    )
)


@st.composite
def situations(draw):
    """A rule and the datapoints of its evaluation range."""
    rule = draw(RULES)
    signs = draw(st.lists(st.sampled_from("0X-"), min_size=rule.evaluation_range, max_size=rule.evaluation_range))
    return rule, signs


@pytest.mark.aws("Alarms", "M of the last N datapoints decide", "User guide: Evaluating an alarm")
@given(situations(), st.sampled_from([OK, ALARM, INSUFFICIENT_DATA]))
def test_without_gaps_only_the_last_datapoints_and_their_count_matter(situation, previous):
    rule, signs = situation
    full = ["0" if sign == "-" else sign for sign in signs]
    breaching = full[-rule.evaluation_periods :].count("X")
    expected = ALARM if breaching >= rule.needed else OK
    assert evaluate(rule, points(" ".join(full)), previous).state == expected


@given(situations(), st.data())
def test_one_more_breaching_datapoint_never_ends_an_alarm(situation, data):
    rule, signs = situation
    good = [index for index, sign in enumerate(signs) if sign == "0"]
    if not good:
        return
    worse = list(signs)
    worse[data.draw(st.sampled_from(good))] = "X"
    if evaluate(rule, points(" ".join(signs)), OK).state == ALARM:
        assert evaluate(rule, points(" ".join(worse)), OK).state == ALARM


@given(situations())
def test_only_ignore_depends_on_the_state_before_and_only_missing_lacks_data(situation):
    rule, signs = situation
    found = {evaluate(rule, points(" ".join(signs)), previous).state for previous in (OK, ALARM, INSUFFICIENT_DATA)}
    if rule.treat_missing_data != "ignore":
        assert len(found) == 1
    if rule.treat_missing_data in ("breaching", "notBreaching"):
        assert INSUFFICIENT_DATA not in found


@given(situations())
def test_treating_gaps_as_breaching_alarms_whenever_any_other_treatment_does(situation):
    rule, signs = situation
    states = {
        treat: evaluate(
            Rule(GREATER, 1.0, rule.evaluation_periods, rule.datapoints_to_alarm, treat), points(" ".join(signs)), OK
        ).state
        for treat in ("breaching", "notBreaching")
    }
    if states["notBreaching"] == ALARM:
        assert states["breaching"] == ALARM
