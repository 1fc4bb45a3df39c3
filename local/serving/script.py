"""Script mode: the user's functions, called and answered for as the XGBoost container does.

Sources: aws/sagemaker-containers (transformer, worker) and aws/sagemaker-xgboost-container (serving). The container
wraps every function, its own defaults too, so that whatever one raises is a 500 page; even a content type that the
defaults cannot read, for which 415 was meant. It must never install what the script needs: it has to be here.
"""

import importlib
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from flask import Flask, Response, request

from local.serving import formats
from local.serving.formats import CSV, JSON
from local.serving.problems import LoadError
from local.serving.source import code_folder

_HANDLERS = ("input_fn", "predict_fn", "output_fn")

Transform = Callable[[Any, str | bytes, str, str], Any]


class UserCodeError(Exception):
    """Whatever a user's function raised, an HTTP exception included: the container answers 500 for all of it."""


def load(program: str, environment: Mapping[str, str], model_dir: Path) -> Flask:
    """The application that serves a script and the model it loads. Raises LoadError, or what the script raises."""
    module = _import(program, environment, model_dir)
    model_fn = getattr(module, "model_fn", None)
    if model_fn is None:
        raise LoadError(f"Please provide a model_fn implementation: {module.__name__} has none.")
    transform = _choose_transform(module)
    return _application(module.__name__, transform, model_fn(str(model_dir)), environment)


def _application(name: str, transform: Transform, model: Any, environment: Mapping[str, str]) -> Flask:
    app = Flask(name)
    default_accept = environment.get("SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT", JSON)

    @app.post("/invocations")
    def invocations() -> Any:
        headers = request.headers
        content_type = headers.get("ContentType") or headers.get("Content-Type") or JSON
        accept = headers.get("Accept") or "*/*"
        content = request.get_data(as_text=True) if content_type in (CSV, JSON) else request.get_data()
        try:
            result = transform(model, content, content_type, default_accept if accept == "*/*" else accept)
        except Exception as error:
            raise UserCodeError(error) from error
        return Response(result[0], mimetype=result[1]) if isinstance(result, tuple) else result

    @app.get("/ping")
    def ping() -> Response:
        return Response(mimetype=JSON)

    return app


def _choose_transform(module: ModuleType) -> Transform:
    transform: Transform | None = getattr(module, "transform_fn", None)
    if transform is None:
        return _three_functions(module)
    used = [name for name in _HANDLERS if hasattr(module, name)]
    if used:
        raise LoadError(f"Cannot use transform_fn implementation with {', '.join(used)}.")
    return transform


def _three_functions(module: ModuleType) -> Transform:
    decode = getattr(module, "input_fn", formats.decode)
    predict = getattr(module, "predict_fn", _default_predict_fn)
    encode = getattr(module, "output_fn", _default_output_fn)

    def transform(model: Any, content: str | bytes, content_type: str, accept: str) -> Any:
        return encode(predict(decode(content, content_type), model), accept)

    return transform


def _default_predict_fn(data: Any, model: Any) -> Any:
    """The booster's prediction; columns are taken by position, as the container takes them."""
    return model.predict(data, validate_features=False)


def _default_output_fn(prediction: Any, accept: str) -> Response:
    return Response(formats.encode(prediction, accept), mimetype=accept)


def _import(program: str, environment: Mapping[str, str], model_dir: Path) -> ModuleType:
    if not program:
        raise LoadError(
            "SAGEMAKER_PROGRAM is empty, which the container cannot import. Name the script with model_fn, or leave "
            "the variable out to have the bare model served (algorithm mode)."
        )
    folder = code_folder(environment, model_dir)
    if not (folder / program).is_file():
        raise LoadError(f"SAGEMAKER_PROGRAM {program} is not in SAGEMAKER_SUBMIT_DIRECTORY {folder}.")
    if (folder / "requirements.txt").exists():
        print("requirements.txt is not installed by the rehearsal: what it names has to be in this environment.")
    sys.path.insert(0, str(folder))
    return importlib.import_module(program.removesuffix(".py"))
