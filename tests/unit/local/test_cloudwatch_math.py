"""Metric math: the examples of CloudWatch's user guide, each function's rule, and what is refused by name."""

import contextlib
import math
from typing import Any

import pytest
from cloudwatch_rig import metric, rig
from hypothesis import given
from hypothesis import strategies as st

from local.cloudwatch import expressions
from local.cloudwatch.expressions import Scope
from local.cloudwatch.functions import ExpressionError, Operand, Series
from local.cloudwatch.grammar import parse, references
from local.errors import AwsError

__all__ = ["rig"]

GRID = range(0, 300, 60)
SERIES = st.dictionaries(st.sampled_from(GRID), st.floats(-1e6, 1e6))


def series(*values: float | None) -> Series:
    """A value a minute; None where there is none."""
    return {60 * minute: value for minute, value in enumerate(values) if value is not None}


def evaluate(expression: str, **metrics: Series) -> Operand:
    tree = parse(expression)
    expressions.check(tree)
    return expressions.evaluate(tree, Scope(metrics, metrics, GRID, 60))


@pytest.mark.aws(
    "Metrics", "A missing value is 0 beside one that is there", "User guide: Comparison operators, example"
)
@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("one < two", (0, 0, 1, 0)),
        ("one >= 30", (1, 0, 0, 0)),
        ("one > 15 AND two > 15", (1, 0, 0, 0)),
        ("one > 15 && two > 15", (1, 0, 0, 0)),
        ("one > 15 OR two > 15", (1, 1, 1, 0)),
        ("one > 15 || two > 15", (1, 1, 1, 0)),
    ],
)
def test_the_guides_example_of_comparisons(expression, expected):
    found = evaluate(expression, one=series(30, 20, 0, 0), two=series(20, None, 20, None))
    assert found == series(*expected)


@pytest.mark.aws("Metrics", "IF picks value by value", "User guide: Using IF expressions, tables")
@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("IF(one, two, three)", (30, 0, 20, None, None)),
        ("IF(one, 5, three)", (5, 5, 20, None, None)),
        ("IF(one, two, 5)", (30, 0, 5, 5, None)),
        ("IF(one, two)", (30, 0, None, None, None)),
        ("IF(1, two, three)", (30, None, 0, 0, 30)),
        ("IF(0, two, three)", (0, 0, 20, None, 20)),
    ],
)
def test_the_guides_tables_of_if(expression, expected):
    one, two, three = series(1, 1, 0, 0, None), series(30, None, 0, 0, 30), series(0, 0, 20, None, 20)
    assert evaluate(expression, one=one, two=two, three=three) == series(*expected)


@pytest.mark.aws(
    "Metrics", "Where something is divided by zero there is no value", "User guide: Basic arithmetic functions"
)
def test_division_by_zero_and_by_what_is_missing_drops_the_value():
    assert evaluate("100 * e / r", e=series(1, 0, None, 5), r=series(10, 0, 10, None)) == series(10, None, 0, None)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("1 + 2 * 3 ^ 2", 19),
        ("-2 ^ 2", -4),
        ("(1 + 2) * 3", 9),
        ("2 - 3 - 4", -5),
        ("8 / 4 / 2", 1),
        ("1 < 2 == 1", 1),
        ("0 AND 1 OR 1", 1),
        (".5 + 1.", 1.5),
    ],
)
def test_operators_bind_as_in_arithmetic(expression, expected):
    assert evaluate(expression) == expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("FILL(m, 7)", (1, 7, 4, 7, 9)),
        ("FILL(m, REPEAT)", (1, 1, 4, 4, 9)),
        ("FILL(m, LINEAR)", (1, 2.5, 4, 6.5, 9)),
        ("FILL(m, n)", (1, None, 4, 8, 9)),
        ("FILL(m, MIN(m))", (1, 1, 4, 1, 9)),
        ("SUM([m, n])", (1, None, 5, 8, 10)),
        ("AVG([m, n])", (0.5, None, 2.5, 4, 5)),
        ("MIN([m, n])", (1, None, 1, 8, 1)),
        ("MAX(METRICS())", (1, None, 4, 8, 9)),
        ('SUM(METRICS("n"))', (None, None, 1, 8, 1)),
        ("SUM([METRICS('m'), METRICS('n')])", (1, None, 5, 8, 10)),
        ("DATAPOINT_COUNT([m, n])", (1, None, 2, 1, 2)),
        ("m - MIN(m)", (0, None, 3, None, 8)),
        ("m / MAX(m)", (1 / 9, None, 4 / 9, None, 1)),
        ("m - AVG(m)", (1 - 14 / 3, None, 4 - 14 / 3, None, 9 - 14 / 3)),
        ("m * DATAPOINT_COUNT(m)", (3, None, 12, None, 27)),
        ("m / PERIOD(m)", (1 / 60, None, 4 / 60, None, 9 / 60)),
        ("m * METRIC_COUNT(METRICS())", (2, None, 8, None, 18)),
        ("DIFF(m)", (None, None, 3, None, 5)),
        ("DIFF_TIME(m)", (None, None, 120, None, 120)),
        ("RATE(m)", (None, None, 3 / 120, None, 5 / 120)),
        ("RUNNING_SUM(m)", (1, None, 5, None, 14)),
        ("ABS(-m)", (1, None, 4, None, 9)),
        ("CEIL(m / 2)", (1, None, 2, None, 5)),
        ("FLOOR(m / 2)", (0, None, 2, None, 4)),
        ("LOG10(m - 1)", (None, None, math.log10(3), None, math.log10(8))),
        ("LOG(m)", (0, None, math.log(4), None, math.log(9))),
        ("FIRST([n, m])", (None, None, 1, 8, 1)),
        ("LAST([n, m])", (1, None, 4, None, 9)),
        ("TIME_SERIES(MAX(m))", (9, 9, 9, 9, 9)),
        ("SUM(-[m, n])", (-1, None, -5, -8, -10)),
        ("SUM(100 / [m, n])", (100, None, 125, 12.5, 100 / 9 + 100)),
        ("MAX([m, n] - [n, n])", (1, None, 3, 0, 8)),
    ],
)
def test_each_function_follows_its_rule(expression, expected):
    found = evaluate(expression, m=series(1, None, 4, None, 9), n=series(None, None, 1, 8, 1))
    assert found == pytest.approx(series(*expected))


