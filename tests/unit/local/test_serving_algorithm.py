"""Algorithm mode: bare models, served as the container does without a script; compared with its own code's answers."""

import csv
import json
import pickle

import numpy as np
import pytest
import xgboost
from hypothesis import given
from hypothesis import strategies as st

from local.serving.container import Container
from local.serving.formats import sniffed_delimiter
from local.serving.problems import LoadError

DENSE = (
    "0a23d7ce340000000a1e0a0676616c756573121412120a10cdcccc3dcdcc4c3e9a99993ecdcccc3e12120a0676616c756573"
    "120812060a040000803f0a23d7ce340000000a1e0a0676616c756573121412120a106666663fcdcc4c3e0000003fcdcccc3e"
    "12120a0676616c756573120812060a0400000000"
)
SPARSE = (
    "0a23d7ce270000000a250a0676616c756573121b1a190a109a9999999999b93f9a9999999999d93f120200031a0104000a23"
    "d7ce1e0000000a1c0a0676616c75657312121a100a089a9999999999c93f1201011a01040000"
)


def model(kind: str = "binary:logistic", seed: int = 0, **parameters) -> xgboost.Booster:
    """A small booster of four features."""
    rows = np.random.default_rng(seed).random((200, 4))
    labels = (rows[:, 0] * 3).astype(int) if kind.startswith("multi") else (rows[:, 0] > 0.5).astype(int)
    return xgboost.train(
        {"objective": kind, "nthread": 1, "max_depth": 3, **parameters}, xgboost.DMatrix(rows, labels), 3
    )


@pytest.fixture
def serve(tmp_path):
    """Makes a container of files by name."""

    def make(environment: dict[str, str] | None = None, **files: xgboost.Booster | bytes) -> Container:
        folder = tmp_path / "model"
        folder.mkdir()
        for name, content in files.items():
            data = content if isinstance(content, bytes) else bytes(content.save_raw("ubj"))
            (folder / name.replace("__", ".")).write_bytes(data)
        (folder / "notes").mkdir()
        (folder / "notes/metadata.json").write_text("{}")
        (folder / ".hidden").write_text("not a model")
        return Container(environment or {}, folder)

    return make


def post(container: Container, body: bytes, content_type: str | None = "text/csv", accept: str | None = None):
    """(status, content type, body) of POST /invocations."""
    headers = {"Content-Type": content_type, "Accept": accept}
    answer = container.answer("POST", "/invocations", {k: v for k, v in headers.items() if v is not None}, body)
    return answer.status, answer.headers.get("Content-Type"), answer.body.decode()


def expected(booster: xgboost.Booster, rows: list[list[float]]) -> list[float]:
    return booster.predict(xgboost.DMatrix(np.array(rows))).tolist()


@pytest.mark.aws(
    "Serving",
    "A bare model answers CSV with CSV unless Accept asks for JSON",
    "aws/sagemaker-xgboost-container: algorithm_mode",
)
def test_csv_is_answered_with_csv_by_default_and_with_json_when_it_is_accepted(serve):
    booster = model()
    container = serve(**{"xgboost-model": booster})
    wanted = expected(booster, [[0.1, 0.2, 0.3, 0.4], [0.9, 0.2, np.nan, 0.4]])
    status, kind, body = post(container, b"0.1,0.2,0.3,0.4\n0.9,0.2,,0.4\n")
    assert (status, kind) == (200, "text/csv; charset=utf-8")
    assert body == f"{wanted[0]}\n{wanted[1]}\n"
    status, kind, body = post(container, b"0.1,0.2,0.3,0.4", accept="application/json")
    assert (status, kind, json.loads(body)) == (200, "application/json", {"predictions": [{"score": wanted[0]}]})


