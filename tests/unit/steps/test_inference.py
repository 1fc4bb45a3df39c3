"""inference: the same answer as in evaluation for what is well formed, 4xx with a sentence for all else."""

import csv
import dataclasses
import io
import json

import numpy as np
import pytest
from flask import Response
from hypothesis import given, settings
from hypothesis import strategies as st

import inference
import monitor
from features import CATEGORY, encode
from split_files import read_split

ROWS = 40


@pytest.fixture(scope="module")
def served(model_folder):
    return inference.model_fn(str(model_folder))


@pytest.fixture(scope="module")
def rows(prepared, served):
    """Rows of the test window as a caller has them: text by feature."""
    names = [feature.name for feature in served.model.card.features]
    with (prepared / "test" / "test.csv").open(newline="") as file:
        return [{name: row[name] for name in names} for row, _ in zip(csv.DictReader(file), range(ROWS), strict=False)]


def typed(served, row):
    """The row as JSON has it."""
    kinds = {feature.name: feature.type for feature in served.model.card.features}
    return {
        name: None if text == "" else text if kinds.get(name) == CATEGORY else float(text) for name, text in row.items()
    }


def as_csv(rows):
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def probabilities(answer):
    body, media_type = answer
    assert media_type == "application/json"
    return [prediction["probability"] for prediction in json.loads(body)["predictions"]]


def refused(answer):
    assert isinstance(answer, Response), answer
    return answer.status_code, json.loads(answer.get_data())["error"]


# What is well formed


def test_serving_and_evaluation_give_the_same_probabilities(served, rows, prepared):
    columns, _ = read_split(prepared / "test", "test", served.model.card.features)
    evaluated = served.model.probabilities(encode(columns, served.model.card.features))[:ROWS]
    found = probabilities(inference.transform_fn(served, as_csv(rows), "text/csv", "application/json"))
    np.testing.assert_allclose(found, evaluated, atol=1e-6)


@pytest.mark.parametrize("wrap", [lambda rows: rows, lambda rows: {"instances": rows}])
def test_csv_and_json_give_the_same_probabilities(served, rows, wrap):
    body = json.dumps(wrap([typed(served, row) for row in rows]))
    from_csv = inference.transform_fn(served, as_csv(rows), "text/csv", None)
    assert inference.transform_fn(served, body, "application/json", None) == from_csv


def test_one_json_object_is_one_row(served, rows):
    answer = inference.transform_fn(served, json.dumps(typed(served, rows[0])), "application/json", None)
    assert len(probabilities(answer)) == 1


def test_the_order_of_columns_does_not_matter(served, rows):
    turned = [dict(reversed(row.items())) for row in rows]
    straight, other = (inference.transform_fn(served, as_csv(each), "text/csv", None) for each in (rows, turned))
    assert straight == other


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_bytes_with_or_without_a_byte_order_mark_are_the_text(served, rows, mark):
    text = as_csv(rows)
    from_bytes = inference.transform_fn(served, mark + text.encode(), "text/csv", None)
    assert from_bytes == inference.transform_fn(served, text, "text/csv", None)


@pytest.mark.parametrize("change", [str.rstrip, lambda text: text + "\r\n", lambda text: text.replace("\r\n", "\n")])
def test_line_ends_do_not_matter(served, rows, change):
    text = as_csv(rows)
    changed = inference.transform_fn(served, change(text), "text/csv; charset=utf-8", None)
    assert changed == inference.transform_fn(served, text, "text/csv", None)


def test_csv_answers_hold_a_probability_on_each_line(served, rows):
    body, media_type = inference.transform_fn(served, as_csv(rows), "text/csv", "text/csv")
    assert media_type == "text/csv"
    assert [float(line) for line in body.splitlines()] == probabilities(
        inference.transform_fn(served, as_csv(rows), "text/csv", None)
    )


def test_late_means_at_or_above_the_threshold(served, rows):
    body, _ = inference.transform_fn(served, as_csv(rows), "text/csv", None)
    threshold = served.model.card.threshold
    assert all(each["late"] == (each["probability"] >= threshold) for each in json.loads(body)["predictions"])


def test_a_category_never_seen_in_training_is_answered(served, rows):
    row = typed(served, rows[0]) | {"carrier": "ZZ"}
    assert len(probabilities(inference.transform_fn(served, json.dumps(row), "application/json", None))) == 1


def test_a_nullable_feature_may_be_missing(served, rows):
    row = typed(served, rows[0]) | {"temp": None, "seats": None}
    assert len(probabilities(inference.transform_fn(served, json.dumps(row), "application/json", None))) == 1


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        (None, "application/json"),
        ("*/*", "application/json"),
        ("text/csv", "text/csv"),
        ("text/html, text/csv;q=0.9", "text/csv"),
        ("Application/JSON; charset=utf-8", "application/json"),
    ],
)
def test_accept_chooses_the_answers_form(served, rows, accept, media_type):
    assert inference.transform_fn(served, as_csv(rows), "text/csv", accept)[1] == media_type


def test_a_feature_the_model_ignores_may_be_sent(served, rows):
    """During a rollout the same requests reach a model with the feature and one without."""
    model = dataclasses.replace(served.model, card=dataclasses.replace(served.model.card, ignored=("sky",)))
    ignoring = dataclasses.replace(served, model=model)
    more = json.dumps(typed(served, rows[0]) | {"sky": "blue"})
    less = json.dumps(typed(served, rows[0]))
    answers = (inference.transform_fn(ignoring, body, "application/json", None) for body in (more, less))
    assert len(set(answers)) == 1


