"""The model's inputs by name: types, order, and the one encoding that training, evaluation and serving share.

Numbers stay numbers, a category becomes its place in the training window's sorted list, and what is missing or was
never seen in training becomes NaN, which XGBoost sends down the branch that training found best for missing values.
Never imports pandas: the serving container loads this file.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from problems import Problem, did_you_mean, listed

Matrix = npt.NDArray[np.float32]
NUMBER, CATEGORY = "number", "category"


@dataclass(frozen=True)
class Feature:
    """One input. `categories` are the values of the training window, sorted; `nullable` says if it may be missing."""

    name: str
    type: str
    nullable: bool = False
    categories: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As schema.json and model.json hold it."""
        kept: dict[str, Any] = {"name": self.name, "type": self.type, "nullable": self.nullable}
        return kept | ({"categories": list(self.categories)} if self.type == CATEGORY else {})


def feature_from_json(content: Mapping[str, Any]) -> Feature:
    """The feature that `Feature.to_json` wrote."""
    return Feature(content["name"], content["type"], content["nullable"], tuple(content.get("categories", ())))


def encode(columns: Mapping[str, Sequence[Any] | npt.NDArray[Any]], features: Sequence[Feature]) -> Matrix:
    """Rows as the model sees them: float32 of shape (rows, features), in the order of `features`.

    `columns` is taken by name, so neither order nor further columns matter. A missing value is None or NaN.
    """
    if absent := [feature.name for feature in features if feature.name not in columns]:
        raise Problem(
            f"Column {absent[0]!r} is missing; there are: {listed(columns)}.{did_you_mean(absent[0], columns)}"
        )
    rows = len(columns[features[0].name])
    matrix = np.empty((rows, len(features)), dtype=np.float32)
    for position, feature in enumerate(features):
        values = columns[feature.name]
        matrix[:, position] = _codes(values, feature) if feature.type == CATEGORY else np.asarray(values, np.float32)
    return matrix


def _codes(values: Sequence[Any] | npt.NDArray[Any], feature: Feature) -> list[float]:
    places = {value: float(place) for place, value in enumerate(feature.categories)}
    return [places.get(value, np.nan) for value in values]


def xgboost_types(features: Sequence[Feature]) -> list[str]:
    """What XGBoost calls the types: `q` for a quantity, `c` for a category."""
    return ["c" if feature.type == CATEGORY else "q" for feature in features]
