"""Faults of a stand-in that runs, set from outside as a person or a rehearsal in another process sets them."""

import json
import urllib.error
import urllib.request

import pytest


@pytest.fixture
def fault(standin):
    """Sends a request to /_rehearsal/fault; whatever is set is ended afterwards."""

    def send(method: str, body: object = None, query: str = "") -> object:
        url = f"{standin['AWS_ENDPOINT_URL']}/_rehearsal/fault{query}"
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        request = urllib.request.Request(url, data, method=method)  # noqa: S310 - http, as the stand-in said
        with urllib.request.urlopen(request) as answer:  # noqa: S310 - same
            return json.load(answer)["faults"]

    yield send
    send("DELETE")


def test_faults_are_set_several_at_once_listed_and_ended(fault):
    put = [{"fault": "errors:0.3", "target": "arn:one"}, {"fault": "slow:5"}]
    listed = [
        {"fault": "errors:0.3", "scope": "container", "target": "arn:one"},
        {"fault": "slow:5", "scope": "container", "target": None},
    ]
    assert fault("PUT", put) == fault("GET") == listed
    assert fault("DELETE", query="?fault=slow:5") == listed[:1]
    assert fault("DELETE") == []


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ([{"fault": "slow:5"}, {"fault": "eror:1"}], "did you mean errors:RATE"),
        ([{"target": "arn:one"}], "Write {"),
        ("slow:5", "Write {"),
        (b"not JSON", "Write {"),
    ],
)
def test_a_request_with_something_wrong_sets_nothing(fault, body, said):
    with pytest.raises(urllib.error.HTTPError) as refused:
        fault("PUT", body)
    assert refused.value.code == 400
    assert said in json.load(refused.value)["message"]
    assert fault("GET") == []