@pytest.mark.parametrize("filler", ["REPEAT", "LINEAR"])
def test_what_fills_from_its_neighbours_has_none_before_the_first_value(filler):
    found = evaluate(f"FILL(m, {filler})", m=series(None, 2, None, None, None))
    assert found == (series(None, 2, 2, 2, 2) if filler == "REPEAT" else series(None, 2))


def test_an_array_is_an_array_of_each():
    assert evaluate("[m, n] * 2", m=series(1), n=series(2)) == [series(2), series(4)]


@pytest.mark.parametrize(
    ("expression", "why"),
    [
        ("SEARCH('x', 'Sum')", "function SEARCH is not offered"),
        ("ANOMALY_DETECTION_BAND(m)", "function ANOMALY_DETECTION_BAND is not offered"),
        ("STDDEV(m)", "function STDDEV is not offered"),
        ("FILL(m)", "FILL does not take such arguments"),
        ("IF(m)", "IF does not take such arguments"),
        ("IF([m], m)", "not arrays"),
        ("ABS(1)", "was given a number"),
        ("FILL(1, 2)", "fills a time series"),
        ("[1, 2]", "an array holds time series"),
        ("[m, m] + [m]", "arrays of 2 and 1"),
        ("FIRST(m)", "an array of time series is needed"),
        ("FILL(m, [m])", "a number is needed"),
        ("m + REPEAT", "unexpected REPEAT"),
        ("PERIOD(1)", "PERIOD does not take such arguments"),
    ],
)
def test_what_is_not_offered_or_makes_no_sense_is_refused_with_the_part_at_fault(expression, why):
    with pytest.raises(ExpressionError, match=why.replace("[", r"\[")):
        evaluate(expression, m=series(1))


@pytest.mark.parametrize(
    ("expression", "why"),
    [
        ("m +", "unexpected end"),
        ("m n", "unexpected n"),
        ("(m", "unexpected end"),
        ("FILL(m,, 0)", "unexpected ,"),
        ("m ; n", "'; n' cannot be read"),
        ("", "unexpected end"),
        ("__import__('os')", "cannot be read"),
        ("(" * 1000 + "m" + ")" * 1000, "nested too deeply"),
        ("-" * 2000 + "m", "nested too deeply"),
    ],
)
def test_what_cannot_be_read_is_refused_with_the_place(expression, why):
    with pytest.raises(AwsError, match=why.replace("(", r"\(")) as caught:
        parse(expression)
    assert caught.value.code == "ValidationError"


@given(st.text(st.sampled_from("mn01+-*/^<>=!&|()[],. \"'ABFILSUMGNDOR_"), max_size=40) | st.text())
def test_any_text_is_read_or_refused_with_an_aws_error(text):
    with contextlib.suppress(AwsError):
        parse(text)


