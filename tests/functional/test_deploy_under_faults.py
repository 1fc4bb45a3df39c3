"""`deploy apply` while AWS's API fails as it does on a bad day: it ends where it should, and nothing is there twice."""

import json
import subprocess
import sys
import threading

import pytest

from tests.functional.account import ROLE, Account
from tests.functional.conftest import ROOT, exports, interrupt, start

GROUP, ENDPOINT = "flights", "flights-staging"
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


class Deployer(Account):
    """An account, and the deploy command in a process and with an access key of its own."""

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
        account = Deployer({**exports(process), "SAGEMAKER_EXECUTION_ROLE_ARN": ROLE})
        account.group(GROUP)
        first = account.apply(account.package(GROUP), *FIRST)
        over = threading.Event()

        def send() -> None:
            while not over.is_set():
                account.runtime.invoke_endpoint(EndpointName=ENDPOINT, Body=b"1", ContentType="text/csv")

        sender = threading.Thread(target=send)
        sender.start()
        try:
            second = account.apply(account.package(GROUP), *SECOND)
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
