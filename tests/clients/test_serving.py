"""The same model.tar.gz, served by AWS's own code and by a worker of the stand-in: the same answers, byte for byte.

AWS's code is sagemaker-containers, which serves script mode in the XGBoost 3.2-0 image. What the image adds is not on
PyPI and not compared here: the default input_fn and predict_fn, algorithm mode, nginx and gunicorn.
"""

import base64
import csv
import io
import json
import subprocess
import sysconfig
from pathlib import Path

import pytest

from model import load
from tests.clients.conftest import ROOT
from tests.unit.local.test_serving_container import SCRIPT, archive, ask, spec
from tests.unit.steps.steps_jobs import packed

PLAIN = """
import json
import xgboost
import numpy as np

def model_fn(model_dir):
    booster = xgboost.Booster()
    booster.load_model(f"{model_dir}/xgboost-model")
    return booster

def input_fn(content, content_type):
    if content_type == "application/json":
        rows = json.loads(content)
    elif content_type == "text/csv":
        rows = [[float(cell) for cell in line.split(",")] for line in content.strip().split("\\n")]
    else:
        raise ValueError(f"{content_type} is not what this model reads")
    return xgboost.DMatrix(np.array(rows))

def predict_fn(data, booster):
    return booster.predict(data)
"""
TRANSFORM = """
from flask import Response, abort

def model_fn(model_dir):
    return "model"

def transform_fn(model, data, content_type, accept):
    if data == "raise":
        raise ValueError("no such flight")
    if data == "refuse":
        return Response("refused", status=422, mimetype="text/plain")
    if data == "abort":
        abort(409)
    if data == "text":
        return "text alone"
    if data == "dict":
        return {"late": True}
    if data == "number":
        return 42
    if data == "nothing":
        return None
    return f"{type(data).__name__} {data!r} {content_type} {accept}", "text/csv"
"""
CSV, JSON, NPY = "text/csv", "application/json", "application/x-npy"


def post(body, content_type=CSV, accept=None, **headers):
    """POST /invocations; a None content type or accept is not sent."""
    sent = {"Content-Type": content_type, "Accept": accept, **headers}
    return ("POST", "/invocations", body, {name: value for name, value in sent.items() if value is not None})


@pytest.fixture
def both(programs, tmp_path):
    """Serves an archive with AWS's code and with ours, and returns the answers of both to some requests."""

    def serve(data: Path, requests, **environment):
        variables = {**SCRIPT, **environment}
        return _aws(programs, tmp_path, data, requests, variables), ask(spec(tmp_path, data, variables), *requests)

    return serve


