"""evaluation.json: how good a model is on the test rows, beside the champion on the same rows, and whether it may pass.

`binary_classification_metrics` follows SageMaker's model-quality format, in which the Model Registry shows it; the rest
is ours. Pure: arrays in, JSON out. The report draws from this alone, so that both say the same.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

import quality
from quality import Array, Confusion, Measured

CURVE_POINTS = 101
HISTOGRAM_BINS = 20


@dataclass(frozen=True)
class Limits:
    """The gate: the least AUC, and by how much the AUC may be below the champion's."""

    min_auc: float
    max_auc_drop: float


@dataclass(frozen=True)
class Scored:
    """A model's scores of the test rows, and the threshold at or above which it says late."""

    scores: Array
    threshold: float


def evaluation(
    labels: Array,
    slices: Mapping[str, Array],
    challenger: Scored,
    champion: Scored | None,
    limits: Limits,
    package: str,
) -> dict[str, Any]:
    """What evaluation.json holds.

    `slices` maps `month` (2013-10, ...) and further names to one value per row. `package` is the champion's ARN.
    """
    months = sorted(set(slices["month"].tolist()))
    window = f"{months[0]}:{months[-1]}"
    drop = quality.auc_drop(labels, champion.scores, challenger.scores) if champion else Measured(0.0, 0.0)
    content = measured(labels, challenger) | {
        "slices": {name: _slices(labels, values, challenger, champion) for name, values in slices.items()},
        "champion": {"model_package_arn": package, **measured(labels, champion)} if champion else None,
        "champion_comparison": {"auc_drop": asdict(drop)},
    }
    auc = content["binary_classification_metrics"]["auc"]["value"]
    return {
        "version": 0.0,
        "dataset": {"item_count": len(labels), "months": window, "late_share": float(labels.mean())},
        **content,
        "limits": asdict(limits),
        "gate": gate(auc, drop.value if champion else None, limits, window),
    }


def gate(auc: float, drop: float | None, limits: Limits, window: str) -> dict[str, Any]:
    """Whether the model passes, and a sentence with each number and its limit. `drop` is None without a champion."""
    low, dropped = auc < limits.min_auc, drop is not None and drop > limits.max_auc_drop
    own, least = _apart(auc, limits.min_auc)
    sentences = [f"AUC {own} on {window} {'is below' if low else 'meets'} the limit {least}"]
    if drop is None:
        sentences.append("there is no champion in production to compare with")
    else:
        size, allowed = _apart(abs(drop), limits.max_auc_drop)
        place = f"is {size} {'below' if drop > 0 else 'above'}" if drop else "equals"
        sentences.append(
            f"it {place} the champion's {auc + drop:.4f} on the same rows, where at most {allowed} below is allowed"
        )
    failed = [sentence for sentence, wrong in zip(sentences, (low, dropped), strict=True) if wrong]
    text = "; ".join(failed or sentences)
    if dropped and not low:
        text = f"AUC {own} on {window} is not enough: {text}"
    return {"passed": not failed, "reason": f"{text}."}


def _apart(number: float, limit: float) -> tuple[str, str]:
    """Both with as many digits, four or more, as it takes to tell them apart."""
    digits = next((digits for digits in range(4, 16) if f"{number:.{digits}f}" != f"{limit:.{digits}f}"), 4)
    return f"{number:.{digits}f}", f"{limit:.{digits}f}"


def measured(labels: Array, scored: Scored) -> dict[str, Any]:
    """One model's metrics and curves."""
    scores = scored.scores
    return {
        "threshold": scored.threshold,
        "binary_classification_metrics": _binary_classification_metrics(labels, scores, scored.threshold),
        "probability_metrics": {
            "log_loss": asdict(quality.log_loss(labels, scores)),
            "brier": asdict(quality.brier(labels, scores)),
        },
        "calibration": [
            {"mean_score": score, "late_share": share, "rows": rows}
            for score, share, rows in quality.calibration(labels, scores)
        ],
        "score_distribution": {
            name: np.histogram(scores[labels == label], bins=HISTOGRAM_BINS, range=(0, 1))[0].tolist()
            for name, label in (("punctual", 0), ("late", 1))
        },
    }