@given(SERIES, SERIES)
def test_an_operation_has_a_value_where_either_side_has_one_and_the_other_counts_as_zero(left, right):
    expected = {at: left.get(at, 0.0) + right.get(at, 0.0) for at in left.keys() | right.keys()}
    assert evaluate("a + b", a=left, b=right) == expected


@given(SERIES, st.integers(-5, 5))
def test_filling_leaves_values_alone_and_no_gap(values, number):
    assert evaluate(f"FILL(a, {number})", a=values) == {at: values.get(at, float(number)) for at in GRID}


@given(SERIES, SERIES)
def test_an_array_of_one_is_like_the_series_itself(one, other):
    for function in ("SUM", "AVG", "MIN", "MAX"):
        assert evaluate(f"{function}([a])", a=one, b=other) == one


@given(
    st.lists(
        st.sampled_from(["a", "b", "a + b", "IF(a > b, a, b)", "FILL(a, 0)", "RATE(b)", "-a", "DIFF(b)"]), max_size=6
    )
)
def test_every_value_is_a_finite_number_at_a_moment_of_the_grid(parts):
    found = evaluate(
        " / ".join(["a", *(f"({part})" for part in parts)]), a=series(1, 0, -3), b=series(None, -1.7e308, 1.7e308, 2)
    )
    assert isinstance(found, dict)
    assert all(at in GRID and math.isfinite(value) for at, value in found.items())


def test_the_references_of_an_expression_are_its_metrics_not_its_functions():
    assert references(parse("IF(FILL(i, 0) >= 10, e / i, -1)")) == {"i", "e"}


@pytest.mark.aws(
    "Metrics", "A guardrail's volume guard answers 0 where there is too little traffic", "User guide: IF, FILL"
)
def test_a_volume_guard_answers_zero_where_there_is_too_little_traffic_or_none(rig):
    for minute, (errors, requests) in {0: (3, 3), 2: (5, 100)}.items():
        rig.put(minute, float(errors), name="Errors")
        rig.put(minute, float(requests), name="Requests")
    guarded = {"Id": "g", "Expression": "IF(FILL(r, 0) >= 50, e / r, 0)"}
    queries = (metric("e", "Errors", shown=False), metric("r", "Requests", shown=False), guarded)
    assert rig.values(*queries) == [[0.0, 0.0, 0.05, 0.0, 0.0]]


def test_expressions_of_expressions_are_each_evaluated_once(rig):
    rig.put(0, 1.0)
    queries: list[dict[str, Any]] = [metric("m", shown=False)]
    queries += [{"Id": name, "Expression": "m", "ReturnData": False} for name in ("e0", "e1")]
    expected = [1.0, 1.0]
    for number in range(2, 60):
        expression = f"e{number - 1} + e{number - 2}"
        queries.append({"Id": f"e{number}", "Expression": expression, "ReturnData": number == 59})
        expected.append(expected[-1] + expected[-2])
    assert rig.values(*queries) == [[expected[59]]]


def test_an_array_gives_a_result_for_each_series(rig):
    rig.put(0, 1.0)
    rig.put(0, 2.0, name="N")
    both = {"Id": "both", "Expression": "METRICS() * 10"}
    assert rig.values(metric("m", shown=False), metric("n", "N", shown=False), both) == [[10.0], [20.0]]


def test_more_periods_than_can_be_kept_in_mind_are_refused(rig):
    with pytest.raises(AwsError, match="periods are too many"):
        rig.values(metric("m", period=1), minutes=20_000)


@pytest.mark.parametrize(
    ("queries", "message"),
    [
        ([{"Id": "x", "Expression": "y + 1"}], "no query has id y"),
        ([{"Id": "x", "Expression": "y"}, {"Id": "y", "Expression": "x"}], "refer to each other: "),
        ([metric("x"), metric("x")], "must be unique"),
        ([{"Id": "x"}], "either MetricStat or Expression"),
        ([metric("X")], "must begin with a lower-case letter"),
        ([metric("x", stat="tm90")], "statistic tm90 is not offered"),
        ([metric("x", period=45)], "Period is 45"),
        ([metric("m"), metric("n", period=300), {"Id": "x", "Expression": "m + n"}], "one and the same Period"),
        ([metric("m"), {"Id": "x", "Expression": "SUM(m)"}], "must give a time series"),
        ([{"Id": "x", "Expression": "TIME_SERIES(1)"}], "one and the same Period"),
        ([metric("m"), {"Id": "x", "Expression": "+".join(["m"] * 1000)}], "nested too deeply"),
    ],
)
def test_queries_that_cannot_be_answered_are_refused_with_the_part_at_fault(rig, queries, message):
    with pytest.raises(AwsError, match=message) as caught:
        rig.values(*queries)
    assert caught.value.code == "ValidationError"
