"""evaluate: SageMaker's model-quality format, the champion on the same rows, the gate, a report of the same numbers."""

import io
import json
import re
import shutil
import tarfile
from html.parser import HTMLParser

import numpy as np
import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st
from steps_jobs import packed, run_step, training_environment

import evaluate
import model as models
import quality
from artifact import unpack
from champion import find_champion
from evaluation import Limits, Scored, evaluation, gate
from evaluation_report import report
from problems import Problem

ARN = "arn:aws:sagemaker:eu-central-1:111122223333:model-package/flights/{}"
LIVE = {"Stage": "Production", "StageStatus": "Live"}
WINDOW = "2013-10:2013-12"


class FakeRegistry:
    """A group's packages, newest first, two on a page: {version: package}."""

    def __init__(self, packages, error=None):
        self.packages, self.error, self.asked = packages, error, []

    def list_model_packages(self, *_, **request):
        self.asked.append(request)
        if self.error:
            raise self.error
        start = int(request.get("NextToken", 0))
        versions = sorted(self.packages, reverse=True)
        page = {
            "ModelPackageSummaryList": [{"ModelPackageArn": ARN.format(each)} for each in versions[start : start + 2]]
        }
        return page | ({"NextToken": str(start + 2)} if start + 2 < len(versions) else {})

    def describe_model_package(self, *_, **request):
        return self.packages[int(request["ModelPackageName"].rpartition("/")[2])] | {
            "ModelPackageArn": request["ModelPackageName"]
        }


class FakeStorage:
    """Hands out one archive."""

    def __init__(self, archive=None):
        self.archive, self.asked = archive, []

    def download_file(self, bucket, key, filename):
        self.asked.append((bucket, key))
        shutil.copyfile(self.archive, filename)


def package(lifecycle=None, url="s3://models/flights/model.tar.gz"):
    return {
        "InferenceSpecification": {"Containers": [{"ModelDataUrl": url}]},
        **({"ModelLifeCycle": lifecycle} if lifecycle else {}),
    }


def arguments(prepared, model, out, min_auc=0.85, max_auc_drop=0.01):
    return [
        *("--model", model, "--test", prepared / "test", "--model-package-group", "flights"),
        *("--min-auc", min_auc, "--max-auc-drop", max_auc_drop, "--evaluation-out", out),
    ]


def run(prepared, model, out, registry=None, storage=None, **limits):
    given_arguments = evaluate.parse_arguments([str(part) for part in arguments(prepared, model, out, **limits)])
    return evaluate.evaluate(given_arguments, registry or FakeRegistry({}), storage or FakeStorage())


@pytest.fixture(scope="module")
def archive(model_folder, tmp_path_factory):
    """The folder with the model.tar.gz of the trained model."""
    return packed(model_folder, tmp_path_factory.mktemp("model") / "model.tar.gz").parent


@pytest.fixture(scope="module")
def weak(prepared, tmp_path_factory):
    """The model.tar.gz of a model that does not know the departure delay."""
    folder = tmp_path_factory.mktemp("weak")
    hyperparameters = ("--num_round", "20", "--exclude_features", "dep_delay")
    done = run_step("train.py", *hyperparameters, **training_environment(prepared, folder / "model"))
    assert done.returncode == 0, done.stderr
    return packed(folder / "model", folder / "tar/model.tar.gz")


@pytest.fixture(scope="module")
def alone(prepared, archive, tmp_path_factory):
    """(evaluation, output folder) of the trained model without a champion."""
    out = tmp_path_factory.mktemp("alone")
    return run(prepared, archive, out), out


@pytest.fixture(scope="module")
def beside(prepared, archive, weak, tmp_path_factory):
    """(evaluation, output folder) of the trained model beside a weak champion."""
    out = tmp_path_factory.mktemp("beside")
    return run(prepared, archive, out, FakeRegistry({1: package(LIVE)}), FakeStorage(weak)), out


# evaluation.json


def test_the_file_holds_the_evaluation(alone):
    content, out = alone
    assert json.loads((out / "evaluation.json").read_text()) == content


def test_each_metric_has_a_value_and_a_standard_deviation(alone):
    metrics = alone[0]["binary_classification_metrics"]
    for name in (
        "auc",
        "accuracy",
        "precision",
        "recall",
        "f0_5",
        "f1",
        "f2",
        "true_positive_rate",
        "false_positive_rate",
    ):
        assert set(metrics[name]) == {"value", "standard_deviation"}
        assert 0 <= metrics[name]["value"] <= 1


