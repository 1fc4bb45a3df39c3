"""What the XGBoost container serves: model_fn loads once, transform_fn answers each request.

SAGEMAKER_PROGRAM is this file. A request is checked by name against the model's own card; what does not fit is answered
with 4xx and a sentence: a Response passes through the container's framework untouched, while an exception would become
a 500. Never imports pandas or scikit-learn, so that a worker starts quickly, and never answers from a guess.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from flask import Response

import monitor
from features import encode
from model import Model, load
from payload import CSV, JSON, BadRequest, parse

DIGITS = 6


@dataclass(frozen=True)
class Served:
    """A loaded model and the window of its recent scores."""

    model: Model
    window: monitor.PredictionWindow


def model_fn(model_dir: str) -> Served:
    """Load what train wrote, for one thread: a container runs a worker for each core."""
    model = load(Path(model_dir), threads=1)
    window = monitor.PredictionWindow(model.card.score_baseline)
    monitor.start(window)
    return Served(model, window)


def transform_fn(
    served: Served, data: bytes | str, content_type: str | None, accept: str | None
) -> tuple[str, str] | Response:
    """(body, media type), or a 4xx Response whose body is {"error": sentence}."""
    card = served.model.card
    try:
        answered_as = negotiate(accept)
        columns = parse(data, content_type, card.features, card.ignored)
    except BadRequest as refused:
        body = json.dumps({"error": str(refused)})
        return Response(body + "\n", status=refused.status, mimetype=JSON)
    scores = served.model.probabilities(encode(columns, card.features)).tolist()
    served.window.add(scores)
    return render(scores, card.threshold, answered_as), answered_as


def negotiate(accept: str | None) -> str:
    """The first media type of an Accept header that can be had, JSON without the header. Raises BadRequest."""
    if not accept or not accept.strip():
        return JSON
    for part in accept.split(","):
        kind = part.partition(";")[0].strip().lower()
        if kind in ("*/*", "application/*", JSON):
            return JSON
        if kind in ("text/*", CSV):
            return CSV
    raise BadRequest(f"Accept is {accept!r}: this model answers {JSON} or {CSV}.", 406)


def render(scores: Sequence[float], threshold: float, kind: str) -> str:
    """JSON: {"predictions": [{"probability", "late"}]}, one for each row; CSV: a probability on each line."""
    rounded = [round(score, DIGITS) for score in scores]
    if kind == CSV:
        return "".join(f"{score}\n" for score in rounded)
    predictions = [{"probability": score, "late": score >= threshold} for score in rounded]
    return json.dumps({"predictions": predictions})
