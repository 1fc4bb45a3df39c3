"""A trained model as it lies in model.tar.gz: `xgboost-model` alone in the root, and how to use it in code/model.json.

The container loads every file of the root as a member of an ensemble, so all else lives in code/. The model is
XGBoost's own format: nothing is ever unpickled. The serving container loads this file.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import xgboost

from distance import ScoreBaseline, baseline_from_json
from features import Feature, Matrix, feature_from_json
from problems import Problem, listed

MODEL_FILE = "xgboost-model"
CARD_FILE = "code/model.json"
FORMAT = 1


@dataclass(frozen=True)
class ModelCard:
    """What must be known to use the booster.

    `features` are its inputs in order. `ignored` are features of the schema that it was trained without: callers may
    send them, so that requests fit two versions of the model during a rollout. `threshold`: at or above it a flight is
    called late.
    """

    features: tuple[Feature, ...]
    ignored: tuple[str, ...]
    threshold: float
    score_baseline: ScoreBaseline

    def to_json(self) -> dict[str, Any]:
        """As model.json holds it."""
        return {
            "format": FORMAT,
            "features": [feature.to_json() for feature in self.features],
            "ignored": list(self.ignored),
            "threshold": self.threshold,
            "score_baseline": self.score_baseline.to_json(),
        }


def card_from_json(content: Mapping[str, Any]) -> ModelCard:
    """The card that `ModelCard.to_json` wrote."""
    return ModelCard(
        tuple(feature_from_json(feature) for feature in content["features"]),
        tuple(content["ignored"]),
        float(content["threshold"]),
        baseline_from_json(content["score_baseline"]),
    )


@dataclass(frozen=True)
class Model:
    """A booster and its card."""

    booster: Any
    card: ModelCard

    def probabilities(self, matrix: Matrix) -> npt.NDArray[np.float32]:
        """The probability of being late for each row that `features.encode` made."""
        scores: npt.NDArray[np.float32] = self.booster.inplace_predict(matrix)
        return scores


def save(model: Model, folder: Path) -> None:
    """Write both files below `folder` (SM_MODEL_DIR)."""
    card = folder / CARD_FILE
    card.parent.mkdir(parents=True, exist_ok=True)
    card.write_text(json.dumps(model.card.to_json(), indent=1) + "\n", encoding="utf-8")
    (folder / MODEL_FILE).write_bytes(model.booster.save_raw("ubj"))


def load(folder: Path, threads: int) -> Model:
    """The model below `folder`. Raises Problem when a file is missing or the two do not belong together."""
    try:
        card = card_from_json(json.loads((folder / CARD_FILE).read_text(encoding="utf-8")))
        content = (folder / MODEL_FILE).read_bytes()
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Problem(f"{folder} holds no model that train wrote: {type(error).__name__}: {error}.") from error
    booster = xgboost.Booster({"nthread": threads})
    try:
        booster.load_model(bytearray(content))
    except xgboost.core.XGBoostError as error:
        raise Problem(f"{folder / MODEL_FILE} is not an XGBoost model: {str(error).splitlines()[0]}") from error
    names = [feature.name for feature in card.features]
    if booster.feature_names != names:
        raise Problem(
            f"{CARD_FILE} and {MODEL_FILE} do not belong together: {listed(names)} against "
            f"{listed(booster.feature_names or [])}."
        )
    return Model(booster, card)
