"""The metrics, against their definitions."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import quality

ROWS = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 20)), min_size=2, max_size=60).filter(
    lambda rows: len({label for label, _ in rows}) == 2
)


def arrays(rows):
    labels, scores = zip(*rows, strict=True)
    return np.array(labels), np.array(scores) / 20


@given(ROWS)
def test_auc_is_the_chance_that_a_late_row_scores_above_a_punctual_one(rows):
    labels, scores = arrays(rows)
    pairs = [(one, zero) for one in scores[labels == 1] for zero in scores[labels == 0]]
    by_definition = sum((one > zero) + (one == zero) / 2 for one, zero in pairs) / len(pairs)
    assert quality.auc(labels, scores).value == pytest.approx(by_definition)


@given(ROWS)
def test_auc_is_the_area_under_the_roc_curve(rows):
    labels, scores = arrays(rows)
    false_positives, true_positives, _ = quality.roc_curve(labels, scores)
    area = np.trapezoid(true_positives, false_positives)
    assert quality.auc(labels, scores).value == pytest.approx(area)


@given(ROWS)
def test_the_roc_curve_climbs_from_corner_to_corner(rows):
    false_positives, true_positives, thresholds = quality.roc_curve(*arrays(rows))
    assert (false_positives[0], true_positives[0]) == (0, 0)
    assert (false_positives[-1], true_positives[-1]) == (1, 1)
    assert (np.diff(false_positives) >= 0).all()
    assert (np.diff(true_positives) >= 0).all()
    assert (np.diff(thresholds) < 0).all()


@given(ROWS, ROWS)
def test_the_auc_drop_is_the_difference_of_both_aucs(first, second):
    labels, champion = arrays(first)
    challenger = np.resize(arrays(second)[1], len(champion))
    difference = quality.auc(labels, champion).value - quality.auc(labels, challenger).value
    assert quality.auc_drop(labels, champion, challenger).value == pytest.approx(difference)


def sampled(generator, rows):
    labels = (generator.random(rows) < 0.3).astype(int)
    first = 1 / (1 + np.exp(-(1.5 * labels - 1 + generator.normal(size=rows))))
    return labels, first, np.clip(first + generator.normal(0, 0.05, rows), 0, 1)


@pytest.mark.parametrize(
    "measure",
    [
        lambda labels, first, _: quality.auc(labels, first),
        quality.auc_drop,
        lambda labels, first, _: quality.log_loss(labels, first),
        lambda labels, first, _: quality.brier(labels, first),
        lambda labels, first, _: quality.f_score(quality.confusion(labels, first, 0.5)),
        lambda labels, first, _: quality.f_score(quality.confusion(labels, first, 0.5), 2),
    ],
    ids=["auc", "auc_drop", "log_loss", "brier", "f1", "f2"],
)
def test_the_standard_deviation_is_what_repeated_samples_show(measure):
    generator = np.random.default_rng(7)
    found = [measure(*sampled(generator, 800)) for _ in range(400)]
    spread = np.std([each.value for each in found])
    assert np.mean([each.standard_deviation for each in found]) == pytest.approx(spread, rel=0.12)


def test_log_loss_of_a_sure_and_wrong_answer_is_finite():
    assert math.isfinite(quality.log_loss(np.array([1]), np.array([0.0], np.float32)).value)


@given(ROWS, st.floats(0, 1))
def test_the_confusion_counts_every_row_once(rows, threshold):
    labels, scores = arrays(rows)
    counts = quality.confusion(labels, scores, threshold)
    expected = [
        ((labels == label) & ((scores >= threshold) == said)).sum() for label in (0, 1) for said in (False, True)
    ]
    assert [counts.true_negative, counts.false_positive, counts.false_negative, counts.true_positive] == expected


@given(ROWS)
def test_no_other_threshold_has_a_better_f1(rows):
    labels, scores = arrays(rows)
    best = quality.best_f1_threshold(labels, scores)
    reached = quality.f_score(quality.confusion(labels, scores, best)).value
    assert all(
        quality.f_score(quality.confusion(labels, scores, other)).value <= reached + 1e-12 for other in set(scores)
    )


@given(ROWS)
def test_calibration_bins_hold_every_row_and_its_label(rows):
    labels, scores = arrays(rows)
    bins = quality.calibration(labels, scores)
    assert sum(rows for *_, rows in bins) == len(labels)
    assert sum(share * rows for _, share, rows in bins) == pytest.approx(labels.sum())


def test_a_share_of_nothing_is_0():
    assert quality.proportion(0, 0) == quality.Measured(0.0, 0.0)
