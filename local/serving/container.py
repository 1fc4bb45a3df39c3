"""The XGBoost container's script mode: the user's functions, called and answered for as the container does.

Source: aws/sagemaker-containers (transformer, worker, encoders) and aws/sagemaker-xgboost-container (serving), which
the single-model server of the XGBoost images runs. It must never serve HTTP itself.
"""

import csv
import importlib
import io
import json
import sys
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from werkzeug.exceptions import InternalServerError
from werkzeug.wrappers import Response

from local.serving.answer import Answer

CSV, JSON = "text/csv", "application/json"
_DEFAULT_SUBMIT_DIRECTORY = "/opt/ml/code"
_HANDLERS = ("input_fn", "predict_fn", "output_fn")


class LoadError(Exception):
    """The model cannot be served; the message says why."""


class UnsupportedFormatError(Exception):
    """A content type that the default functions cannot read or write."""


class ScriptMode:
    """A user's module and the model it loaded. `environment` is the container's, its paths already real."""

    def __init__(self, environment: Mapping[str, str], model_dir: Path) -> None:
        self._default_accept = environment.get("SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT", JSON)
        self._module = _import(environment)
        model_fn = getattr(self._module, "model_fn", None)
        if model_fn is None:
            raise LoadError(f"Please provide a model_fn implementation: {self._module.__name__} has none.")
        self._transform = self._choose_transform()
        self._model = model_fn(str(model_dir))

    def invoke(self, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Answer one request; whatever the user's functions raise is a 500 page, and the traceback is in the log."""
        try:
            return self._invoke(body, headers)
        except Exception:  # noqa: BLE001 - user code raises what it likes, and the container answers 500
            traceback.print_exc()
            return from_response(InternalServerError().get_response())

    def _invoke(self, body: bytes, headers: Mapping[str, str]) -> Answer:
        content_type = headers.get("Content-Type") or JSON
        accept = headers.get("Accept") or "*/*"
        accept = self._default_accept if accept == "*/*" else accept
        content = body.decode() if content_type in (CSV, JSON) else body
        result = self._transform(self._model, content, content_type, accept)
        if isinstance(result, tuple):
            result = Response(response=result[0], mimetype=result[1])
        elif isinstance(result, str | bytes):
            result = Response(response=result, mimetype="text/html")
        if not isinstance(result, Response):
            raise TypeError(
                f"the handler returned {type(result).__name__}: return (body, mimetype) or a flask Response"
            )
        return from_response(result)

    def _choose_transform(self) -> Callable[[Any, str | bytes, str, str], Any]:
        transform = getattr(self._module, "transform_fn", None)
        if transform is None:
            return self._three_functions
        used = [name for name in _HANDLERS if hasattr(self._module, name)]
        if used:
            raise LoadError(f"Cannot use transform_fn implementation with {', '.join(used)}.")
        chosen: Callable[[Any, str | bytes, str, str], Any] = transform
        return chosen

    def _three_functions(self, model: Any, content: str | bytes, content_type: str, accept: str) -> Any:
        decode = getattr(self._module, "input_fn", default_input_fn)
        predict = getattr(self._module, "predict_fn", default_predict_fn)
        encode = getattr(self._module, "output_fn", default_output_fn)
        try:
            data = decode(content, content_type)
        except UnsupportedFormatError as error:
            return _refusal(error, 415)
        prediction = predict(data, model)
        try:
            return encode(prediction, accept)
        except UnsupportedFormatError as error:
            return _refusal(error, 406)


def default_input_fn(content: str | bytes, content_type: str) -> Any:
    """Rows of CSV as a DMatrix. Of the container's other formats none is offered here: they are answered 415."""
    import numpy as np
    import xgboost

    if content_type != CSV:
        raise UnsupportedFormatError(f"Content type {content_type} is not supported by this framework.")
    rows = csv.reader(io.StringIO(content.decode() if isinstance(content, bytes) else content))
    return xgboost.DMatrix(np.array([[float(cell) if cell else np.nan for cell in row] for row in rows]))


def default_predict_fn(data: Any, model: Any) -> Any:
    """The booster's prediction; columns are taken by position, as the container takes them."""
    return model.predict(data, validate_features=False)


def default_output_fn(prediction: Any, accept: str) -> Response:
    """JSON, or CSV with one prediction a line."""
    import numpy as np

    values = np.asarray(prediction)
    if accept == JSON:
        return Response(json.dumps(values.tolist()), mimetype=JSON)
    if accept != CSV:
        raise UnsupportedFormatError(f"Content type {accept} is not supported by this framework.")
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(values.reshape(len(values), -1).tolist())
    return Response(text.getvalue(), mimetype=CSV)


def from_response(response: Response) -> Answer:
    """A werkzeug or flask response as the server sends it."""
    headers = {name: value for name, value in response.headers.items() if name != "Content-Length"}
    return Answer(response.status_code, headers, response.get_data())


def _import(environment: Mapping[str, str]) -> ModuleType:
    program = environment.get("SAGEMAKER_PROGRAM")
    if not program:
        raise LoadError(
            "the container's environment names no SAGEMAKER_PROGRAM. Only script mode is served here: set it to the "
            "script with model_fn, and SAGEMAKER_SUBMIT_DIRECTORY to its folder (/opt/ml/model/code)."
        )
    folder = Path(environment.get("SAGEMAKER_SUBMIT_DIRECTORY", _DEFAULT_SUBMIT_DIRECTORY))
    if not (folder / program).is_file():
        raise LoadError(f"SAGEMAKER_PROGRAM {program} is not in SAGEMAKER_SUBMIT_DIRECTORY {folder}.")
    sys.path.insert(0, str(folder))
    return importlib.import_module(Path(program).stem)


def _refusal(error: UnsupportedFormatError, status: int) -> Response:
    said = {"error": type(error).__name__, "error-message": str(error), "stack-trace": traceback.format_exc()}
    return Response(json.dumps(said), status=status, mimetype=JSON)
