"""Selectable inference: what SAGEMAKER_INFERENCE_OUTPUT asks for, worked out from raw predictions. Pure.

Source: the developer guide, "Selectable inference" of the XGBoost algorithm; aws/sagemaker-xgboost-container
(algorithm_mode/serve_utils). It must never predict.
"""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from local.serving.formats import CSV, JSON, JSON_LINES

_CLASS_KEYS = ("predicted_label", "labels", "raw_score", "raw_scores")
_WITH_PROBABILITY = (*_CLASS_KEYS, "probability", "probabilities")
_REGRESSIONS = ("squarederror", "logistic", "gamma", "absoluteerror", "tweedie")
_VALID: Mapping[str, Sequence[str]] = {
    **{f"reg:{name}": ("predicted_score",) for name in _REGRESSIONS},
    "binary:logistic": _WITH_PROBABILITY,
    "multi:softprob": _WITH_PROBABILITY,
    **dict.fromkeys(("binary:logitraw", "binary:hinge", "multi:softmax"), _CLASS_KEYS),
}


def select(predictions: Any, keys: Sequence[str], objective: str, classes: str) -> list[dict[str, Any]]:
    """One dict a prediction; a key that the objective cannot give is NaN. Raises ValueError for other objectives."""
    if objective not in _VALID:
        raise ValueError(f"Objective `{objective}` unsupported for selectable inference predictions.")
    valid = [key for key in _WORKED_OUT if key in keys and key in _VALID[objective]]
    others = [key for key in keys if key not in valid]
    return [
        {**{key: _WORKED_OUT[key](raw, objective, classes) for key in valid}, **dict.fromkeys(others, math.nan)}
        for raw in predictions
    ]


def encode_selected(selected: Sequence[Mapping[str, Any]], keys: Sequence[str], accept: str) -> str | bytes:
    """The selection as the accepted type has it. Raises RuntimeError for one that cannot hold it."""
    if accept == JSON:
        return json.dumps({"predictions": selected})
    if accept == JSON_LINES:
        return "".join(json.dumps(item) + "\n" for item in selected)
    if accept == CSV:
        return "\n".join(",".join(_cell(item[key]) for key in keys) for item in selected)
    from local.serving.recordio import write

    return write(selected)


def _cell(value: Any) -> str:
    return f'"{value}"' if isinstance(value, list) else str(value)


def _label(raw: Any, objective: str, classes: str) -> float:
    if objective == "multi:softprob":
        return int(np.argmax(raw))
    if objective in ("binary:logistic", "binary:logitraw"):
        return int(raw > (0.5 if objective == "binary:logistic" else 0))
    return float(raw)


def _labels(raw: Any, objective: str, classes: str) -> list[int]:
    return list(range(int(classes) if objective.startswith("multi:") else 2))


def _score(raw: Any, objective: str, classes: str) -> float:
    return float(max(raw) if objective == "multi:softprob" else raw)


def _scores(raw: Any, objective: str, classes: str) -> list[float]:
    return list(raw.tolist()) if objective == "multi:softprob" else [1.0 - float(raw), float(raw)]


_WORKED_OUT: Mapping[str, Callable[[Any, str, str], Any]] = {
    "predicted_label": _label,
    "labels": _labels,
    "probability": _score,
    "probabilities": _scores,
    "raw_score": _score,
    "raw_scores": _scores,
    "predicted_score": _score,
}