def _binary_classification_metrics(labels: Array, scores: Array, threshold: float) -> dict[str, Any]:
    counts = quality.confusion(labels, scores, threshold)
    majority = np.full(len(labels), float(labels.mean() >= 0.5))
    constant = quality.confusion(labels, majority, 0.5)
    constants = {f"{name}_best_constant_classifier": value for name, value in _at_threshold(constant).items()}
    rates = {
        "true_positive_rate": quality.proportion(counts.true_positive, counts.true_positive + counts.false_negative),
        "true_negative_rate": quality.proportion(counts.true_negative, counts.true_negative + counts.false_positive),
        "false_positive_rate": quality.proportion(counts.false_positive, counts.true_negative + counts.false_positive),
        "false_negative_rate": quality.proportion(counts.false_negative, counts.true_positive + counts.false_negative),
    }
    values = {"auc": quality.auc(labels, scores), **_at_threshold(counts), **rates, **constants}
    return {
        "confusion_matrix": {
            "0": {"0": counts.true_negative, "1": counts.false_positive},
            "1": {"0": counts.false_negative, "1": counts.true_positive},
        },
        **{name: asdict(value) for name, value in values.items()},
        **_curves(labels, scores),
    }


def _at_threshold(counts: Confusion) -> dict[str, Measured]:
    hits, right = counts.true_positive, counts.true_positive + counts.true_negative
    return {
        "accuracy": quality.proportion(right, right + counts.false_positive + counts.false_negative),
        "precision": quality.proportion(hits, hits + counts.false_positive),
        "recall": quality.proportion(hits, hits + counts.false_negative),
        "f0_5": quality.f_score(counts, 0.5),
        "f1": quality.f_score(counts),
        "f2": quality.f_score(counts, 2),
    }


def _curves(labels: Array, scores: Array) -> dict[str, Any]:
    """Both curves, thinned to points that lie evenly along the ROC curve."""
    false_positives, true_positives, _ = quality.roc_curve(labels, scores)
    along = false_positives + true_positives
    kept = np.unique(np.searchsorted(along, np.linspace(0, 2, CURVE_POINTS)).clip(max=len(along) - 1))
    false_positives, true_positives = false_positives[kept], true_positives[kept]
    ones = labels.mean()
    called = true_positives * ones + false_positives * (1 - ones)
    precisions = np.divide(true_positives * ones, called, out=np.ones_like(called), where=called > 0)
    return {
        "receiver_operating_characteristic_curve": {
            "false_positive_rates": false_positives.tolist(),
            "true_positive_rates": true_positives.tolist(),
        },
        "precision_recall_curve": {"precisions": precisions.tolist(), "recalls": true_positives.tolist()},
    }


def _slices(labels: Array, values: Array, challenger: Scored, champion: Scored | None) -> list[dict[str, Any]]:
    found = []
    for value in sorted(set(values.tolist())):
        rows = values == value
        found.append(
            {
                "value": value,
                "rows": int(rows.sum()),
                "late_share": float(labels[rows].mean()),
                **_slice_metrics(labels[rows], challenger.scores[rows]),
                "champion": _slice_metrics(labels[rows], champion.scores[rows]) if champion else None,
            }
        )
    return found


def _slice_metrics(labels: Array, scores: Array) -> dict[str, float | None]:
    """`auc` is null where all rows are of one class: it has no meaning there."""
    both = 0 < labels.sum() < len(labels)
    return {
        "auc": quality.auc(labels, scores).value if both else None,
        "log_loss": quality.log_loss(labels, scores).value,
        "brier": quality.brier(labels, scores).value,
        "mean_score": float(scores.mean()),
    }
