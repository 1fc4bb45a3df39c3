"""SageMaker Processing: a trained model and the test months -> evaluation.json and report.html.

Looks up the champion itself, at the moment of judging, and scores it on the same rows. Runs no code of either archive
but XGBoost's model file. Never decides by the report: the pipeline's condition reads the same numbers and limits.
"""

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from artifact import unpack
from champion import Champion, Registry, Storage, fetch, find_champion
from evaluation import Limits, Scored, evaluation
from evaluation_report import report
from features import CATEGORY, Feature, encode
from flights import SCHEDULED
from model import Model, load
from problems import Problem, exit_code
from split_files import Columns, read_split, split_header

SLICED_BY = ("carrier",)


def parse_arguments(arguments: Sequence[str]) -> argparse.Namespace:
    """The command line of the job."""
    parser = argparse.ArgumentParser(description="Judge a model on the test months, beside the champion.")
    parser.add_argument("--model", type=Path, required=True, help="folder that holds model.tar.gz")
    parser.add_argument("--test", type=Path, required=True, help="folder that holds test.csv")
    parser.add_argument("--model-package-group", required=True, help="where the champion is looked up")
    parser.add_argument("--min-auc", type=float, required=True)
    parser.add_argument("--max-auc-drop", type=float, required=True)
    parser.add_argument("--evaluation-out", type=Path, required=True)
    return parser.parse_args(arguments)


def evaluate(given: argparse.Namespace, registry: Registry, storage: Storage) -> dict[str, Any]:
    """Do the job with the clients handed in. Returns what evaluation.json holds; a failed gate is no error."""
    champion = find_champion(registry, given.model_package_group)
    with tempfile.TemporaryDirectory() as scratch:
        challenger_model = _unpacked(given.model / "model.tar.gz", Path(scratch) / "challenger")
        champion_model = _champion_model(storage, champion, Path(scratch)) if champion else None
    if champion and champion_model:
        _require_comparable(given.test, champion, champion_model)
    columns, labels = read_split(given.test, "test", _needed(challenger_model, champion_model))
    if len(np.unique(labels)) < 2:
        raise Problem(f"{given.test / 'test.csv'} holds one class only: an AUC needs late and punctual flights.")
    slices = {
        "month": np.array([text[:7] for text in columns[SCHEDULED]]),
        **{name: columns[name] for name in SLICED_BY},
    }
    content = evaluation(
        labels,
        slices,
        _scored(challenger_model, columns),
        _scored(champion_model, columns) if champion_model else None,
        Limits(given.min_auc, given.max_auc_drop),
        champion.arn if champion else "",
    )
    given.evaluation_out.mkdir(parents=True, exist_ok=True)
    (given.evaluation_out / "evaluation.json").write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    (given.evaluation_out / "report.html").write_text(report(content), encoding="utf-8")
    return content


def _unpacked(archive: Path, folder: Path) -> Model:
    unpack(archive, folder)
    return load(folder, threads=os.cpu_count() or 1)


def _champion_model(storage: Storage, champion: Champion, scratch: Path) -> Model:
    archive = scratch / "champion.tar.gz"
    fetch(storage, champion, archive)
    return _unpacked(archive, scratch / "champion")


def _require_comparable(test: Path, champion: Champion, model: Model) -> None:
    header = split_header(test / "test.csv")
    for feature in model.card.features:
        if feature.name not in header:
            raise Problem(
                f"The champion {champion.arn} was trained on {feature.name!r}, which test.csv lacks, so the two cannot "
                f"be compared: let preprocess write it until a model without it is live (train takes exclude_features)."
            )


def _needed(*models: Model | None) -> list[Feature]:
    features = {name: Feature(name, CATEGORY) for name in (SCHEDULED, *SLICED_BY)}
    for model in models:
        features |= {feature.name: feature for feature in (model.card.features if model else ())}
    return list(features.values())


def _scored(model: Model, columns: Columns) -> Scored:
    return Scored(model.probabilities(encode(columns, model.card.features)), model.card.threshold)


def summary(content: Mapping[str, Any]) -> str:
    """The outcome in a line for the job's log."""
    return f"gate {'passed' if content['gate']['passed'] else 'FAILED'}: {content['gate']['reason']}"


def main() -> None:
    """The job, from its command line."""
    given = parse_arguments(sys.argv[1:])
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        region = os.environ.get("AWS_REGION")  # boto3 itself reads AWS_DEFAULT_REGION only
        clients = boto3.client("sagemaker", region_name=region), boto3.client("s3", region_name=region)
        content = evaluate(given, *clients)
    except (BotoCoreError, ClientError) as error:
        raise Problem(
            f"The champion of {given.model_package_group} could not be looked up or fetched: {error}"
        ) from error
    print(summary(content))  # the job's log


if __name__ == "__main__":
    sys.exit(exit_code(main))
