"""moto behind the front: one account, one clock."""

import boto3.session
import pytest

from local.clock import Clock
from local.context import ACCOUNT
from local.moto import Moto


class Ahead(Clock):
    """A clock that has run fast for a long time."""

    def time(self):
        return super().time() + 10 * 3600


@pytest.fixture
def client():
    moto = Moto(Ahead())
    keys = {"aws_access_key_id": "a", "aws_secret_access_key": "b", "region_name": "us-east-1"}
    yield lambda service: boto3.session.Session().client(service, endpoint_url=moto.url, **keys)
    moto.stop()


def test_moto_is_of_the_same_account(client):
    assert client("sts").get_caller_identity()["Account"] == ACCOUNT


def test_log_events_are_new_and_old_by_awss_clock(client):
    logs = client("logs")
    logs.create_log_group(logGroupName="g")
    logs.create_log_stream(logGroupName="g", logStreamName="s")
    event = {"timestamp": int(Ahead().time() * 1000), "message": "now"}
    logs.put_log_events(logGroupName="g", logStreamName="s", logEvents=[event])
    assert [e["message"] for e in logs.get_log_events(logGroupName="g", logStreamName="s")["events"]] == ["now"]