# What is not


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"dep_delay": "12"}, "Row 1: 'dep_delay' is '12', where a finite number is expected."),
        ({"dep_delay": True}, "Row 1: 'dep_delay' is true, where a finite number is expected."),
        ({"dep_delay": [1]}, "Row 1: 'dep_delay' is [1], where a finite number is expected."),
        ({"dep_delay": 10**400}, "where a finite number is expected."),
        ({"dep_delay": 1e300}, "Row 1: 'dep_delay' is 1e+300, where a finite number is expected."),
        ({"dep_delay": None}, "Row 1: 'dep_delay' is missing, and this model needs it."),
        ({"dep_delay": float("nan")}, "NaN is not a JSON number: send null for what is missing."),
        ({"carrier": 5}, "Row 1: 'carrier' is 5, where a text is expected."),
        ({"carrier": ""}, "Row 1: 'carrier' is missing, and this model needs it."),
        ({"dep_dely": 5}, "Row 1 has 'dep_dely', which is no feature of this model. Did you mean 'dep_delay'?"),
    ],
)
def test_a_bad_value_is_named_with_row_and_feature(served, rows, change, sentence):
    body = json.dumps(typed(served, rows[0]) | change)
    status, error = refused(inference.transform_fn(served, body, "application/json", None))
    assert status == 400
    assert error.endswith(sentence)


def test_the_bad_row_of_many_is_named(served, rows):
    spoilt = [dict(row) for row in rows]
    spoilt[6]["distance"] = "far"
    error = refused(inference.transform_fn(served, as_csv(spoilt), "text/csv", None))
    assert error == (400, "Row 7: 'distance' is 'far', where a finite number is expected.")


def test_missing_features_are_all_named(served, rows):
    fewer = [{name: text for name, text in row.items() if name not in ("origin", "dest")} for row in rows]
    status, error = refused(inference.transform_fn(served, as_csv(fewer), "text/csv", None))
    assert (status, error.partition(". ")[0]) == (400, "The first line lacks origin, dest")


@pytest.mark.parametrize(
    ("body", "content_type", "status", "sentence"),
    [
        (b"", "text/csv", 400, "The body is empty"),
        (b" \n", "application/json", 400, "The body is empty"),
        (b"\xff\xfe", "text/csv", 400, "not UTF-8: byte 0"),
        (b"a,b\n1\n", "text/csv", 400, "Row 1 has 1 values, the first line names 2 features"),
        (b"a,a\n1,2\n", "text/csv", 400, "names 'a' 2 times"),
        (b"a,b\n", "text/csv", 400, "holds no row"),
        (b'a\n"1\n', "text/csv", 400, "not CSV"),
        (b"{", "application/json", 400, "not JSON"),
        (b"[]", "application/json", 400, "holds no row"),
        (b"[[1, 2]]", "application/json", 400, "Row 1 is a list: send an object"),
        (b"7", "application/json", 400, "Row 1 is a number"),
        (b'{"a": 1, "a": 2}', "application/json", 400, "'a' is there 2 times"),
        (b'{"instances": [], "x": 1}', "application/json", 400, "Beside 'instances' there is 'x'"),
        (b"[" * 100_000, "application/json", 400, "nested too deeply"),
        (b"9" * 5000, "application/json", 400, "not JSON"),
        (b'{"\\ud800": 1}', "application/json", 400, "which is no feature"),
        (b"a\n1", "application/xml", 415, "Content-Type is 'application/xml': send text/csv or application/json"),
        (b"a\n1", None, 415, "Content-Type is None"),
        (b"a\n1", "text/csv; charset=latin-1", 415, "send UTF-8"),
    ],
)
def test_what_is_malformed_gets_4xx_and_a_sentence(served, body, content_type, status, sentence):
    found = refused(inference.transform_fn(served, body, content_type, None))
    assert found[0] == status
    assert sentence in found[1]


def test_an_answer_that_cannot_be_given_is_406(served, rows):
    status, error = refused(inference.transform_fn(served, as_csv(rows), "text/csv", "text/html"))
    assert (status, error) == (406, "Accept is 'text/html': this model answers application/json or text/csv.")


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=150, deadline=None)
@given(
    body=st.binary(max_size=80) | st.text(max_size=80) | JSON_VALUES.map(json.dumps),
    content_type=st.sampled_from(["text/csv", "application/json"]) | st.text(max_size=20) | st.none(),
    accept=st.sampled_from([None, "*/*", "text/csv"]) | st.text(max_size=20),
)
def test_no_body_at_all_raises(served, body, content_type, accept):
    assert 400 <= refused(inference.transform_fn(served, body, content_type, accept))[0] < 500


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_whatever_value_a_row_holds_is_answered_or_refused(served, rows, data):
    row = typed(served, data.draw(st.sampled_from(rows)))
    row[data.draw(st.sampled_from(sorted(row)))] = data.draw(JSON_VALUES)
    answer = inference.transform_fn(served, json.dumps(row), "application/json", None)
    if isinstance(answer, Response):
        assert refused(answer)[0] == 400
    else:
        assert 0 <= probabilities(answer)[0] <= 1


# The window


def test_only_answered_rows_count_in_the_metric(model_folder, rows):
    fresh = inference.model_fn(str(model_folder))
    inference.transform_fn(fresh, "nonsense", "text/csv", None)
    inference.transform_fn(fresh, as_csv(rows), "text/csv", None)
    assert len(fresh.window._scores) == ROWS


def test_nothing_is_published_unless_a_namespace_says_where(monkeypatch, model_folder):
    monkeypatch.delenv("METRIC_NAMESPACE", raising=False)
    inference.model_fn(str(model_folder))
    assert "prediction-distance" not in {thread.name for thread in monitor.threading.enumerate()}
