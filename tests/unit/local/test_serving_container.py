"""What a model server answers: real processes, real HTTP, real archives."""

import asyncio
import io
import json
import tarfile
from pathlib import Path

import numpy as np
import pytest
import xgboost

from local.serving import Instance, Spec, StartError

SCRIPT = {"SAGEMAKER_PROGRAM": "inference.py", "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code"}
HANDLER = """
import os
from pathlib import Path
from flask import Response, abort, request
import helper
print("the module is imported")
def model_fn(model_dir):
    return (Path(model_dir) / "weights").read_text()
def transform_fn(model, data, content_type, accept):
    if data == "boom":
        raise ValueError("no such flight")
    if data == "refuse":
        return Response("refused", status=422, mimetype="text/plain")
    if data == "type":
        return 42
    if data == "dict":
        return {"a": 1}
    if data == "conflict":
        abort(409)
    if data == "attributes":
        return request.headers["X-Amzn-SageMaker-Custom-Attributes"], "text/plain"
    said = [model, type(data).__name__, content_type, accept, helper.NAME, os.environ.get("PYTEST_VERSION", "-")]
    return "|".join(said), "text/csv"
"""
DEFAULTS = """
import xgboost
def model_fn(model_dir):
    booster = xgboost.Booster()
    booster.load_model(f"{model_dir}/xgboost-model")
    return booster
"""


def archive(path: Path, files: dict[str, bytes | str]) -> Path:
    """A model.tar.gz of some files."""
    with tarfile.open(path, "w:gz") as tar:
        for name, content in files.items():
            data = content.encode() if isinstance(content, str) else content
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return path


def handler(path: Path) -> Path:
    """The archive of HANDLER."""
    files = {"code/inference.py": HANDLER, "code/helper.py": "NAME = 'helped'", "weights": "w"}
    return archive(path / "model.tar.gz", files)


def spec(folder: Path, data: Path, environment: dict[str, str] | None = None, faults=()) -> Spec:
    """An instance in a folder of its own."""
    return Spec(data, folder / "opt/ml", SCRIPT if environment is None else environment, folder / "log", faults)


def ask(wanted: Spec, *requests: tuple[str, str, bytes, dict[str, str]]) -> list[tuple[int, str, bytes]]:
    """Start, ask in turn, stop: (status, content type, body) of each answer. Raises StartError."""

    async def go() -> list[tuple[int, str, bytes]]:
        answers = []
        instance = Instance(wanted, lambda gone: None)
        await instance.start(30)
        try:
            for method, path, body, headers in requests:
                said = await instance.ask(body, headers, 30, method, path)
                answers.append((said.status, said.headers.get("Content-Type", ""), said.body))
        finally:
            await instance.stop()
        return answers

    return asyncio.run(go())


def small_model() -> xgboost.Booster:
    """A booster of three features."""
    rows = np.random.default_rng(0).random((60, 3))
    return xgboost.train({"nthread": 1}, xgboost.DMatrix(rows, label=rows[:, 0]), 3)


def post(body: bytes, content_type: str = "text/csv", accept: str | None = None):
    """POST /invocations."""
    headers = {"Content-Type": content_type} | ({"Accept": accept} if accept else {})
    return ("POST", "/invocations", body, headers)


@pytest.mark.aws("Serving", "Script mode answers /ping and /invocations alone", "aws/sagemaker-containers: worker")
def test_the_paths_and_methods_of_the_container(tmp_path):
    answers = ask(
        spec(tmp_path, handler(tmp_path)),
        ("GET", "/ping", b"", {}),
        ("GET", "/invocations", b"", {}),
        ("POST", "/elsewhere", b"", {}),
        ("GET", "/execution-parameters", b"", {}),
    )
    assert [status for status, _, _ in answers] == [200, 405, 404, 404]


@pytest.mark.aws(
    "Serving",
    "A handler gets text for exactly text/csv and application/json, bytes for the rest; JSON is the default both ways",
    "aws/sagemaker-containers: worker.Request",
)
def test_a_handler_gets_text_for_csv_and_json_and_bytes_for_the_rest_and_nothing_of_the_shell(tmp_path):
    answers = ask(
        spec(tmp_path, handler(tmp_path)),
        post(b"1,2"),
        post(b"{}", "application/json", "text/csv"),
        post(b"1", "text/csv; charset=utf-8", "*/*"),
        ("POST", "/invocations", b"1", {}),
    )
    assert [body.decode() for _, _, body in answers] == [
        "w|str|text/csv|application/json|helped|-",
        "w|str|application/json|text/csv|helped|-",
        "w|bytes|text/csv; charset=utf-8|application/json|helped|-",
        "w|str|application/json|application/json|helped|-",
    ]
    assert {kind for _, kind, _ in answers} == {"text/csv; charset=utf-8"}


