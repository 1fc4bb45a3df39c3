"""Runs the steps as SageMaker does: processes of their own, with arguments and SM_* variables."""

import os
import subprocess
import sys
import tarfile
from pathlib import Path

STEPS = Path(__file__).resolve().parents[3] / "steps"
MONTHS = range(1, 6)
WINDOWS = {"train": "2013-01:2013-03", "validation": "2013-04:2013-04", "test": "2013-05:2013-05"}


def run_step(script, *arguments, **environment):
    """Run a step as SageMaker does: a process of its own, judged by its exit code."""
    return subprocess.run(
        [sys.executable, str(STEPS / script), *map(str, arguments)],
        env={**os.environ, "OMP_WAIT_POLICY": "PASSIVE", **{name: str(value) for name, value in environment.items()}},
        capture_output=True,
        text=True,
        check=False,
    )


def preprocess_arguments(raw, out, **windows):
    """The command line of preprocess for `raw`, with outputs below `out`."""
    months = WINDOWS | windows
    return [
        "--raw",
        raw,
        *(part for split in months for part in (f"--{split}-months", months[split])),
        *(part for output in (*months, "baseline") for part in (f"--{output}-out", out / output)),
    ]


def packed(model, archive):
    """A model.tar.gz of the folder `model`, as a training job leaves it."""
    archive.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(model, arcname=".")
    return archive


def training_environment(prepared, model):
    """The SM_* variables of a training job on the outputs of preprocess."""
    channels = {f"SM_CHANNEL_{name.upper()}": str(prepared / name) for name in ("train", "validation", "baseline")}
    folders = {"SM_MODEL_DIR": str(model), "SM_OUTPUT_DIR": str(model.parent / "output"), "SM_NUM_CPUS": "2"}
    return channels | folders
