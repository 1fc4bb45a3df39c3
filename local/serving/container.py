"""The XGBoost container: a Flask application for the model it found, called without a web server of its own.

Like the container's it has two modes: script mode when the environment names SAGEMAKER_PROGRAM, algorithm mode when it
does not. Sources: aws/sagemaker-xgboost-container (serving.main), aws/sagemaker-containers, and the image's Dockerfile
in aws/deep-learning-containers (docker/xgboost, 3.2-0). It must never listen on a port: `worker` does.
"""

import io
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from local.serving import algorithm, script
from local.serving.answer import Answer

_STATIC: Mapping[str, Any] = {
    "SCRIPT_NAME": "",
    "SERVER_NAME": "127.0.0.1",
    "SERVER_PORT": "8080",
    "SERVER_PROTOCOL": "HTTP/1.1",
    "wsgi.version": (1, 0),
    "wsgi.url_scheme": "http",
    "wsgi.multithread": False,
    "wsgi.multiprocess": False,
    "wsgi.run_once": False,
}


class Container:
    """A loaded model. `environment` is the container's, its paths already real. Raises LoadError."""

    def __init__(self, environment: Mapping[str, str], model_dir: Path) -> None:
        program = environment.get("SAGEMAKER_PROGRAM")
        self._app = (
            algorithm.load(environment, model_dir) if program is None else script.load(program, environment, model_dir)
        )

    def answer(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Answer one HTTP request, as the WSGI server in the container has the application answer it."""
        said: list[Any] = []

        def start_response(status: str, headers: list[tuple[str, str]], error: Any = None) -> Callable[[bytes], None]:
            said[:] = [status, headers]
            return lambda data: None

        chunks: Iterable[bytes] = self._app.wsgi_app(_environ(method, target, headers, body), start_response)
        content = b"".join(chunks)
        status, fields = said
        return Answer(int(status[:3]), {name: value for name, value in fields if name != "Content-Length"}, content)


def _environ(method: str, target: str, headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
    path, _, query = target.partition("?")
    environ = {
        **_STATIC,
        "REQUEST_METHOD": method,
        "PATH_INFO": unquote(path, "latin-1"),
        "QUERY_STRING": query,
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
    }
    for name, value in headers.items():
        environ["HTTP_" + name.upper().replace("-", "_")] = value
    environ["CONTENT_LENGTH"] = str(len(body))
    content_type = environ.pop("HTTP_CONTENT_TYPE", None)
    if content_type is not None:
        environ["CONTENT_TYPE"] = content_type
    return environ
