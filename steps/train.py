"""SageMaker training, in the XGBoost container's script mode: train and validation -> model.tar.gz.

Histogram boosting, stopped when the validation log loss (the probabilities, not only their order) gets no better.
The same seed, data and thread count give the same bytes. Never looks at the test window.
"""

import ast
import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np

from distance import baseline_of
from features import Feature, encode, feature_from_json, xgboost_types
from hyperparameters import parse_hyperparameters, without
from problems import Problem, exit_code
from quality import best_f1_threshold
from split_files import read_split

LOG_EVERY = 10
SERVING_PROGRAM = "inference.py"
# Above any category count, so that a split separates one category from the rest: airports and carriers are many and
# flights to some are few, and groups of them chosen by the label did worse on later months.
ONE_AGAINST_REST = 10_000


def environment(name: str) -> Path:
    """The folder that SageMaker names in a variable of this name."""
    if name not in os.environ:
        raise Problem(f"{name} is not set: a SageMaker training job sets it to a folder.")
    return Path(os.environ[name])


def read_schema(folder: Path) -> list[Feature]:
    """The features of schema.json, which preprocess wrote."""
    path = folder / "schema.json"
    try:
        return [feature_from_json(feature) for feature in json.loads(path.read_text(encoding="utf-8"))["features"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Problem(f"{path} is not a schema that preprocess wrote: {type(error).__name__}: {error}.") from error


def boost(train: Any, validation: Any, numbers: dict[str, Any], threads: int) -> Any:
    """The booster of the best round, from two DMatrix. Logs `validation-auc:0.9...` for metric_definitions to find."""
    import xgboost

    parameters = {
        "objective": "binary:logistic",
        "tree_method": "hist",
        "eval_metric": ["auc", "logloss"],
        "max_cat_to_onehot": ONE_AGAINST_REST,
        "nthread": threads,
        **{
            name: numbers[name]
            for name in ("max_depth", "eta", "subsample", "colsample_bytree", "min_child_weight", "seed")
        },
    }

    class Log(xgboost.callback.TrainingCallback):  # type: ignore[misc]  # xgboost is untyped here
        def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
            if epoch % LOG_EVERY == 0:
                print(metrics_line(model, epoch, train, validation), flush=True)
            return False

    stop = xgboost.callback.EarlyStopping(
        rounds=numbers["early_stopping_rounds"], metric_name="logloss", data_name="validation", save_best=True
    )
    booster = xgboost.train(
        parameters,
        train,
        numbers["num_round"],
        evals=[(validation, "validation")],
        callbacks=[Log(), stop],
        verbose_eval=False,
    )
    print(metrics_line(booster, booster.num_boosted_rounds() - 1, train, validation), flush=True)
    return booster


def metrics_line(booster: Any, epoch: int, train: Any, validation: Any) -> str:
    """`[10] train-auc:0.91234 ... validation-logloss:0.30123`; the last line of a job is the model that is kept."""
    epoch_mark, *metrics = booster.eval_set([(train, "train"), (validation, "validation")], epoch).split("\t")
    named = (metric.rsplit(":", 1) for metric in metrics)
    return " ".join([epoch_mark, *(f"{name}:{float(value):.5f}" for name, value in named)])


def serving_files(folder: Path) -> list[Path]:
    """inference.py and every module beside it that it imports, directly or not."""
    found: list[Path] = []
    waiting = [folder / SERVING_PROGRAM]
    while waiting:
        path = waiting.pop()
        if path in found or not path.is_file():
            continue
        found.append(path)
        nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
        names = [node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module]
        names += [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
        waiting += [folder / f"{name}.py" for name in names]
    return sorted(found)


def train() -> None:
    """The job: hyperparameters from the command line, folders from SM_* variables."""
    numbers = parse_hyperparameters(sys.argv[1:])
    schema = read_schema(environment("SM_CHANNEL_BASELINE"))
    features = without(schema, numbers["exclude_features"])
    splits = {
        name: read_split(environment(f"SM_CHANNEL_{name.upper()}"), name, features) for name in ("train", "validation")
    }
    model_folder = environment("SM_MODEL_DIR")
    threads = int(os.environ.get("SM_NUM_CPUS") or os.cpu_count() or 1)
    # Waiting threads must sleep: spinning ones starve whatever shares the machine. Read when XGBoost loads OpenMP.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    import xgboost

    from model import Model, ModelCard, save

    def matrix(name: str) -> Any:
        columns, labels = splits[name]
        return xgboost.DMatrix(
            encode(columns, features),
            label=labels,
            feature_names=[feature.name for feature in features],
            feature_types=xgboost_types(features),
            nthread=threads,
        )

    matrices = {name: matrix(name) for name in splits}
    booster = boost(matrices["train"], matrices["validation"], numbers, threads)
    scores = {name: booster.predict(matrices[name]) for name in splits}
    card = ModelCard(
        features,
        tuple(feature.name for feature in schema if feature not in features),
        best_f1_threshold(splits["validation"][1], scores["validation"]),
        baseline_of(np.concatenate(list(scores.values()))),
    )
    save(Model(booster, card), model_folder)
    for path in serving_files(Path(__file__).resolve().parent):
        shutil.copyfile(path, model_folder / "code" / path.name)
    print(f"kept {booster.num_boosted_rounds()} rounds on {len(features)} features, threshold {card.threshold}")


if __name__ == "__main__":
    sys.exit(exit_code(train))