def _aws(programs, folder, data, requests, variables):
    base = folder / "aws"
    here = {name: value.replace("/opt/ml", str(base)) for name, value in variables.items()}
    packages = sysconfig.get_path("purelib")
    environment = {**here, "SAGEMAKER_BASE_DIR": str(base), "CONTAINER_PACKAGES": packages, "OMP_NUM_THREADS": "1"}
    named = ("method", "path", "body", "headers")
    asked = [dict(zip(named, (m, p, base64.b64encode(b).decode(), h), strict=True)) for m, p, b, h in requests]
    command = [str(programs / "python"), str(ROOT / "tests" / "clients" / "aws_serving.py"), str(data), str(base)]
    done = subprocess.run(
        command, input=json.dumps(asked), env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    answers = json.loads(done.stdout)
    return [(answer["status"], answer["content_type"], base64.b64decode(answer["body"])) for answer in answers]


def _compare(answers, requests):
    for request, aws, ours in zip(requests, *answers, strict=True):
        assert ours == aws, request[2:]


@pytest.mark.aws(
    "Serving",
    "A script's transform_fn answers as in AWS's own code: types, defaults, what it raises or returns",
    "PyPI: sagemaker-containers 2.8.6.post2",
)
def test_a_transform_function_answers_as_in_awss_code(both, tmp_path):
    data = archive(tmp_path / "model.tar.gz", {"code/inference.py": TRANSFORM})
    said = [b"raise", b"refuse", b"abort", b"text", b"dict", b"number", b"nothing", "ünïcode".encode(), b""]
    requests = [
        *(post(body) for body in said),
        *(post(b"1", kind) for kind in (JSON, "text/csv; charset=utf-8", "TEXT/CSV", "image/png", "", None)),
        *(post(b"1", CSV, accept) for accept in (CSV, JSON, "*/*", "image/png", "text/csv, */*", "")),
        post(b"1", None, None, ContentType=CSV),
        post(b"\xff\xfe", CSV),
        post(b"\xff\xfe", "application/octet-stream"),
        ("GET", "/ping", b"", {}),
        ("GET", "/invocations", b"", {}),
        ("PUT", "/invocations", b"1", {"Content-Type": CSV}),
        ("GET", "/elsewhere", b"", {}),
        ("GET", "/execution-parameters", b"", {}),
    ]
    _compare(both(data, requests), requests)
    _compare(both(data, requests[-8:], SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT=CSV), requests[-8:])


@pytest.mark.aws(
    "Serving",
    "input_fn and predict_fn with the default output_fn answer as in AWS's own code: JSON, CSV or NPY",
    "PyPI: sagemaker-containers 2.8.6.post2",
)
@pytest.mark.parametrize("objective", ["binary:logistic", "multi:softprob"])
def test_three_functions_answer_as_in_awss_code(both, tmp_path, objective):
    import numpy as np
    import xgboost

    rng = np.random.default_rng(1)
    rows, labels = rng.random((60, 3)), rng.integers(0, 2, 60)
    parameters = {"objective": objective, "nthread": 1} | ({"num_class": 2} if objective.startswith("multi") else {})
    booster = xgboost.train(parameters, xgboost.DMatrix(rows, labels), 3)
    files = {"code/inference.py": PLAIN, "xgboost-model": bytes(booster.save_raw("ubj"))}
    data = archive(tmp_path / "model.tar.gz", files)
    good = b"0.1,0.2,0.3\n0.9,0.8,0.7"
    requests = [
        *(post(good, CSV, accept) for accept in (None, JSON, CSV, NPY, "*/*", "image/png", "text/csv; charset=utf-8")),
        post(b"[[0.1, 0.2, 0.3]]", JSON),
        *(post(body) for body in (b"0.1,0.2,0.3", good + b"\n", b"0.1,x,0.3", b"0.1,0.2\n0.3", b"", b"1,2,3,4", b",,")),
        post(b"{", JSON),
        post(good, "image/png"),
        post(good, None),
    ]
    _compare(both(data, requests), requests)


@pytest.mark.aws(
    "Serving",
    "The project's own trained model answers as in AWS's own code",
    "PyPI: sagemaker-containers 2.8.6.post2",
)
def test_the_projects_own_model_answers_as_in_awss_code(both, tmp_path, model_folder, prepared):
    names = [feature.name for feature in load(model_folder, threads=1).card.features]
    with (prepared / "test" / "test.csv").open(newline="") as file:
        rows = [{name: row[name] for name in names} for row, _ in zip(csv.DictReader(file), range(20), strict=False)]
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    good = text.getvalue().encode()
    requests = [
        *(post(good, CSV, accept) for accept in (None, JSON, CSV, "text/csv, */*;q=0.1", "image/png", "")),
        post(json.dumps(rows[0]).encode(), JSON),
        post(json.dumps({"instances": rows[:2]}).encode(), JSON),
        *(post(body) for body in (b"", b"a,b\n1,2", good[:-30], b"\xff\xfe", good.replace(b",", b";"))),
        *(post(body, JSON) for body in (b"{", b"[]", b"[1, 2]", b"null")),
        post(good, "image/png"),
        post(good, None),
    ]
    answers = both(packed(model_folder, tmp_path / "model.tar.gz"), requests)
    _compare(answers, requests)
    assert [status for status, _, _ in answers[0][:4]] == [200] * 4
