"""What InvokeEndpoint takes: the size of a body, the headers of its members, and what only other endpoints understand.

Sources: botocore's model of InvokeEndpoint; the API reference; messages as clients of AWS have reported them. It must
never look at an endpoint: none here is a multi-model, multi-container or inference component endpoint.
"""

import functools
from collections.abc import Mapping

from botocore.model import StructureShape
from moto.core.utils import get_service_model

from local.errors import AwsError
from local.wire import check

LARGEST_BODY = 6 * 1024 * 1024
CONTENT_TYPE, ACCEPT = "Content-Type", "Accept"
CUSTOM_ATTRIBUTES = "X-Amzn-SageMaker-Custom-Attributes"
TARGET_VARIANT = "X-Amzn-SageMaker-Target-Variant"
INFERENCE_ID = "X-Amzn-SageMaker-Inference-Id"

_PREFIX = "x-amzn-sagemaker-"
_ELSEWHERE = {
    "TargetModel": "Endpoint {} is not a multi-model endpoint and does not support target model header.",
    "TargetContainerHostname": "Endpoint {} does not support direct container invocation: it has one container.",
    "InferenceComponentName": "Inference Component Name header is not allowed: endpoint {} has no such components.",
    "EnableExplanations": "Endpoint {} has no explainer configured: leave EnableExplanations out.",
    "SessionId": "Endpoint {} does not support stateful sessions: its container makes none.",
}


def check_request(endpoint: str, body: bytes, headers: Mapping[str, str]) -> None:
    """Raises AwsError: 413 for a body that is too large, ValidationError for a header that is wrong or not for here."""
    if len(body) > LARGEST_BODY:
        raise AwsError("413", f"HTTP content length exceeded {LARGEST_BODY} bytes.", 413)
    if any(name.lower().startswith(_PREFIX) for name in headers):
        _check_headers(endpoint, headers)


@functools.cache
def _input() -> StructureShape:
    """The members of InvokeEndpoint in botocore's model."""
    shape = get_service_model("sagemaker-runtime").operation_model("InvokeEndpoint").input_shape
    assert isinstance(shape, StructureShape)
    return shape


def _check_headers(endpoint: str, headers: Mapping[str, str]) -> None:
    names = {member: shape.serialization.get("name", "") for member, shape in _input().members.items()}
    given = {member: headers[name] for member, name in names.items() if name in headers}
    try:
        check({"EndpointName": endpoint, "Body": b"", **given}, _input())
    except AwsError as error:
        raise AwsError("ValidationError", error.message) from error
    for name, message in _ELSEWHERE.items():
        if name in given:
            raise AwsError("ValidationError", message.format(endpoint))
