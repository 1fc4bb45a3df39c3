"""A stand-in to measure: a process of its own with an endpoint `e` on it, and the processes that belong to it."""

import contextlib
import io
import json
import os
import tarfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3.session
import numpy as np
import psutil
import xgboost

from tests.functional.conftest import exports, interrupt, start

FEATURES, TREES, DEPTH = 17, 200, 6
MODEL = f"{TREES} trees of depth {DEPTH}, {FEATURES} features"
SCRIPT = {"SAGEMAKER_PROGRAM": "inference.py", "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code"}
_ROLE = "arn:aws:iam::111122223333:role/bench"
_STEPS = Path(__file__).parents[1] / "steps"


@dataclass(frozen=True)
class Model:
    """A model.tar.gz, the environment that chooses how it is served, and a request of one row."""

    archive: bytes
    environment: Mapping[str, str]
    row: bytes


def bare() -> Model:
    """`xgboost-model` alone: algorithm mode."""
    booster, row = _booster()
    return Model(_tar({"xgboost-model": booster}), {}, row)


def scripted() -> Model:
    """The same trees, served by the project's own inference script, which takes a header line."""
    booster, row = _booster()
    features = [{"name": name, "type": "number", "nullable": False} for name in _names()]
    card: dict[str, Any] = {"format": 1, "features": features, "ignored": [], "threshold": 0.5}
    card["score_baseline"] = {"edges": [0.5], "shares": [0.5, 0.5]}
    code = {f"code/{path.name}": path.read_bytes() for path in sorted(_STEPS.glob("*.py"))}
    files = {"xgboost-model": booster, "code/model.json": json.dumps(card).encode(), **code}
    return Model(_tar(files), SCRIPT, ",".join(_names()).encode() + b"\n" + row)


class Account:
    """The stand-in as its clients and this machine see it."""

    def __init__(self, environment: Mapping[str, str], pid: int) -> None:
        self.url = environment["AWS_ENDPOINT_URL"]
        self.process = psutil.Process(pid)
        self._session = boto3.session.Session(
            environment["AWS_ACCESS_KEY_ID"], environment["AWS_SECRET_ACCESS_KEY"], region_name="us-east-1"
        )

    @property
    def invocations(self) -> str:
        """Where `e` is invoked."""
        return f"{self.url}/endpoints/e/invocations"

    def client(self, service: str) -> Any:
        """A boto3 client."""
        return self._session.client(service, endpoint_url=self.url)

    def serve(self, model: Model, config: str, count: int) -> None:
        """An endpoint `e` of so many instances, waited for."""
        self.config(model, config, count)
        self.client("sagemaker").create_endpoint(EndpointName="e", EndpointConfigName=config)
        self.settled()

    def config(self, model: Model, name: str, count: int) -> None:
        """An endpoint config of the model."""
        s3, sagemaker = self.client("s3"), self.client("sagemaker")
        s3.create_bucket(Bucket="bench")
        s3.put_object(Bucket="bench", Key=f"{name}/model.tar.gz", Body=model.archive)
        container = {
            "Image": "sagemaker-xgboost:3.2-0",
            "ModelDataUrl": f"s3://bench/{name}/model.tar.gz",
            "Environment": dict(model.environment),
        }
        sagemaker.create_model(ModelName=name, ExecutionRoleArn=_ROLE, PrimaryContainer=container)
        variant = {"VariantName": "AllTraffic", "ModelName": name, "InstanceType": "ml.m5.large"}
        sagemaker.create_endpoint_config(
            EndpointConfigName=name,
            ProductionVariants=[{**variant, "InitialInstanceCount": count, "InitialVariantWeight": 1}],
        )

    def settled(self) -> Mapping[str, Any]:
        """DescribeEndpoint of `e` once nothing is being done to it."""
        sagemaker = self.client("sagemaker")
        while (said := sagemaker.describe_endpoint(EndpointName="e"))["EndpointStatus"] not in ("InService", "Failed"):
            time.sleep(0.1)
        if said["EndpointStatus"] == "Failed":
            raise RuntimeError(said["FailureReason"])
        return dict(said)

    def workers(self) -> dict[int, int]:
        """The ports of the model servers, by process id."""
        found = {}
        for process in self.process.children(recursive=True):
            for connection in process.net_connections("tcp"):
                if connection.status == psutil.CONN_LISTEN:
                    found[process.pid] = connection.laddr.port
        return found


@contextlib.contextmanager
def running(speed: float = 1.0) -> Iterator[Account]:
    """A stand-in until the block ends."""
    process = start("up", "--port", "0", "--speed", f"{speed:g}")
    try:
        yield Account(exports(process), process.pid)
    finally:
        interrupt(process)


def _names() -> list[str]:
    return [f"f{number}" for number in range(FEATURES)]


def _booster() -> tuple[bytes, bytes]:
    rng = np.random.default_rng(7)
    rows = rng.random((5000, FEATURES))
    late = rows[:, 0] + rows[:, 1] * rows[:, 2] + rng.normal(0, 0.3, len(rows)) > 0.8
    data = xgboost.DMatrix(rows, late, feature_names=_names())
    booster = xgboost.train(
        {"objective": "binary:logistic", "max_depth": DEPTH, "nthread": os.cpu_count()}, data, TREES
    )
    return bytes(booster.save_raw("ubj")), ",".join(f"{value:.4f}" for value in rows[0]).encode()


def _tar(files: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return buffer.getvalue()
