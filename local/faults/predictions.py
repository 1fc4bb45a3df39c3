"""Faults of a container's predictions: answered 200, quick, and wrong. No error rate shows them.

They change what XGBoost's Booster is given or says, inside the process, so that everything around it (the script's own
checks and metrics too) sees what a wrong model would make it see. A model that is no XGBoost model is left as it is.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from local.faults.container import ContainerFault
from local.faults.fault import within

_PREDICTING = ("predict", "inplace_predict")


@dataclass
class _Predicting(ContainerFault):
    def at_start(self) -> None:
        import xgboost

        for name in _PREDICTING:
            setattr(xgboost.Booster, name, self._changed(getattr(xgboost.Booster, name)))

    def _changed(self, predict: Callable[..., Any]) -> Callable[..., Any]:
        def changed(booster: Any, data: Any, *rest: Any, **options: Any) -> Any:
            return self.said(predict(booster, self.given(data), *rest, **options))

        return changed

    def given(self, data: Any) -> Any:
        """The data as the booster gets them: a DMatrix, or what inplace_predict takes."""
        return data

    def said(self, predictions: Any) -> Any:
        """The predictions as its caller gets them."""
        return predictions


@dataclass
class Nan(_Predicting, name="nan"):
    """That share of the predictions (0 to 1, all) is NaN."""

    share: float = within(0, 1, default=1.0)
    seed: int = 0

    def said(self, predictions: Any) -> Any:
        for position in range(len(predictions)):
            if self._random.random() < self.share:
                predictions[position] = float("nan")
        return predictions


@dataclass
class Constant(_Predicting, name="constant"):
    """Every prediction is the same number (0.5)."""

    value: float = 0.5

    def said(self, predictions: Any) -> Any:
        predictions[:] = self.value
        return predictions


@dataclass
class WrongOrder(_Predicting, name="wrong-order"):
    """The model gets its columns in another order, the same for every request, as when serving forgot training's."""

    seed: int = 0

    def given(self, data: Any) -> Any:
        import xgboost

        if isinstance(data, xgboost.DMatrix):
            values = data.get_data()[:, self._order(data.num_col())]
            return xgboost.DMatrix(values, feature_names=data.feature_names, feature_types=data.feature_types)
        order = self._order(data.shape[1])
        if hasattr(data, "iloc"):
            return data.iloc[:, order].set_axis(data.columns, axis=1)
        return data[:, order]

    def _order(self, columns: int) -> list[int]:
        """A rotation of the columns, so that none stays where it was."""
        by = random.Random(self.seed).randrange(1, columns) if columns > 1 else 0
        return [(place + by) % columns for place in range(columns)]
