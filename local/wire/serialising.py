"""Results and errors as the body and headers a client expects, in the protocol it asked in.

The serializers are moto's, driven by botocore's models, and the CBOR encoder is botocore's. It must never decide what
an operation answers.
Source: https://smithy.io/2.0/aws/protocols/.
"""

import json
import re
import uuid
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError
from botocore.model import Shape
from botocore.serialize import CBORSerializer
from moto.core.model import OperationModel, ServiceModel, ShapeResolver
from moto.core.serialize import SerializationContext, get_serializer_class
from moto.core.utils import get_service_model

from local.errors import AwsError
from local.wire.routing import Asked

_CONTENT_TYPES = {
    "query": "text/xml",
    "smithy-rpc-v2-cbor": "application/cbor",
    "rest-json": "application/json",
    "rest-xml": "application/xml",
}
_NOT_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_SHAPES = ShapeResolver(
    {
        "String": {"type": "string"},
        "Error": {"type": "map", "key": {"shape": "String"}, "value": {"shape": "String"}},
        "Nothing": {"type": "structure", "members": {}},
    }
)
_ERROR, _NOTHING = _SHAPES.get_shape_by_name("Error"), _SHAPES.get_shape_by_name("Nothing")


@dataclass(frozen=True)
class Answer:
    """A response as bytes."""

    body: bytes
    headers: Mapping[str, str]
    status: int = 200


def serialise(asked: Asked, result: Mapping[str, Any] | None) -> Answer:
    """A result. Members that are None, and those the model does not have, are left out."""
    operation, headers = _operation(asked), _headers(asked)
    if asked.protocol == "smithy-rpc-v2-cbor":
        return Answer(_CborEncoder().encode(result or {}, operation.output_shape or _NOTHING), headers)
    return Answer(_bytes(_serializer(asked, operation, headers).serialize(result or {})["body"]), headers)


def refuse(asked: Asked, error: AwsError) -> Answer:
    """An error, of whatever service and operation: unknown ones too."""
    headers = _headers(asked)
    with warnings.catch_warnings():  # moto warns of codes that a model does not list: AWS's common errors are in none
        warnings.simplefilter("ignore", UserWarning)
        written = _serializer(asked, _operation(asked), headers).serialize(error)
    headers |= {name: value for name, value in written["headers"].items() if name != "Content-Type"}
    body = _bytes(written["body"])
    if asked.protocol == "smithy-rpc-v2-cbor":
        body = _CborEncoder().encode({name: str(value) for name, value in json.loads(body).items()}, _ERROR)
    return Answer(body, headers, error.status)


def _operation(asked: Asked) -> OperationModel:
    try:
        model = get_service_model(asked.service or "")
    except BotoCoreError:
        model = ServiceModel({"metadata": {"protocol": asked.protocol}, "operations": {}, "shapes": {}})
    if asked.operation in model.operation_names:
        return model.operation_model(asked.operation)
    return OperationModel({}, model, asked.operation or "")


def _serializer(asked: Asked, operation: OperationModel, headers: Mapping[str, str]) -> Any:
    protocol = "json" if asked.protocol == "smithy-rpc-v2-cbor" else asked.protocol
    kind = get_serializer_class(asked.service or "", protocol)
    return kind(operation, SerializationContext(headers["x-amzn-RequestId"]))


def _headers(asked: Asked) -> dict[str, str]:
    headers = {"x-amzn-RequestId": str(uuid.uuid4()), "Content-Type": _CONTENT_TYPES.get(asked.protocol, "")}
    if asked.protocol == "json":
        version = _operation(asked).service_model.metadata.get("jsonVersion", "1.1")
        headers["Content-Type"] = f"application/x-amz-json-{version}"
    if asked.protocol == "smithy-rpc-v2-cbor":
        headers["smithy-protocol"] = "rpc-v2-cbor"
    return headers


def _bytes(text: str | bytes) -> bytes:
    """The body; characters that XML cannot hold are question marks, and JSON holds every character."""
    return text if isinstance(text, bytes) else _NOT_IN_XML.sub("?", text).encode()


class _CborEncoder(CBORSerializer):
    """botocore's encoder, which takes only those members of a structure that the model has."""

    TIMESTAMP_FORMAT = "unixtimestamp"

    def encode(self, value: Mapping[str, Any], shape: Shape) -> bytes:
        body = bytearray()
        self._serialize_data_item(body, value, shape)  # type: ignore[attr-defined]  # its stubs lack this half
        return bytes(body)

    def _serialize_type_structure(self, serialized: bytearray, value: Any, shape: Any, key: Any) -> None:
        known = {name: item for name, item in value.items() if name in shape.members}
        super()._serialize_type_structure(serialized, known, shape, key)  # type: ignore[misc]  # as above