@pytest.mark.aws(
    "Serving",
    "LIBSVM and RecordIO-protobuf are read; without a content type a request is LIBSVM",
    "aws/sagemaker-xgboost-container: algorithm_mode",
)
@pytest.mark.parametrize(
    ("body", "content_type", "rows"),
    [
        (b"0 1:0.1 2:0.2 3:0.3 4:0.4", None, [[0.1, 0.2, 0.3, 0.4]]),
        (b"0 1:0.1 4:0.4\n1 1:0.9 2:0.3", "text/x-libsvm", [[0.1, np.nan, np.nan, 0.4], [0.9, 0.3, np.nan, np.nan]]),
        (b"0:0.1 3:0.4", "text/libsvm", [[0.1, np.nan, np.nan, 0.4]]),
        (bytes.fromhex(DENSE), "application/x-recordio-protobuf", [[0.1, 0.2, 0.3, 0.4], [0.9, 0.2, 0.5, 0.4]]),
        (
            bytes.fromhex(SPARSE),
            "application/x-recordio-protobuf",
            [[0.1, np.nan, np.nan, 0.4], [np.nan, 0.2, np.nan, np.nan]],
        ),
        (b"0.1;0.2;0.3;0.4", "text/csv;label_size=1", [[0.1, 0.2, 0.3, 0.4]]),
    ],
    ids=["no content type", "libsvm from 1", "libsvm from 0", "recordio dense", "recordio sparse", "another delimiter"],
)
def test_the_formats_it_reads(serve, body, content_type, rows):
    booster = model()
    status, _, said = post(serve(**{"xgboost-model": booster}), body, content_type)
    assert status == 200
    assert [float(line) for line in said.split()] == expected(booster, rows)


@pytest.mark.aws(
    "Serving",
    "What it cannot read is 415, cannot predict 400, cannot write 406 or 500; nothing is 204",
    "aws/sagemaker-xgboost-container: algorithm_mode",
)
@pytest.mark.parametrize(
    ("body", "content_type", "accept", "status", "message"),
    [
        (b"", "text/csv", None, 204, ""),
        (b"a=b", "application/x-www-form-urlencoded", None, 204, ""),
        (b"{}", "application/json", None, 415, "application/json is not an accepted ContentType: csv, libsvm"),
        (b"x", "application/x-parquet", None, 415, "Content-type application/x-parquet is not supported."),
        (b"a,b,c,d", "text/csv", None, 415, "Loading csv data failed"),
        (b"1,2,3,4\n1,2", "text/csv", None, 415, "Loading csv data failed"),
        (b"1,2,3,4", "text/csv;label_size=2", None, 415, "label_size must be equal to 1"),
        (b"1,2,3,4", None, None, 415, "Loading libsvm data failed"),
        (b"abc", "application/x-recordio-protobuf", None, 415, "Loading recordio-protobuf data failed"),
        (b"1,2,3,4,5", "text/csv", None, 400, "Unable to evaluate payload provided"),
        (b"1,2,3,4", "text/csv", "image/png", 406, "Accept type image/png is not supported"),
        (b"1,2,3,4", "text/csv", "application/jsonlines", 500, "Internal Server Error"),
    ],
)
def test_the_answer_to_what_it_cannot_serve(serve, body, content_type, accept, status, message):
    said = post(serve(**{"xgboost-model": model()}), body, content_type, accept)
    assert said[0] == status
    assert message in said[2]


@pytest.mark.aws(
    "Serving",
    "A row with too few columns is served without an error, the rest missing",
    "aws/sagemaker-xgboost-container: algorithm_mode",
)
def test_columns_are_taken_by_position_and_too_few_are_served(serve):
    booster = model()
    booster.feature_names = ["a", "b", "c", "d"]
    status, _, said = post(serve(**{"xgboost-model": booster}), b"0.9,0.2")
    booster.feature_names = None
    assert (status, [float(said)]) == (200, expected(booster, [[0.9, 0.2, np.nan, np.nan]]))


@pytest.mark.aws(
    "Serving",
    "Every file in the root of model.tar.gz is a member of an ensemble that is averaged",
    "aws/sagemaker-xgboost-container: algorithm_mode",
)
def test_every_file_in_the_root_is_a_member_of_an_ensemble_unless_that_is_off(serve, tmp_path):
    one, two = model(seed=1), model(seed=2)
    _, _, said = post(serve(a=one, b=two), b"0.4,0.2,0.3,0.4")
    row = [[0.4, 0.2, 0.3, 0.4]]
    assert float(said) == np.mean([np.float32(expected(member, row)[0]) for member in (one, two)], dtype=np.float32)
    alone = Container({"SAGEMAKER_INFERENCE_ENSEMBLE": "false"}, tmp_path / "model")
    assert float(post(alone, b"0.4,0.2,0.3,0.4")[2]) == expected(one, row)[0]


@pytest.mark.aws(
    "Serving",
    "An ensemble of multi:softmax or binary:hinge models answers 500",
    "aws/sagemaker-xgboost-container: algorithm_mode, with SciPy 1.15",
)
def test_an_ensemble_that_votes_fails_as_it_does_in_the_container(serve):
    voters = {name: model("multi:softmax", num_class=3) for name in "ab"}
    assert post(serve(**voters), b"0.4,0.2,0.3,0.4")[0] == 500