def test_the_confusion_matrix_holds_every_row(alone):
    matrix = alone[0]["binary_classification_metrics"]["confusion_matrix"]
    assert sum(count for row in matrix.values() for count in row.values()) == alone[0]["dataset"]["item_count"]


def test_precision_and_recall_are_those_of_the_confusion_matrix(alone):
    metrics = alone[0]["binary_classification_metrics"]
    matrix = metrics["confusion_matrix"]
    hits = matrix["1"]["1"]
    assert metrics["precision"]["value"] == pytest.approx(hits / (hits + matrix["0"]["1"]))
    assert metrics["recall"]["value"] == pytest.approx(hits / (hits + matrix["1"]["0"]))


def test_the_thinned_roc_curve_has_the_same_area(alone):
    metrics = alone[0]["binary_classification_metrics"]
    curve = metrics["receiver_operating_characteristic_curve"]
    area = np.trapezoid(curve["true_positive_rates"], curve["false_positive_rates"])
    assert area == pytest.approx(metrics["auc"]["value"], abs=0.002)
    assert len(curve["true_positive_rates"]) <= 101


@pytest.mark.parametrize("name", ["month", "carrier"])
def test_slices_share_out_all_rows(alone, name):
    content = alone[0]
    slices = content["slices"][name]
    late = sum(each["rows"] * each["late_share"] for each in slices)
    loss = sum(each["rows"] * each["log_loss"] for each in slices) / content["dataset"]["item_count"]
    assert sum(each["rows"] for each in slices) == content["dataset"]["item_count"]
    assert late / content["dataset"]["item_count"] == pytest.approx(content["dataset"]["late_share"])
    assert loss == pytest.approx(content["probability_metrics"]["log_loss"]["value"])


def test_a_slice_of_one_class_has_no_auc():
    labels, scores = np.array([0, 1, 0, 0]), np.array([0.2, 0.9, 0.1, 0.3])
    months, carriers = np.array(["2013-10"] * 4), np.array(["AA", "AA", "UA", "UA"])
    slices = {"month": months, "carrier": carriers}
    content = evaluation(labels, slices, Scored(scores, 0.5), None, Limits(0.5, 0.1), "")
    assert [each["auc"] for each in content["slices"]["carrier"]] == [1.0, None]


def test_a_real_model_passes_and_says_why(alone):
    content = alone[0]
    assert content["gate"]["passed"]
    sentence = (
        r"AUC 0\.\d{4} on 2013-05:2013-05 meets the limit 0\.8500; there is no champion in production to compare with"
    )
    assert re.match(sentence, content["gate"]["reason"])
    assert (content["champion"], content["champion_comparison"]["auc_drop"]["value"]) == (None, 0.0)


# The champion


def test_the_champion_is_judged_on_the_same_rows_with_its_own_features(beside, alone):
    content = beside[0]
    champion, own = content["champion"], content["binary_classification_metrics"]
    assert champion["model_package_arn"] == ARN.format(1)
    drop = champion["binary_classification_metrics"]["auc"]["value"] - own["auc"]["value"]
    assert content["champion_comparison"]["auc_drop"]["value"] == pytest.approx(drop)
    assert drop < -0.05
    assert own == alone[0]["binary_classification_metrics"]


def test_a_model_as_good_as_the_champion_drops_by_0(prepared, archive, tmp_path):
    registry, storage = FakeRegistry({1: package(LIVE)}), FakeStorage(archive / "model.tar.gz")
    content = run(prepared, archive, tmp_path, registry, storage)
    assert content["champion_comparison"]["auc_drop"] == {"value": 0.0, "standard_deviation": 0.0}
    assert storage.asked == [("models", "flights/model.tar.gz")]


def test_a_worse_model_than_the_champion_fails_with_both_numbers(prepared, archive, weak, tmp_path):
    registry, storage = FakeRegistry({1: package(LIVE)}), FakeStorage(archive / "model.tar.gz")
    content = run(prepared, weak.parent, tmp_path, registry, storage)
    assert not content["gate"]["passed"]
    assert "is below the limit 0.8500; it is 0." in content["gate"]["reason"]
    assert "below the champion's 0." in content["gate"]["reason"]


def test_a_champion_on_columns_that_are_gone_is_a_sentence(prepared, archive, tmp_path):
    test = tmp_path / "prepared/test"
    test.mkdir(parents=True)
    text = (prepared / "test/test.csv").read_text()
    (test / "test.csv").write_text(text.replace("seats", "chairs", 1))
    registry, storage = FakeRegistry({1: package(LIVE)}), FakeStorage(archive / "model.tar.gz")
    with pytest.raises(Problem, match=r"champion arn:.*/1 was trained on 'seats', which test.csv lacks"):
        run(tmp_path / "prepared", archive, tmp_path, registry, storage)


