"""steps/quality.py agrees with scikit-learn wherever both compute the same thing."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn import metrics

import quality

SIZE = 40
LABELS = arrays(np.int64, SIZE, elements=st.integers(0, 1)).filter(lambda labels: 0 < labels.sum() < SIZE)
SCORES = arrays(np.float64, SIZE, elements=st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0]))


@given(LABELS, SCORES)
@settings(deadline=None)
def test_the_auc_is_scikit_learns_ties_and_all(labels, scores):
    assert quality.auc(labels, scores).value == pytest.approx(metrics.roc_auc_score(labels, scores))


@given(LABELS, SCORES)
@settings(deadline=None)
def test_the_roc_curve_is_scikit_learns(labels, scores):
    ours = quality.roc_curve(labels, scores)
    theirs = metrics.roc_curve(labels, scores, drop_intermediate=False)
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(one, other)


@given(LABELS, SCORES)
@settings(deadline=None)
def test_the_brier_score_is_scikit_learns(labels, scores):
    assert quality.brier(labels, scores).value == pytest.approx(metrics.brier_score_loss(labels, scores))


@given(LABELS, SCORES.map(lambda scores: np.clip(scores, 0.01, 0.99)))
@settings(deadline=None)
def test_the_log_loss_is_scikit_learns(labels, scores):
    assert quality.log_loss(labels, scores).value == pytest.approx(metrics.log_loss(labels, scores))
