"""The quality of a binary classifier from labels and scores. Pure: arrays in, numbers out; never reads or writes.

`labels` are 0/1 and hold both classes unless said otherwise; `scores` are probabilities of 1, of the same length.
"""

from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
LEAST_PROBABILITY = 1e-7  # float32's distance from 1: a surer score would claim more than it can hold


@dataclass(frozen=True)
class Measured:
    """A value and its standard deviation (of the estimate, over samples of this size)."""

    value: float
    standard_deviation: float


@dataclass(frozen=True)
class Confusion:
    """Counts at a threshold."""

    true_negative: int
    false_positive: int
    false_negative: int
    true_positive: int


def roc_curve(labels: Array, scores: Array) -> tuple[Array, Array, Array]:
    """(false positive rates, true positive rates, thresholds), a point for each distinct score, from (0, 0) to (1, 1).

    A row counts as positive when its score is at or above the point's threshold; the first threshold is infinite.
    """
    order = np.argsort(-scores, kind="stable")
    ordered, ones = scores[order], np.cumsum(labels[order], dtype=np.int64)
    last = np.append(np.flatnonzero(np.diff(ordered)), len(ordered) - 1)
    positives = ones[last]
    negatives = last + 1 - positives
    return (
        np.append(0.0, negatives / negatives[-1]),
        np.append(0.0, positives / positives[-1]),
        np.append(np.inf, ordered[last]),
    )


def _midranks(values: Array) -> Array:
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    return ((ends - counts + 1 + ends) / 2)[inverse]


def _placements(labels: Array, scores: Array) -> tuple[Array, Array]:
    """For each positive the share of negatives below it, for each negative the share of positives above it."""
    ones = labels == 1
    positives, negatives = int(ones.sum()), int((~ones).sum())
    ranks = _midranks(scores)
    of_ones = (ranks[ones] - _midranks(scores[ones])) / negatives
    of_zeros = 1 - (ranks[~ones] - _midranks(scores[~ones])) / positives
    return of_ones, of_zeros


def auc(labels: Array, scores: Array) -> Measured:
    """Area under the ROC curve, ties counted half; standard deviation after DeLong et al., Biometrics 44 (1988)."""
    return _mean_of_placements(*_placements(labels, scores))


def auc_drop(labels: Array, champion: Array, challenger: Array) -> Measured:
    """AUC of the champion less that of the challenger on the same rows, paired (DeLong): surer than two AUCs apart."""
    ones_before, zeros_before = _placements(labels, champion)
    ones_after, zeros_after = _placements(labels, challenger)
    return _mean_of_placements(ones_before - ones_after, zeros_before - zeros_after)


def _mean_of_placements(of_ones: Array, of_zeros: Array) -> Measured:
    variances = [float(part.var(ddof=1)) / len(part) for part in (of_ones, of_zeros) if len(part) > 1]
    return Measured(float(of_ones.mean()), sqrt(sum(variances)))


def log_loss(labels: Array, scores: Array) -> Measured:
    """Mean negative log likelihood. One class is enough."""
    bounded = np.clip(scores.astype(np.float64), LEAST_PROBABILITY, 1 - LEAST_PROBABILITY)
    return _mean(-np.log(np.where(labels == 1, bounded, 1 - bounded)))


def brier(labels: Array, scores: Array) -> Measured:
    """Mean squared error of the probabilities. One class is enough."""
    return _mean((scores.astype(np.float64) - labels) ** 2)


def _mean(values: Array) -> Measured:
    return Measured(float(values.mean()), float(values.std() / sqrt(len(values))))


def confusion(labels: Array, scores: Array, threshold: float) -> Confusion:
    """Counts when scores at or above `threshold` say 1."""
    counts = np.bincount(2 * (labels == 1) + (scores >= threshold), minlength=4)
    return Confusion(*(int(count) for count in counts))


def proportion(hits: int, of: int) -> Measured:
    """`hits / of` with its binomial standard deviation; 0 of nothing is 0."""
    share = hits / of if of else 0.0
    return Measured(share, sqrt(share * (1 - share) / of) if of else 0.0)


def f_score(counts: Confusion, beta: float = 1.0) -> Measured:
    """F-beta; its standard deviation by the delta method over the multinomial counts."""
    weight = beta**2
    hits = counts.true_positive
    errors = weight * counts.false_negative + counts.false_positive
    total = (1 + weight) * hits + errors
    if not total:
        return Measured(0.0, 0.0)
    spread = hits * errors**2 + hits**2 * (weight**2 * counts.false_negative + counts.false_positive)
    return Measured((1 + weight) * hits / total, (1 + weight) * sqrt(spread) / total**2)


def best_f1_threshold(labels: Array, scores: Array) -> float:
    """The score at or above which calling a row positive gives the best F1; of equal ones the highest."""
    false_positives, true_positives, thresholds = roc_curve(labels, scores)
    positives = int((labels == 1).sum())
    hits = true_positives * positives
    called = hits + false_positives * (len(labels) - positives)
    return round(float(thresholds[np.argmax(2 * hits / (called + positives))]), 6)


def calibration(labels: Array, scores: Array, bins: int = 10) -> list[tuple[float, float, int]]:
    """(mean score, observed share of ones, rows) for equally wide bins of the score that hold any row."""
    place = np.minimum((scores * bins).astype(np.int64), bins - 1)
    rows = np.bincount(place, minlength=bins)
    expected = np.bincount(place, weights=scores, minlength=bins)
    seen = np.bincount(place, weights=labels, minlength=bins)
    return [
        (float(expected[bin_] / rows[bin_]), float(seen[bin_] / rows[bin_]), int(rows[bin_]))
        for bin_ in np.flatnonzero(rows)
    ]