def test_the_champion_is_the_newest_live_package_on_any_page():
    packages = {version: package() for version in (5, 6, 7)} | {version: package(LIVE) for version in (2, 4)}
    registry = FakeRegistry(packages)
    assert find_champion(registry, "flights").arn == ARN.format(4)
    assert all(
        (asked["ModelApprovalStatus"], asked["SortBy"], asked["SortOrder"])
        == ("Approved", "CreationTime", "Descending")
        for asked in registry.asked
    )


@pytest.mark.parametrize("lifecycle", [None, {"Stage": "Production", "StageStatus": "Archived"}, {"Stage": "Staging"}])
def test_a_package_that_is_not_live_in_production_is_no_champion(lifecycle):
    assert find_champion(FakeRegistry({1: package(lifecycle)}), "flights") is None


def client_error(code, message):
    return ClientError({"Error": {"Code": code, "Message": message}}, "ListModelPackages")


def test_a_group_that_does_not_exist_yet_has_no_champion():
    error = client_error("ValidationException", "ModelPackageGroup flights does not exist.")
    assert find_champion(FakeRegistry({}, error), "flights") is None


def test_a_registry_that_cannot_be_asked_is_not_taken_for_an_empty_one():
    error = client_error("AccessDeniedException", "not authorized, if the group exists")
    with pytest.raises(ClientError):
        find_champion(FakeRegistry({}, error), "flights")


def test_a_live_package_without_model_data_is_a_sentence():
    with pytest.raises(Problem, match="names no model data in S3"):
        find_champion(FakeRegistry({1: package(LIVE, url="")}), "flights")


# The gate


ALLOWED = "on the same rows, where at most 0.0100 below is allowed."


@pytest.mark.parametrize(
    ("auc", "drop", "passed", "reason"),
    [
        (0.7012, None, False, f"AUC 0.7012 on {WINDOW} is below the limit 0.8500."),
        (0.84999, None, False, f"AUC 0.84999 on {WINDOW} is below the limit 0.85000."),
        (
            0.86,
            0.03,
            False,
            f"AUC 0.8600 on {WINDOW} is not enough: it is 0.0300 below the champion's 0.8900 {ALLOWED}",
        ),
        (0.9, 0.0, True, f"AUC 0.9000 on {WINDOW} meets the limit 0.8500; it equals the champion's 0.9000 {ALLOWED}"),
        (
            0.9,
            -0.005,
            True,
            f"AUC 0.9000 on {WINDOW} meets the limit 0.8500; it is 0.0050 above the champion's 0.8950 {ALLOWED}",
        ),
    ],
)
def test_the_gate_names_numbers_and_limits(auc, drop, passed, reason):
    assert gate(auc, drop, Limits(0.85, 0.01), WINDOW) == {"passed": passed, "reason": reason}


@given(st.floats(0, 1), st.floats(-1, 1) | st.none(), st.floats(0, 1), st.floats(0, 1))
def test_the_gate_agrees_with_the_pipelines_condition(auc, drop, min_auc, max_auc_drop):
    """The condition reads auc >= min_auc and auc_drop <= max_auc_drop, with 0 for no champion."""
    condition = auc >= min_auc and (drop or 0.0) <= max_auc_drop
    assert gate(auc, drop, Limits(min_auc, max_auc_drop), WINDOW)["passed"] == condition


# The report


class Figures(HTMLParser):
    """Collects (place in evaluation.json, value) of every <data> element, and everything that would be loaded."""

    def __init__(self):
        super().__init__()
        self.figures, self.loaded = [], []

    def handle_starttag(self, tag, attributes):
        named = dict(attributes)
        if tag == "data":
            self.figures.append((named["title"], named["value"]))
        self.loaded += [value for name, value in attributes if name in ("src", "href")]
        self.loaded += [tag] if tag in ("script", "link", "iframe", "img") else []


def at(content, path):
    for key in path.split("."):
        content = content[int(key)] if isinstance(content, list) else content[key]
    return content


@pytest.mark.parametrize("which", ["alone", "beside"])
def test_every_figure_of_the_report_is_that_of_the_json(which, request):
    content, out = request.getfixturevalue(which)
    page = Figures()
    page.feed((out / "report.html").read_text())
    assert len(page.figures) > 50
    assert all(json.loads(value) == at(content, path) for path, value in page.figures)


