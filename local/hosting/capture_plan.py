"""Data capture: which requests to an endpoint are kept, and as which line of JSON. Pure but for the sampling.

Sources: the API reference of DataCaptureConfig; the developer guide, "Capture data from real-time endpoint" and
"Preprocessing and Postprocessing" (the members of a line). It must never touch a file: `capture` does.
"""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from local.errors import validation
from local.hosting.exchange import Exchange
from local.hosting.invocation_request import CUSTOM_ATTRIBUTES, INFERENCE_ID


@dataclass(frozen=True)
class CapturePlan:
    """A DataCaptureConfig: how much of which side is captured, to where, and what is kept as text.

    `percentage` is of requests; `failures` is whether those that their container failed are captured.
    """

    enabled: bool
    percentage: int
    uri: str
    kms_key: str | None
    sides: frozenset[str]
    csv_types: frozenset[str]
    json_types: frozenset[str]
    failures: bool

    @classmethod
    def of(cls, config: Mapping[str, Any], failures: Literal["no", "yes"] = "no") -> "CapturePlan":
        """From a DataCaptureConfig. Raises AwsError ValidationException when nothing can be written there."""
        modes = {option["CaptureMode"] for option in config["CaptureOptions"]}
        sides = {"Input", "Output"} if "InputAndOutput" in modes else modes
        types = config.get("CaptureContentTypeHeader", {})
        plan = cls(
            config.get("EnableCapture", True),
            config["InitialSamplingPercentage"],
            config["DestinationS3Uri"],
            config.get("KmsKeyId"),
            frozenset(sides),
            frozenset(map(str.lower, types.get("CsvContentTypes", []))),
            frozenset(map(str.lower, types.get("JsonContentTypes", []))),
            failures == "yes",
        )
        if not plan.uri.startswith("s3://") or not plan.bucket:
            raise validation(f"DestinationS3Uri is {plan.uri}; it must be s3://bucket or s3://bucket/prefix here.")
        return plan

    @property
    def bucket(self) -> str:
        """The bucket of the destination."""
        return self.uri.removeprefix("s3://").partition("/")[0]

    def key(self, endpoint: str, variant: str, hour: datetime, file: str) -> str:
        """The object key of a file of one UTC hour: prefix/endpoint/variant/yyyy/mm/dd/hh/file."""
        prefix = self.uri.removeprefix("s3://").partition("/")[2].strip("/")
        parts = [prefix] if prefix else []
        return "/".join([*parts, endpoint, variant, f"{hour:%Y/%m/%d/%H}", file])

    def takes(self, exchange: Exchange, roll: float) -> bool:
        """Whether this request is one of those that are captured."""
        if not self.enabled or not (exchange.reply.good or self.failures):
            return False
        return roll * 100 < self.percentage

    def summary(self, *, works: bool) -> dict[str, Any]:
        """DataCaptureConfigSummary; `works` is whether what is captured can be kept."""
        return {
            "EnableCapture": self.enabled,
            "CaptureStatus": "Started" if self.enabled and works else "Stopped",
            "CurrentSamplingPercentage": self.percentage,
            "DestinationS3Uri": self.uri,
            "KmsKeyId": self.kms_key,
        }


def line(plan: CapturePlan, exchange: Exchange, time: datetime) -> bytes:
    """The line that a request becomes, with its line feed. `time` is when it was answered."""
    data = {}
    if "Input" in plan.sides:
        data["endpointInput"] = _side(plan, "INPUT", exchange.headers, exchange.body)
    if "Output" in plan.sides and exchange.reply.status:
        data["endpointOutput"] = _side(plan, "OUTPUT", exchange.reply.headers, exchange.reply.body)
    metadata: dict[str, Any] = {"eventId": exchange.event_id}
    if CUSTOM_ATTRIBUTES in exchange.headers:
        metadata["customAttributes"] = [exchange.headers[CUSTOM_ATTRIBUTES]]
    if INFERENCE_ID in exchange.headers:
        metadata["inferenceId"] = exchange.headers[INFERENCE_ID]
    metadata["inferenceTime"] = f"{time:%Y-%m-%dT%H:%M:%SZ}"
    record = {"captureData": data, "eventMetadata": metadata, "eventVersion": "0"}
    return json.dumps(record, separators=(",", ":")).encode() + b"\n"


def _side(plan: CapturePlan, mode: str, headers: Mapping[str, str], body: bytes) -> dict[str, str]:
    observed = headers.get("Content-Type", "")
    encoding, data = _encoded(plan, observed, body)
    return {"observedContentType": observed, "mode": mode, "data": data, "encoding": encoding}


def _encoded(plan: CapturePlan, content_type: str, body: bytes) -> tuple[str, str]:
    """The encoding and the data: as text when the content type is declared, and the body is text."""
    media_type = content_type.partition(";")[0].strip().lower()
    for encoding, types in (("CSV", plan.csv_types), ("JSON", plan.json_types)):
        if media_type in types:
            try:
                return encoding, body.decode()
            except UnicodeDecodeError:
                break
    return "BASE64", base64.b64encode(body).decode()
