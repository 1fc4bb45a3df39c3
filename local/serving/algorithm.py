"""Algorithm mode: the bare models in the root of the archive, served as the XGBoost container does without a script.

Every file there is a member of one ensemble, whose predictions are averaged without a word. Column order is never
checked. Source: aws/sagemaker-xgboost-container (algorithm_mode/serve, serve_utils).
One difference on purpose: the container tries to unpickle each file first; this must never unpickle anything.
"""

import json
import logging
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xgboost
from flask import Flask, Response, request
from werkzeug.http import parse_options_header

from local.serving import formats
from local.serving.formats import CSV, JSON, JSON_LINES, LIBSVM_TYPES, RECORDIO
from local.serving.problems import LoadError
from local.serving.selected import encode_selected, select

_LARGEST_BODY = 6 * 1024 * 1024
_ACCEPTED = [JSON, JSON_LINES, RECORDIO, CSV]
_VOTING = ("multi:softmax", "binary:hinge")
_READERS: Mapping[str, Callable[[bytes], Any]] = {
    "csv": lambda body: formats.csv_matrix(body.strip().decode()),
    "libsvm": lambda body: formats.sparse_libsvm_matrix(body.strip().decode()),
    "recordio-protobuf": formats.recordio_matrix,
}
_FORMATS = {
    **{name: name for name in ("csv", "libsvm", "parquet", "recordio-protobuf")},
    CSV: "csv",
    **dict.fromkeys(LIBSVM_TYPES, "libsvm"),
    "application/x-parquet": "parquet",
    RECORDIO: "recordio-protobuf",
}
_log = logging.getLogger(__name__)


class Refusal(Exception):  # noqa: N818 - an answer, not a failure of the server
    """A request that is answered with a status of its own, and the message as the body."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def load(environment: Mapping[str, str], model_dir: Path) -> Flask:
    """The application that serves every model of a folder. Raises LoadError."""
    boosters = _boosters(model_dir, ensemble=environment.get("SAGEMAKER_INFERENCE_ENSEMBLE", "true") == "true")
    model = _Model(boosters, json.loads(boosters[0].save_config()))
    app = Flask(__name__)
    limit = int(environment.get("MAX_CONTENT_LENGTH", _LARGEST_BODY))
    app.config["MAX_CONTENT_LENGTH"] = limit
    default_accept = environment.get("SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT", CSV)
    selected = environment.get("SAGEMAKER_INFERENCE_OUTPUT")
    keys = selected.replace(" ", "").lower().split(",") if selected is not None else None

    @app.post("/invocations")
    def invocations() -> Response:
        body = request.data
        if not body:
            return Response(status=204)
        try:
            predictions = model.predict(read(body, request.content_type))
            accept = _accept(request.headers.get("Accept", ""), default_accept)
            return Response(_write(model, predictions, accept, keys), mimetype=accept)
        except Refusal as refusal:
            _log.exception("answered %d", refusal.status)
            return Response(str(refusal), status=refusal.status)

    @app.get("/ping")
    def ping() -> Response:
        return Response()

    @app.get("/execution-parameters")
    def execution_parameters() -> Response:
        workers = os.cpu_count()
        said = {"MaxConcurrentTransforms": workers, "BatchStrategy": "MULTI_RECORD", "MaxPayloadInMB": limit >> 20}
        return Response(json.dumps(said), mimetype=JSON)

    return app


def read(body: bytes, content_type: str | None) -> Any:
    """A request as a DMatrix; without a content type it is LIBSVM. Raises Refusal 415."""
    kind, parameters = parse_options_header((content_type or "libsvm").lower())
    if kind not in _FORMATS:
        raise Refusal(415, f"{content_type} is not an accepted ContentType: {', '.join(_FORMATS)}.")
    name = _FORMATS[kind]
    if name == "csv" and parameters.get("label_size", "1") != "1":
        raise Refusal(
            415,
            f"{content_type} is not an accepted csv ContentType. Optional parameter label_size must be equal to 1",
        )
    if name not in _READERS:
        raise Refusal(415, f"Content-type {content_type} is not supported.")
    try:
        return _READERS[name](body)
    except Exception as error:
        said = f"Loading {name} data failed with Exception, please ensure data is in {name} format:"
        raise Refusal(415, f"{said}\n {type(error)}\n {error}") from error


class _Model:
    """Boosters that answer as one. `config` is the first one's, whose objective stands for all."""

    def __init__(self, boosters: Sequence[Any], config: Mapping[str, Any]) -> None:
        self._boosters = boosters
        self.objective: str = config["learner"]["objective"]["name"]
        self.classes: str = config["learner"]["learner_model_param"].get("num_class", "")

    def predict(self, data: Any) -> Any:
        """Predictions by position of the columns and with every tree, early stopping or not. Raises Refusal 400."""
        try:
            said = [booster.predict(data, validate_features=False) for booster in self._boosters]
        except Exception as error:
            raise Refusal(400, f"Unable to evaluate payload provided: {error}") from error
        if len(said) == 1:
            return said[0]
        if self.objective in _VOTING:
            raise TypeError(
                f"members of an ensemble of {self.objective} vote, which fails in the container 3.2-0 as well: leave "
                "one model in the root of model.tar.gz"
            )
        return np.mean(said, axis=0)


def _accept(header: str, default: str) -> str:
    accept = parse_options_header(header)[0].lower()
    if accept in ("", "*/*"):
        return default
    if accept not in _ACCEPTED:
        raise Refusal(406, f"Accept type {accept} is not supported. Please use supported accept types: {_ACCEPTED}.")
    return accept


def _write(model: _Model, predictions: Any, accept: str, keys: Sequence[str] | None) -> str | bytes:
    if keys is not None:
        try:
            return encode_selected(select(predictions, keys, model.objective, model.classes), keys, accept)
        except Exception as error:
            raise Refusal(500, str(error)) from error
    if accept == JSON:
        return json.dumps({"predictions": [{"score": score} for score in predictions.tolist()]})
    return formats.encode(predictions.tolist(), accept)


def _boosters(model_dir: Path, *, ensemble: bool) -> list[Any]:
    """Every regular file of the root, in order of name; dot files and folders are left out."""
    files = sorted(path for path in model_dir.iterdir() if path.is_file() and not path.name.startswith("."))
    if not files:
        raise LoadError("model.tar.gz has no model in its root: put the file that Booster.save_model wrote there.")
    return [_booster(path) for path in (files if ensemble else files[:1])]


def _booster(path: Path) -> Any:
    booster = xgboost.Booster()
    try:
        booster.load_model(bytearray(path.read_bytes()))
    except Exception as error:
        why = str(error).splitlines()[0] if str(error) else type(error).__name__
        with path.open("rb") as file:
            if file.read(1) == b"\x80":
                why = "it is a pickle, which the rehearsal never unpickles; save the model with Booster.save_model"
        raise LoadError(
            f"Model {path.name} cannot be loaded: {why}. Every file in the root of model.tar.gz is loaded as a member "
            "of an ensemble: what is not a model belongs in a folder."
        ) from error
    booster.set_param("nthread", 1)
    return booster