def test_the_report_shows_the_headline_figures(beside):
    page = Figures()
    page.feed((beside[1] / "report.html").read_text())
    shown = {path for path, _ in page.figures}
    for own in ("binary_classification_metrics.auc", "probability_metrics.log_loss", "probability_metrics.brier"):
        assert {f"{own}.value", f"champion.{own}.value"} <= shown


def test_the_report_is_one_file(beside):
    page = Figures()
    page.feed((beside[1] / "report.html").read_text())
    assert page.loaded == []
    assert "url(" not in (beside[1] / "report.html").read_text()


def test_the_report_tells_the_verdict(alone):
    content = alone[0]
    failing = content | {"gate": {"passed": False, "reason": "AUC <b>0.1</b> is low."}}
    assert "Passes the gate." in report(content)
    assert "Fails the gate.</b> AUC &lt;b&gt;0.1&lt;/b&gt; is low." in report(failing)


# Archives


def archive_of(path, member, content=b"x"):
    with tarfile.open(path, "w:gz") as tar:
        member.size = len(content) if member.isfile() else 0
        tar.addfile(member, io.BytesIO(content))
    return path


def link(kind):
    member = tarfile.TarInfo("xgboost-model")
    member.type, member.linkname = kind, "/etc/passwd"
    return member


@pytest.mark.parametrize(
    "member",
    [tarfile.TarInfo("../outside"), link(tarfile.SYMTYPE), link(tarfile.LNKTYPE), link(tarfile.FIFOTYPE)],
    ids=["upwards", "symlink", "hardlink", "fifo"],
)
def test_a_hostile_archive_is_refused_and_writes_nothing(tmp_path, member):
    with pytest.raises(Problem):
        unpack(archive_of(tmp_path / "model.tar.gz", member), tmp_path / "in/model")
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and path.name != "model.tar.gz"]


def test_an_absolute_name_lands_inside_the_folder(tmp_path):
    unpack(archive_of(tmp_path / "model.tar.gz", tarfile.TarInfo("/inside")), tmp_path / "model")
    assert (tmp_path / "model/inside").is_file()


@pytest.mark.parametrize("keep", [0, 100, 3000])
def test_a_truncated_archive_is_a_sentence(archive, tmp_path, keep):
    whole = (archive / "model.tar.gz").read_bytes()
    (tmp_path / "model.tar.gz").write_bytes(whole[:keep])
    with pytest.raises(Problem, match=r"model\.tar\.gz cannot be unpacked"):
        unpack(tmp_path / "model.tar.gz", tmp_path / "model")


def test_no_model_at_all_is_a_sentence(prepared, tmp_path):
    with pytest.raises(Problem, match=r"model\.tar\.gz is missing"):
        run(prepared, tmp_path, tmp_path / "out")


def test_test_rows_of_one_class_are_refused(prepared, archive, tmp_path):
    test = tmp_path / "prepared/test"
    test.mkdir(parents=True)
    lines = (prepared / "test/test.csv").read_text().splitlines(keepends=True)
    (test / "test.csv").write_text("".join([lines[0], *(line for line in lines if line.startswith("0,"))]))
    with pytest.raises(Problem, match="holds one class only"):
        run(tmp_path / "prepared", archive, tmp_path / "out")


def test_the_job_ends_with_a_sentence_when_aws_cannot_be_reached(prepared, archive, tmp_path):
    closed = {"AWS_ENDPOINT_URL": "http://127.0.0.1:9", "AWS_MAX_ATTEMPTS": "1", "AWS_DEFAULT_REGION": "eu-central-1"}
    keys = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}
    done = run_step("evaluate.py", *arguments(prepared, archive, tmp_path / "out"), **closed, **keys)
    assert (done.returncode, "Traceback" in done.stderr) == (1, False)
    assert done.stderr.startswith("The champion of flights could not be looked up")


def test_scores_do_not_depend_on_the_number_of_threads(model_folder):
    one, two = (models.load(model_folder, threads) for threads in (1, 2))
    matrix = np.random.default_rng(1).normal(size=(500, len(one.card.features))).astype(np.float32)
    assert (one.probabilities(matrix) == two.probabilities(matrix)).all()


def test_the_auc_of_the_json_is_that_of_the_metric(alone, archive, prepared, model_folder):
    model = models.load(model_folder, threads=1)
    columns, labels = evaluate.read_split(prepared / "test", "test", model.card.features)
    scores = model.probabilities(evaluate.encode(columns, model.card.features))
    found = alone[0]["binary_classification_metrics"]["auc"]["value"]
    assert found == quality.auc(labels, scores).value
