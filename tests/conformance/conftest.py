"""Which account the suite asks, and the resources that its tests share.

By default a stand-in, started as a user starts it; with AWS_CONFORMANCE=1 the account that boto3 finds by itself.
"""

import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import boto3.session
import pytest

from tests.conformance.account import Account
from tests.conformance.resources import Resources
from tests.functional.conftest import exports, interrupt, start

SPEED = "300"
FOLDER = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every test of this folder can run in an account: `-m aws_account` chooses them."""
    for item in items:
        if item.path.is_relative_to(FOLDER):
            item.add_marker("aws_account")


@pytest.fixture(scope="session")
def account() -> Iterator[Account]:
    """The account that is asked."""
    prefix = f"conformance-{uuid.uuid4().hex[:8]}"
    if os.environ.get("AWS_CONFORMANCE") == "1":
        yield _real_account(prefix)
        return
    process = start("up", "--port", "0", "--speed", SPEED)
    try:
        yield _standin(prefix, exports(process))
    finally:
        interrupt(process)


@pytest.fixture(scope="module")
def resources(account: Account, request: pytest.FixtureRequest) -> Iterator[Resources]:
    """What makes resources for the tests of a file, and deletes them after the last one."""
    made = Resources(account, request.path.stem.removeprefix("test_").replace("_", "-"))
    yield made
    made.close()


@pytest.fixture
def sagemaker(account: Account):
    """The client that most tests ask."""
    return account.client("sagemaker")


@pytest.fixture(scope="module")
def shared() -> dict[str, str]:
    """The name of the endpoint that tests of a file share; `endpoint` hands it out."""
    return {}


@pytest.fixture
def endpoint(account: Account, resources: Resources, shared: dict[str, str]) -> str:
    """An endpoint that is InService with two instances of one variant, whatever it ran before.

    A test may update it, and leaves it with nothing under way.
    """
    if shared and account.settled(shared["name"])["EndpointStatus"] == "InService":
        return shared["name"]
    shared["name"] = resources.endpoint(resources.config())
    assert account.settled(shared["name"])["EndpointStatus"] == "InService"
    return shared["name"]


def _real_account(prefix: str) -> Account:
    names = ("CONFORMANCE_ROLE_ARN", "CONFORMANCE_BUCKET", "CONFORMANCE_IMAGE")
    missing = [name for name in names if not os.environ.get(name)]
    if missing:
        pytest.exit(f"AWS_CONFORMANCE=1 needs {', '.join(missing)}: docs/conformance.md says what they are.", 2)
    role, bucket, image = (os.environ[name] for name in names)
    speed = float(os.environ.get("AWS_CLOCK_SPEED", "1"))
    return Account(boto3.session.Session(), role, bucket, image, prefix, speed)


def _standin(prefix: str, exported: dict[str, str]) -> Account:
    session = boto3.session.Session(
        exported["AWS_ACCESS_KEY_ID"], exported["AWS_SECRET_ACCESS_KEY"], region_name=exported["AWS_REGION"]
    )
    role, bucket = "arn:aws:iam::111122223333:role/conformance", f"{prefix}-bucket"
    image = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:3.2-0"
    speed, url = float(exported["AWS_CLOCK_SPEED"]), exported["AWS_ENDPOINT_URL"]
    account = Account(session, role, bucket, image, prefix, speed, url)
    account.client("s3").create_bucket(Bucket=bucket)
    return account
