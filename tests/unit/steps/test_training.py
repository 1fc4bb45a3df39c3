"""train: the artefact that the container serves, the log that metric_definitions read, the same model for a seed."""

import json
import re
import subprocess
import sys

import numpy as np
import pytest
import xgboost
from steps_jobs import run_step, training_environment

import model as models
import train
from features import Feature, encode
from hyperparameters import LIMITS, parse_hyperparameters, without
from problems import Problem
from split_files import read_split

FEATURES = [Feature("dep_delay", "number"), Feature("origin", "category", False, ("EWR", "JFK"))]


def test_the_root_of_the_model_holds_the_booster_alone(model_folder):
    """The container loads every file of the root as a member of an ensemble."""
    assert [path.name for path in model_folder.iterdir() if path.is_file()] == ["xgboost-model"]


def test_the_booster_is_xgboosts_own_format(model_folder):
    booster = xgboost.Booster()
    booster.load_model(bytearray((model_folder / "xgboost-model").read_bytes()))
    assert booster.num_boosted_rounds() > 1


def test_the_code_folder_serves_by_itself(model_folder, tmp_path):
    program = "import inference, sys; inference.model_fn(sys.argv[1]); print('boto3' in sys.modules)"
    paths = [path for path in sys.path if path.endswith("site-packages")]
    done = subprocess.run(
        [sys.executable, "-c", program, str(model_folder)],
        cwd=tmp_path,
        env={"PYTHONPATH": ":".join([str(model_folder / "code"), *paths])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout.strip()) == (0, "False"), done.stderr


def test_no_module_that_is_served_imports_pandas(model_folder):
    sources = [path.read_text() for path in (model_folder / "code").glob("*.py")]
    assert sources
    assert not [
        text for text in sources if re.search(r"^\s*(import|from) (pandas|sklearn|matplotlib)", text, re.MULTILINE)
    ]


@pytest.mark.parametrize("metric", ["train-auc", "train-logloss", "validation-auc", "validation-logloss"])
def test_the_log_holds_metrics_for_metric_definitions(trained, metric):
    found = re.findall(rf"{metric}:([0-9.]+)", trained[1])
    assert len(found) >= 3
    assert all(0 < float(value) < 1 for value in found)


def test_the_last_metrics_are_those_of_the_model_that_is_kept(trained, prepared):
    model = models.load(trained[0], threads=1)
    columns, labels = read_split(prepared / "validation", "validation", model.card.features)
    matrix = xgboost.DMatrix(
        encode(columns, model.card.features),
        labels,
        feature_names=model.booster.feature_names,
        feature_types=model.booster.feature_types,
    )
    auc = re.findall(r"validation-auc:([0-9.]+)", trained[1])[-1]
    model.booster.set_param({"eval_metric": "auc"})
    assert f"auc:{float(model.booster.eval(matrix).split('auc:')[1].split()[0]):.5f}" == f"auc:{auc}"


def test_the_model_is_worth_something(trained):
    assert float(re.findall(r"validation-auc:([0-9.]+)", trained[1])[-1]) > 0.85


def test_the_card_names_features_categories_threshold_and_score_baseline(model_folder, prepared):
    card = json.loads((model_folder / "code/model.json").read_text())
    schema = json.loads((prepared / "baseline/schema.json").read_text())
    assert (card["features"], card["ignored"]) == (schema["features"], [])
    assert 0 < card["threshold"] < 1
    assert sum(card["score_baseline"]["shares"]) == pytest.approx(1, abs=1e-4)


def train_again(prepared, folder, *hyperparameters):
    done = run_step("train.py", *hyperparameters, **training_environment(prepared, folder / "model"))
    assert done.returncode == 0, done.stderr
    return folder / "model"


def test_the_same_seed_gives_the_same_bytes(model_folder, prepared, tmp_path):
    again = train_again(prepared, tmp_path, "--num_round", "60")
    for path in (models.MODEL_FILE, models.CARD_FILE):
        assert (again / path).read_bytes() == (model_folder / path).read_bytes()


def test_an_excluded_feature_is_not_used_but_still_accepted(prepared, tmp_path):
    arguments = ["--num_round", "3", "--exclude_features", "dep_delay+seats"]
    card = models.load(train_again(prepared, tmp_path, *arguments), threads=1).card
    assert card.ignored == ("dep_delay", "seats")
    assert not {"dep_delay", "seats"} & {feature.name for feature in card.features}


def test_a_failed_job_leaves_its_sentence_where_sagemaker_looks(prepared, tmp_path):
    done = run_step("train.py", "--eta", "high", **training_environment(prepared, tmp_path / "model"))
    sentence = "Hyperparameter eta is 'high': write a number from 0.001 to 1."
    assert (done.returncode, done.stderr) == (1, sentence + "\n")
    assert (tmp_path / "output/failure").read_text() == sentence


# Hyperparameters


def test_hyperparameters_have_defaults_and_become_numbers():
    numbers = parse_hyperparameters(["--max_depth", "4", "--eta", "0.3"])
    assert (numbers["max_depth"], numbers["eta"], numbers["num_round"]) == (4, 0.3, LIMITS["num_round"].default)


def test_a_value_in_jsons_quotes_is_read():
    numbers = parse_hyperparameters(["--max_depth", '"4"', "--exclude_features", '"seats"'])
    assert (numbers["max_depth"], numbers["exclude_features"]) == (4, "seats")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--max_depth", "4.5"], "max_depth is '4.5': write a whole number from 1 to 16"),
        (["--max_depth", "0"], "max_depth is 0: write a whole number from 1 to 16"),
        (["--eta", "nan"], "eta is nan: write a number"),
        (["--subsample", "1.5"], "subsample is 1.5: write a number from 0.1 to 1"),
        (["--max_dept", "4"], "'max_dept' is unknown; .* Did you mean 'max_depth'?"),
    ],
)
def test_a_malformed_hyperparameter_is_refused_with_a_sentence(arguments, sentence):
    with pytest.raises(Problem, match=sentence):
        parse_hyperparameters(arguments)


