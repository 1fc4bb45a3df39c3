"""Data capture: where the lines of requests and answers lie in S3, and what a line says."""

import base64
import json
import re

import pytest

from tests.conformance.resources import VARIANT, variant


@pytest.fixture(scope="module")
def captured(account, resources):
    """An endpoint that captured two requests: its name, the capture folder's key, and the lines by inference id."""
    uri = resources.folder("capture")
    config = resources.config(
        variant(resources.model(), count=1),
        DataCaptureConfig={
            "EnableCapture": True,
            "InitialSamplingPercentage": 100,
            "DestinationS3Uri": uri,
            "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
            "CaptureContentTypeHeader": {"CsvContentTypes": ["text/csv"]},
        },
    )
    endpoint = resources.endpoint(config)
    account.settled(endpoint)
    account.invoke(endpoint, "1,2", InferenceId="declared")
    account.invoke(endpoint, b"\x00\x01", InferenceId="undeclared", ContentType="application/octet-stream")
    prefix = uri.removeprefix(f"s3://{account.bucket}/")

    def lines():
        found = {}
        for key in _keys(account, prefix):
            text = account.client("s3").get_object(Bucket=account.bucket, Key=key)["Body"].read().decode()
            for line in map(json.loads, text.splitlines()):
                found[line["eventMetadata"]["inferenceId"]] = line
        return found if len(found) == 2 else None

    return endpoint, prefix, account.until(lines, within=1800)


def _keys(account, prefix):
    listed = account.client("s3").list_objects_v2(Bucket=account.bucket, Prefix=f"{prefix}/")
    return [item["Key"] for item in listed.get("Contents", [])]


@pytest.mark.aws(
    "Data capture", "DescribeEndpoint says that capture has started, and its share", "API: DescribeEndpoint"
)
def test_capture_is_shown(account, captured):
    endpoint, prefix, _ = captured
    shown = account.endpoint(endpoint)["DataCaptureConfig"]
    assert (shown["EnableCapture"], shown["CaptureStatus"], shown["CurrentSamplingPercentage"]) == (
        True,
        "Started",
        100,
    )
    assert shown["DestinationS3Uri"].rstrip("/") == f"s3://{account.bucket}/{prefix}"


@pytest.mark.aws(
    "Data capture", "Files lie at endpoint/variant/yyyy/mm/dd/hh, in UTC", "Developer guide: Capture data from endpoint"
)
def test_files_lie_by_endpoint_variant_and_hour(account, captured):
    endpoint, prefix, lines = captured
    hours = {re.sub(r"[-T]", "/", line["eventMetadata"]["inferenceTime"][:13]) for line in lines.values()}
    for key in _keys(account, prefix):
        folder, _, name = key.removeprefix(f"{prefix}/").rpartition("/")
        assert folder in {f"{endpoint}/{VARIANT}/{hour}" for hour in hours}
        assert name.endswith(".jsonl")


@pytest.mark.aws(
    "Data capture",
    "A line holds the request, the answer, their content types, the inference id and the time",
    "Developer guide: Capture data from endpoint",
)
def test_a_line_holds_the_request_and_the_answer(captured):
    line = captured[2]["declared"]
    assert line["eventVersion"] == "0"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", line["eventMetadata"]["inferenceTime"])
    assert line["eventMetadata"]["eventId"]
    given, answered = line["captureData"]["endpointInput"], line["captureData"]["endpointOutput"]
    assert given == {"observedContentType": "text/csv", "mode": "INPUT", "data": "1,2", "encoding": "CSV"}
    assert (answered["mode"], answered["encoding"]) == ("OUTPUT", "CSV")
    assert answered["observedContentType"].startswith("text/csv")
    assert answered["data"].endswith(":1,2")


@pytest.mark.aws(
    "Data capture", "What has a content type that is not declared is kept as BASE64", "API: CaptureContentTypeHeader"
)
def test_an_undeclared_content_type_is_kept_as_base64(captured):
    given = captured[2]["undeclared"]["captureData"]["endpointInput"]
    assert given["encoding"] == "BASE64"
    assert base64.b64decode(given["data"]) == b"\x00\x01"