@pytest.mark.aws(
    "Serving",
    "A metadata.json beside xgboost-model makes loading fail",
    "aws/sagemaker-xgboost-container: algorithm_mode",
)
def test_another_file_beside_the_model_cannot_be_loaded(serve):
    with pytest.raises(LoadError, match=r"Model metadata\.json cannot be loaded.*belongs in a folder"):
        serve(metadata__json=b'{"a": 1}', model=model())


def test_a_pickle_is_refused_and_never_loaded(serve, tmp_path):
    class Trap:
        def __reduce__(self):
            return (type(tmp_path).touch, (tmp_path / "sprung",))

    with pytest.raises(LoadError, match=r"it is a pickle.*save the model with Booster\.save_model"):
        serve(**{"xgboost-model": pickle.dumps(Trap())})
    assert not (tmp_path / "sprung").exists()


@pytest.mark.aws(
    "Serving",
    "Algorithm mode answers /execution-parameters, and 413 above MAX_CONTENT_LENGTH",
    "aws/sagemaker-xgboost-container: algorithm_mode",
)
def test_its_other_routes_and_its_limit(serve):
    container = serve({"MAX_CONTENT_LENGTH": str(10 << 20)}, model=model())
    said = container.answer("GET", "/execution-parameters", {}, b"")
    assert json.loads(said.body).items() >= {"BatchStrategy": "MULTI_RECORD", "MaxPayloadInMB": 10}.items()
    statuses = [container.answer(*request, {}, b"").status for request in (("GET", "/ping"), ("POST", "/ping"))]
    assert statuses == [200, 405]
    assert post(container, b"0" * (10 << 20) + b"0")[0] == 413


@pytest.mark.aws(
    "Serving",
    "SAGEMAKER_INFERENCE_OUTPUT selects labels, probabilities and scores; what the objective lacks is NaN",
    "Developer guide: XGBoost algorithm, selectable inference",
)
@pytest.mark.parametrize(
    ("objective", "parameters", "said"),
    [
        ("binary:logistic", {}, '{label},"[0, 1]",{p},"[{q}, {p}]",{p},nan'),
        ("reg:squarederror", {}, "nan,nan,nan,nan,nan,{p}"),
        ("multi:softmax", {"num_class": 3}, '{p},"[0, 1, 2]",nan,nan,{p},nan'),
    ],
)
def test_selectable_inference_in_csv(serve, objective, parameters, said):
    keys = "Predicted_Label, labels,probability,probabilities,raw_score,predicted_score"
    booster = model(objective, **parameters)
    status, _, body = post(serve({"SAGEMAKER_INFERENCE_OUTPUT": keys}, model=booster), b"0.1,0.2,0.3,0.4")
    p = expected(booster, [[0.1, 0.2, 0.3, 0.4]])[0]
    assert (status, body) == (200, said.format(label=int(p > 0.5), p=p, q=1 - p))


@pytest.mark.parametrize(
    ("accept", "said"),
    [
        ("application/json", '{"predictions": [{"labels": [0, 1, 2]}, {"labels": [0, 1, 2]}]}'),
        ("application/jsonlines", '{"labels": [0, 1, 2]}\n{"labels": [0, 1, 2]}\n'),
    ],
)
def test_selectable_inference_in_json(serve, accept, said):
    container = serve({"SAGEMAKER_INFERENCE_OUTPUT": "labels"}, model=model("multi:softprob", num_class=3))
    assert post(container, b"0.1,0.2,0.3,0.4\n0.1,0.2,0.3,0.4", accept=accept) == (200, accept, said)


def test_selectable_inference_in_recordio(serve):
    container = serve({"SAGEMAKER_INFERENCE_OUTPUT": "predicted_label,foo"}, model=model())
    headers = {"Content-Type": "text/csv", "Accept": "application/x-recordio-protobuf"}
    body = container.answer("POST", "/invocations", headers, b"0.1,0.2,0.3,0.4").body
    assert body[:8] == bytes.fromhex("0a23d7ce2e000000")
    assert {b"predicted_label", b"foo"} == {name for name in (b"predicted_label", b"foo") if name in body}


@given(st.text(alphabet="0123456789.-+e,;: \tab|\u00e9", max_size=40).filter(lambda line: "," in line))
def test_the_delimiter_is_the_one_that_the_sniffer_finds(line):
    sniffed = csv.Sniffer().sniff(line).delimiter
    assert sniffed_delimiter(line) == ("," if sniffed.isalnum() else sniffed)
