"""What data capture keeps of a request, and the line of JSON it becomes."""

import base64
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from local.hosting.capture_plan import CapturePlan, line
from local.hosting.dice import Croupier, Dice
from local.hosting.exchange import Exchange, Reply

AT = datetime(2022, 2, 14, 17, 25, 49, 999_000, tzinfo=UTC)
TYPES = {"CsvContentTypes": ["text/csv"], "JsonContentTypes": ["application/json"]}


def plan(modes: tuple[str, ...] = ("Input", "Output"), *, failures: Any = "no", **members: Any) -> CapturePlan:
    config = {
        "InitialSamplingPercentage": 100,
        "DestinationS3Uri": "s3://bucket/captured",
        "CaptureOptions": [{"CaptureMode": mode} for mode in modes],
        "CaptureContentTypeHeader": TYPES,
    }
    return CapturePlan.of({**config, **members}, failures)


def exchange(
    body: bytes = b"1,2\n",
    content_type: str = "text/csv",
    answer: bytes = b"0.5",
    answer_type: str = "text/csv; charset=utf-8",
    status: int = 200,
    **headers: str,
) -> Exchange:
    asked = CIMultiDict({"content-type": content_type, **{k.replace("_", "-"): v for k, v in headers.items()}})
    return Exchange(
        "an-id", body, asked, Reply(status, CIMultiDict({"Content-Type": answer_type}), answer, 0.01), Dice("a request")
    )


def parsed(plan: CapturePlan, exchange: Exchange) -> dict[str, Any]:
    return dict(json.loads(line(plan, exchange, AT)))


@pytest.mark.aws(
    "Data capture",
    "A captured request is a line of JSON with the members, order and formats of the developer guide's sample",
    "Developer guide: Capture data from real-time endpoint",
)
def test_a_line_is_the_developer_guides_to_the_byte():
    assert line(plan(), exchange(), AT) == (
        b'{"captureData":{"endpointInput":{"observedContentType":"text/csv","mode":"INPUT","data":"1,2\\n",'
        b'"encoding":"CSV"},"endpointOutput":{"observedContentType":"text/csv; charset=utf-8","mode":"OUTPUT",'
        b'"data":"0.5","encoding":"CSV"}},"eventMetadata":{"eventId":"an-id","inferenceTime":"2022-02-14T17:25:49Z"},'
        b'"eventVersion":"0"}\n'
    )


@pytest.mark.aws(
    "Data capture",
    "eventMetadata has the InferenceId and the CustomAttributes that the request was sent with",
    "API: InvokeEndpoint; developer guide: Preprocessing and Postprocessing",
)
def test_what_names_the_request_is_in_the_metadata():
    sent = {"X_Amzn_SageMaker_Inference_Id": "flight-7", "X_Amzn_SageMaker_Custom_Attributes": "trace=1"}
    metadata = parsed(plan(), exchange(**sent))["eventMetadata"]
    assert (metadata["inferenceId"], metadata["customAttributes"]) == ("flight-7", ["trace=1"])


@pytest.mark.aws(
    "Data capture",
    "Data are text where CaptureContentTypeHeader declares the content type, whatever its parameters, or else base64",
    "API: CaptureContentTypeHeader",
)
@pytest.mark.parametrize(
    ("content_type", "types", "encoding"),
    [
        ("text/csv", TYPES, "CSV"),
        ("Text/CSV; charset=utf-8", TYPES, "CSV"),
        ("application/json", TYPES, "JSON"),
        ("application/json", {"CsvContentTypes": ["text/csv"]}, "BASE64"),
        ("application/octet-stream", TYPES, "BASE64"),
        ("text/csv", {}, "BASE64"),
    ],
)
def test_the_encoding_follows_the_declared_content_types(content_type, types, encoding):
    captured = parsed(plan(CaptureContentTypeHeader=types), exchange(b"[1]", content_type))["captureData"]
    data = captured["endpointInput"]["data"]
    assert captured["endpointInput"]["encoding"] == encoding
    assert (base64.b64decode(data).decode() if encoding == "BASE64" else data) == "[1]"


@given(st.binary(), st.sampled_from(["text/csv", "application/json", "application/x-npy", ""]))
def test_every_body_is_captured_whole_even_when_it_is_not_the_text_it_says(body, content_type):
    captured = parsed(plan(), exchange(body, content_type))["captureData"]["endpointInput"]
    data = captured["data"]
    assert (base64.b64decode(data) if captured["encoding"] == "BASE64" else data.encode()) == body


@pytest.mark.aws("Data capture", "CaptureOptions choose which side is captured", "API: CaptureOption")
@pytest.mark.parametrize(
    ("modes", "sides"),
    [
        (("Input",), {"endpointInput"}),
        (("Output",), {"endpointOutput"}),
        (("Input", "Output"), {"endpointInput", "endpointOutput"}),
        (("InputAndOutput",), {"endpointInput", "endpointOutput"}),
    ],
)
def test_only_the_sides_asked_for_are_captured(modes, sides):
    assert set(parsed(plan(modes), exchange())["captureData"]) == sides


@pytest.mark.aws(
    "Data capture",
    "The object is prefix/endpoint/variant/yyyy/mm/dd/hh/file.jsonl, the hour in UTC",
    "Developer guide: Capture data from real-time endpoint",
)
@pytest.mark.parametrize(
    ("uri", "prefix"), [("s3://bucket/captured", "captured/"), ("s3://bucket/a/b/", "a/b/"), ("s3://bucket", "")]
)
def test_the_key_is_laid_out_by_endpoint_variant_and_hour(uri, prefix):
    chosen = plan(DestinationS3Uri=uri)
    assert chosen.bucket == "bucket"
    assert chosen.key("e", "AllTraffic", AT, "f.jsonl") == f"{prefix}e/AllTraffic/2022/02/14/17/f.jsonl"


@pytest.mark.aws(
    "Data capture",
    "InitialSamplingPercentage is the share of requests that is captured; EnableCapture false captures none",
    "API: DataCaptureConfig",
)
def test_the_percentage_is_the_share_that_is_captured():
    croupier = Croupier(7)

    def captured(**members: Any) -> int:
        chosen = plan(**members)
        return sum(chosen.takes(exchange(), croupier.dice("e").roll("capture")) for _ in range(1000))

    assert captured() == 1000
    assert captured(InitialSamplingPercentage=0) == captured(EnableCapture=False) == 0
    assert 150 < captured(InitialSamplingPercentage=20) < 250


@pytest.mark.parametrize("status", [0, 400, 500])
def test_a_failed_invocation_is_captured_only_under_that_reading(status):
    failed = exchange(status=status)
    assert not plan().takes(failed, 0.0)
    chosen = plan(failures="yes")
    assert chosen.takes(failed, 0.0)
    assert ("endpointOutput" in parsed(chosen, failed)["captureData"]) == bool(status)


@pytest.mark.aws(
    "Data capture",
    "DescribeEndpoint's DataCaptureConfig says whether capture is enabled and works, and where it goes",
    "API: DataCaptureConfigSummary",
)
@pytest.mark.parametrize(
    ("enabled", "works", "status"), [(True, True, "Started"), (True, False, "Stopped"), (False, True, "Stopped")]
)
def test_the_summary_says_whether_capture_works(enabled, works, status):
    summary = plan(EnableCapture=enabled, InitialSamplingPercentage=20, KmsKeyId="key").summary(works=works)
    assert summary == {
        "EnableCapture": enabled,
        "CaptureStatus": status,
        "CurrentSamplingPercentage": 20,
        "DestinationS3Uri": "s3://bucket/captured",
        "KmsKeyId": "key",
    }