@pytest.mark.aws(
    "Serving", "Whatever a handler raises is a 500 page", "aws/sagemaker-containers: functions.error_wrapper"
)
def test_a_handlers_exception_is_a_500_page_and_its_traceback_is_in_the_log(tmp_path):
    ((status, kind, body),) = ask(spec(tmp_path, handler(tmp_path)), post(b"boom"))
    assert (status, kind) == (500, "text/html; charset=utf-8")
    assert b"Internal Server Error" in body
    log = (tmp_path / "log").read_text()
    assert "the module is imported" in log
    assert "ValueError: no such flight" in log


@pytest.mark.aws(
    "Serving",
    "What a handler returns is answered as Flask answers it: a Response as it is, (body, media type), a dict as JSON",
    "aws/sagemaker-containers: transformer.transform, worker.Worker",
)
def test_what_a_handler_returns_is_answered_as_flask_answers_it(tmp_path):
    bodies = (b"refuse", b"dict", b"conflict", b"attributes", b"type")
    sent = [post(body) for body in bodies]
    sent[3][3]["X-Amzn-SageMaker-Custom-Attributes"] = "trace=7"
    answers = ask(spec(tmp_path, handler(tmp_path)), *sent)
    assert answers[0] == (422, "text/plain; charset=utf-8", b"refused")
    assert answers[1] == (200, "application/json", b'{"a":1}\n')
    assert answers[2][0] == 500, "flask.abort is an exception like any other in the container"
    assert answers[3] == (200, "text/plain; charset=utf-8", b"trace=7")
    assert answers[4][0] == 500


@pytest.mark.aws(
    "Serving",
    "Script mode's default functions read CSV and LIBSVM and write JSON, CSV and NPY; whatever else is a 500",
    "aws/sagemaker-containers: functions.error_wrapper; run beside it",
)
def test_the_default_functions_serve_a_real_booster(tmp_path):
    """All that they raise is a 500 in the container too: the 415 and 406 in its code are never reached."""
    rows = np.random.default_rng(0).random((60, 3))
    model = small_model()
    files = {"code/inference.py": DEFAULTS, "xgboost-model": bytes(model.save_raw("ubj"))}
    sent = "\n".join(",".join(map(repr, map(float, row))) for row in rows[:2]).encode()
    libsvm = b"0 1:0.5 2:0.25 3:0.75"
    answers = ask(
        spec(tmp_path, archive(tmp_path / "model.tar.gz", files)),
        post(sent),
        post(sent, accept="text/csv"),
        post(sent, "text/csv; charset=utf-8", "application/x-npy"),
        post(libsvm, "text/libsvm"),
        post(sent + b"\n"),
        post(b"{}", "application/json"),
        post(sent, accept="image/png"),
    )
    expected = model.predict(xgboost.DMatrix(rows[:2])).tolist()
    assert json.loads(answers[0][2]) == pytest.approx(expected)
    assert [float(line) for line in answers[1][2].split()] == pytest.approx(expected)
    assert np.load(io.BytesIO(answers[2][2])).tolist() == pytest.approx(expected)
    assert json.loads(answers[3][2]) == pytest.approx(
        model.predict(xgboost.DMatrix(np.array([[0.5, 0.25, 0.75]]))).tolist()
    )
    assert [status for status, _, _ in answers] == [200, 200, 200, 200, 500, 500, 500]


@pytest.mark.parametrize(
    ("files", "environment", "message"),
    [
        ({"code/inference.py": "def model_fn(d):\n    raise OSError('disk')"}, SCRIPT, "OSError: disk"),
        ({"code/inference.py": "import nowhere"}, SCRIPT, "No module named 'nowhere'"),
        ({"code/inference.py": "raise SystemExit(3)"}, SCRIPT, "SystemExit: 3"),
        ({"code/inference.py": "import os\nos._exit(9)"}, SCRIPT, "its process ended while it started"),
        ({"code/inference.py": ""}, SCRIPT, "Please provide a model_fn implementation"),
        (
            {"code/inference.py": "def model_fn(d): pass\ndef transform_fn(*a): pass\ndef input_fn(*a): pass"},
            SCRIPT,
            "Cannot use transform_fn implementation with input_fn",
        ),
        ({"xgboost-model": "x"}, SCRIPT, "SAGEMAKER_PROGRAM inference.py is not in SAGEMAKER_SUBMIT_DIRECTORY"),
        ({"xgboost-model": "x"}, {**SCRIPT, "SAGEMAKER_PROGRAM": ""}, "SAGEMAKER_PROGRAM is empty"),
        ({"xgboost-model": "x"}, {}, "Model xgboost-model cannot be loaded"),
        ({"code/metadata.json": "{}"}, {}, "has no model in its root"),
    ],
)
def test_a_model_that_cannot_be_loaded_says_why(tmp_path, files, environment, message):
    with pytest.raises(StartError) as caught:
        ask(spec(tmp_path, archive(tmp_path / "model.tar.gz", files), environment))
    assert message in str(caught.value)


def test_the_project_is_not_importable_inside_the_container(tmp_path):
    """What is not in the archive or in the container's packages must be missing here as it would be there."""
    files = {"code/inference.py": "import deploy\ndef model_fn(d): pass"}
    with pytest.raises(StartError, match="No module named 'deploy'"):
        ask(spec(tmp_path, archive(tmp_path / "model.tar.gz", files)))