@pytest.mark.parametrize("nothing", ["", "none"])
def test_no_feature_is_excluded_by_default(nothing):
    assert without(FEATURES, nothing) == tuple(FEATURES)


@pytest.mark.parametrize(
    ("names", "sentence"),
    [("dep_dely", "Did you mean 'dep_delay'?"), ("dep_delay+origin", "leaves no feature")],
)
def test_an_exclusion_that_cannot_be_is_refused(names, sentence):
    with pytest.raises(Problem, match=sentence):
        without(FEATURES, names)


# Encoding and loading


def test_what_training_never_saw_and_what_is_missing_become_nan():
    matrix = encode({"origin": ["JFK", "QQQ", None, float("nan")], "dep_delay": [1, None, 2.5, float("nan")]}, FEATURES)
    np.testing.assert_array_equal(matrix, np.array([[1, 1], [np.nan, np.nan], [2.5, np.nan], [np.nan, np.nan]]))


def test_a_missing_column_is_named_with_what_was_meant():
    with pytest.raises(Problem, match=r"'dep_delay' is missing; there are: origin, dep_dely. Did you mean 'dep_dely'?"):
        encode({"origin": ["JFK"], "dep_dely": [1]}, FEATURES)


def test_a_card_of_another_model_is_refused(model_folder, tmp_path):
    card = models.load(model_folder, threads=1).card
    booster = xgboost.train({}, xgboost.DMatrix(np.ones((4, 2)), np.array([0, 1, 0, 1]), feature_names=["a", "b"]), 1)
    models.save(models.Model(booster, card), tmp_path)
    with pytest.raises(Problem, match="do not belong together"):
        models.load(tmp_path, threads=1)


@pytest.mark.parametrize("name", [models.MODEL_FILE, models.CARD_FILE])
def test_a_model_with_a_file_spoilt_is_refused(model_folder, tmp_path, name):
    models.save(models.load(model_folder, threads=1), tmp_path)
    (tmp_path / name).write_bytes(b"{}")
    with pytest.raises(Problem):
        models.load(tmp_path, threads=1)


def test_every_module_the_handler_needs_is_found():
    names = {path.stem for path in train.serving_files(train.Path(train.__file__).parent)}
    assert {"inference", "payload", "features", "model", "monitor", "distance", "problems"} == names
