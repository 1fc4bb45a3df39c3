"""An account on the stand-in with versions to release: small script-mode models, registered and approved."""

import io
import json
import tarfile
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3.session
from botocore.config import Config

ROLE = "arn:aws:iam::111122223333:role/endpoint"
CODE = """
def model_fn(folder):
    return "model"
def transform_fn(model, data, content_type, accept):
    return "0.5", "text/csv"
"""


class Account:
    """What a data scientist and an endpoint's callers do; `environment` is what `python -m local up` prints."""

    def __init__(self, environment: dict[str, str], bucket: str = "models") -> None:
        self.environment = environment
        self.bucket = bucket
        self.sagemaker, self.runtime, self.s3, self.cloudwatch = map(
            self.client, ("sagemaker", "sagemaker-runtime", "s3", "cloudwatch")
        )
        self.s3.create_bucket(Bucket=bucket)

    def client(self, service: str) -> Any:
        """A client of its own for whoever asks."""
        keys = (self.environment["AWS_ACCESS_KEY_ID"], self.environment["AWS_SECRET_ACCESS_KEY"])
        session = boto3.session.Session(*keys, region_name=self.environment["AWS_REGION"])
        config = Config(s3={"addressing_style": "path"}, retries={"max_attempts": 0})
        return session.client(service, endpoint_url=self.environment["AWS_ENDPOINT_URL"], config=config)

    def group(self, name: str) -> None:
        """A model package group."""
        self.sagemaker.create_model_package_group(ModelPackageGroupName=name)

    def package(self, group: str, data: bytes | None = None) -> str:
        """An approved version of the group, whose model is CODE unless other data are given."""
        key = f"{group}/model.tar.gz"
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=archive(CODE) if data is None else data)
        container = {
            "Image": "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:3.2-0",
            "ModelDataUrl": f"s3://{self.bucket}/{key}",
            "Environment": {
                "SAGEMAKER_PROGRAM": "inference.py",
                "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code",
            },
        }
        return self.sagemaker.create_model_package(
            ModelPackageGroupName=group,
            ModelApprovalStatus="Approved",
            InferenceSpecification={
                "Containers": [container],
                "SupportedContentTypes": ["text/csv"],
                "SupportedResponseMIMETypes": ["text/csv"],
            },
        )["ModelPackageArn"]

    def faults(self, method: str, body: object = None) -> list[dict[str, Any]]:
        """Ask /_rehearsal/fault."""
        url = f"{self.environment['AWS_ENDPOINT_URL']}/_rehearsal/fault"
        request = urllib.request.Request(url, json.dumps(body).encode(), method=method)  # noqa: S310 - http
        with urllib.request.urlopen(request) as answer:  # noqa: S310 - same
            return json.load(answer)["faults"]

    @contextmanager
    def traffic(self, endpoint: str, pause: float = 0.0) -> Iterator[list[str]]:
        """Callers, one request after the other with a pause (real seconds) between; what they saw fail."""
        over, failed, runtime = threading.Event(), list[str](), self.client("sagemaker-runtime")

        def send() -> None:
            while not over.wait(pause):
                try:
                    runtime.invoke_endpoint(EndpointName=endpoint, Body=b"1", ContentType="text/csv")
                except runtime.exceptions.ModelError as error:
                    failed.append(str(error))

        sender = threading.Thread(target=send)
        sender.start()
        try:
            yield failed
        finally:
            over.set()
            sender.join()


def archive(code: str) -> bytes:
    """A model.tar.gz with code/inference.py."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:gz") as tar:
        info = tarfile.TarInfo("code/inference.py")
        info.size = len(code)
        tar.addfile(info, io.BytesIO(code.encode()))
    return data.getvalue()
