"""`deploy apply` while AWS's API fails as it does on a bad day: it ends where it should, and nothing is there twice."""

import io
import json
import subprocess
import sys
import tarfile
import threading
import urllib.request

import boto3.session
import pytest
from botocore.config import Config

from tests.functional.conftest import ROOT, exports, interrupt, start

GROUP, ENDPOINT = "flights", "flights-staging"
CODE = """
def model_fn(folder):
    return "model"
def transform_fn(model, data, content_type, accept):
    return "0.5", "text/csv"
"""
FIRST = (
    "lost:CreateModel",
    "lost:CreateEndpointConfig",
    "lost:CreateEndpoint",
    "throttle:DescribeModelPackage:first-2",
)
SECOND = (
    "lost:CreateModel",
    "lost:CreateEndpointConfig",
    "lost:UpdateEndpoint",
    "lost:UpdateModelPackage",
    "throttle:PutMetricAlarm:first-2",
    "broken:DescribeAlarms:first",
    "throttle:DescribeEndpoint:0.1:5",
    "broken:HeadObject:first",
)


class Account:
    """A stand-in with approved packages, and the deploy command in a process and with an access key of its own."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.environment = environment
        self.sagemaker, self.runtime, self.s3, self.cloudwatch = map(
            self.client, ("sagemaker", "sagemaker-runtime", "s3", "cloudwatch")
        )
        self.s3.create_bucket(Bucket=GROUP)
        self.sagemaker.create_model_package_group(ModelPackageGroupName=GROUP)

    def client(self, service: str):
        keys = (self.environment["AWS_ACCESS_KEY_ID"], self.environment["AWS_SECRET_ACCESS_KEY"])
        session = boto3.session.Session(*keys, region_name=self.environment["AWS_REGION"])
        config = Config(s3={"addressing_style": "path"})
        return session.client(service, endpoint_url=self.environment["AWS_ENDPOINT_URL"], config=config)

    def package(self) -> str:
        """An approved version whose model is CODE."""
        data = io.BytesIO()
        with tarfile.open(fileobj=data, mode="w:gz") as tar:
            info = tarfile.TarInfo("code/inference.py")
            info.size = len(CODE)
            tar.addfile(info, io.BytesIO(CODE.encode()))
        self.s3.put_object(Bucket=GROUP, Key="model.tar.gz", Body=data.getvalue())
        container = {
            "Image": "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:3.2-0",
            "ModelDataUrl": f"s3://{GROUP}/model.tar.gz",
            "Environment": {
                "SAGEMAKER_PROGRAM": "inference.py",
                "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code",
            },
        }
        return self.sagemaker.create_model_package(
            ModelPackageGroupName=GROUP,
            ModelApprovalStatus="Approved",
            InferenceSpecification={
                "Containers": [container],
                "SupportedContentTypes": ["text/csv"],
                "SupportedResponseMIMETypes": ["text/csv"],
            },
        )["ModelPackageArn"]

    def apply(self, package: str, *faults: str) -> tuple[int, dict, str]:
        """Exit code, result and progress of `deploy apply` with these faults in its calls alone."""
        self.faults("DELETE")
        self.faults("PUT", [{"fault": fault, "target": "deployer"} for fault in faults])
        asked = ["--stage", "staging", "--model-package", package, "--set", f"endpoint.name={ENDPOINT}", "--json"]
        ended = subprocess.run(
            [sys.executable, "-m", "deploy", "apply", *asked],
            cwd=ROOT,
            env={**self.environment, "AWS_ACCESS_KEY_ID": "deployer"},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        unused = [shown["fault"] for shown in self.faults("GET") if not shown["happened"]]
        assert not unused, f"{unused} never happened: {ended.stderr}"
        return ended.returncode, json.loads(ended.stdout or "{}"), ended.stderr

    def faults(self, method: str, body: object = None) -> list[dict]:
        """Ask /_rehearsal/fault."""
        url = f"{self.environment['AWS_ENDPOINT_URL']}/_rehearsal/fault"
        request = urllib.request.Request(url, json.dumps(body).encode(), method=method)  # noqa: S310 - http
        with urllib.request.urlopen(request) as answer:  # noqa: S310 - same
            return json.load(answer)["faults"]

    def there_are(self) -> dict[str, list[str]]:
        """The names of everything that a rollout makes."""
        return {
            "models": [m["ModelName"] for m in self.sagemaker.list_models()["Models"]],
            "configs": [c["EndpointConfigName"] for c in self.sagemaker.list_endpoint_configs()["EndpointConfigs"]],
            "endpoints": [e["EndpointName"] for e in self.sagemaker.list_endpoints()["Endpoints"]],
        }


@pytest.fixture(scope="module")
def rolled_out():
    """A first version created and a second one promoted by a canary, both under faults."""
    process = start("up", "--port", "0", "--speed", "240")
    try:
        account = Account({**exports(process), "SAGEMAKER_EXECUTION_ROLE_ARN": "arn:aws:iam::111122223333:role/e"})
        first = account.apply(account.package(), *FIRST)
        over = threading.Event()

        def send() -> None:
            while not over.is_set():
                account.runtime.invoke_endpoint(EndpointName=ENDPOINT, Body=b"1", ContentType="text/csv")

        sender = threading.Thread(target=send)
        sender.start()
        try:
            second = account.apply(account.package(), *SECOND)
        finally:
            over.set()
            sender.join()
        yield account, first, second
    finally:
        interrupt(process)


def test_the_first_version_is_created(rolled_out):
    _, (code, result, said), _ = rolled_out
    assert (code, result["outcome"]) == (0, "created"), said


def test_the_canary_is_promoted(rolled_out):
    _, _, (code, result, said) = rolled_out
    assert (code, result["outcome"]) == (0, "promoted"), said


def test_nothing_was_made_twice(rolled_out):
    account, _, _ = rolled_out
    assert {kind: len(names) for kind, names in account.there_are().items()} == {
        "models": 2,
        "configs": 2,
        "endpoints": 1,
    }


def test_the_registry_says_which_version_is_live(rolled_out):
    account, _, _ = rolled_out
    packages = account.sagemaker.list_model_packages(ModelPackageGroupName=GROUP)["ModelPackageSummaryList"]
    statuses = {package["ModelPackageVersion"]: package["ModelLifeCycle"]["StageStatus"] for package in packages}
    assert statuses == {1: "Archived", 2: "Live"}
