"""How far the scores a model gives now are from those it gave when it was trained.

The distance is the population stability index over the baseline's deciles, less what chance alone adds: for n scores of
an unchanged distribution over k bins the index is about (k - 1) / n, so the plain index reads higher the fewer requests
there are, and no alarm threshold could fit both a quiet and a busy hour. Pure; the serving container loads this file.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

BINS = 10
LEAST_SHARE = 1e-4


@dataclass(frozen=True)
class ScoreBaseline:
    """Inner bin edges, ascending, and the share of the baseline's scores in each bin (one more than edges)."""

    edges: tuple[float, ...]
    shares: tuple[float, ...]

    def to_json(self) -> dict[str, Any]:
        """As model.json holds it."""
        return {"edges": list(self.edges), "shares": list(self.shares)}


def baseline_from_json(content: Mapping[str, Any]) -> ScoreBaseline:
    """The baseline that `ScoreBaseline.to_json` wrote."""
    return ScoreBaseline(tuple(content["edges"]), tuple(content["shares"]))


def baseline_of(scores: npt.NDArray[Any]) -> ScoreBaseline:
    """The deciles of `scores`; fewer where many scores are equal."""
    edges = np.unique(np.quantile(scores, np.arange(1, BINS) / BINS).round(6))
    counts = _counts(scores, edges)
    return ScoreBaseline(tuple(edges.tolist()), tuple((counts / len(scores)).round(6).tolist()))


def prediction_distance(scores: npt.NDArray[Any], baseline: ScoreBaseline) -> float:
    """The distance, 0 when nothing changed; `scores` has at least one score.

    Half a score is added to every bin, so that an empty one does not make the index infinite.
    """
    counts = _counts(scores, np.asarray(baseline.edges)) + 0.5
    now = counts / counts.sum()
    then = np.maximum(baseline.shares, LEAST_SHARE)
    index = float(((now - then) * np.log(now / then)).sum())
    return max(0.0, index - (len(then) - 1) / len(scores))


def _counts(scores: npt.NDArray[Any], edges: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return np.bincount(np.searchsorted(edges, scores, side="right"), minlength=len(edges) + 1)
