"""Request bodies to the members an operation takes: AWS JSON, AWS Query and Smithy RPC v2 CBOR.

The parsers are moto's, driven by botocore's models, and the CBOR decoder is botocore's. moto's are made to accept what
its own backends forgive; here a member of the wrong type is refused, as AWS's are. It must never check a value.
Source: https://smithy.io/2.0/aws/protocols/.
"""

import bisect
import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

from botocore.model import Shape
from botocore.parsers import ResponseParserError, RpcV2CBORParser
from botocore.utils import parse_to_aware_datetime
from moto.core.parse import JSONParser, QueryParser
from moto.core.utils import get_service_model

from local.errors import AwsError
from local.wire.routing import Asked
from local.wire.validation import check

_UNREADABLE = (ValueError, OverflowError, RuntimeError, ResponseParserError, TypeError, MemoryError)
"""What the parsers raise: RuntimeError for a time out of range and for endless nesting, the last two for bad CBOR."""
_NUMBERS = ("NaN", "Infinity", "-Infinity")
_BITS = {"integer": 31, "long": 63}
_TYPES: dict[str, tuple[type, ...]] = {
    "structure": (dict,),
    "map": (dict,),
    "list": (list,),
    "string": (str,),
    "blob": (str, bytes),
    "boolean": (bool,),
    "integer": (int,),
    "long": (int,),
    "float": (int, float),
    "double": (int, float),
    "timestamp": (int, float, str, datetime),
}


def parse(asked: Asked, body: bytes) -> dict[str, Any]:
    """The request's members, checked against the model. Timestamps are aware datetimes.

    Raises AwsError: for an operation that AWS does not have, a body that cannot be read, or a ValidationException that
    lists every violation.
    """
    model = get_service_model(asked.service or "")
    if asked.operation not in model.operation_names:
        code = "InvalidAction" if asked.protocol == "query" else "UnknownOperationException"
        status = 404 if asked.protocol == "smithy-rpc-v2-cbor" else 400
        raise AwsError(code, f"{asked.service} has no operation named {asked.operation}.", status)
    operation = model.operation_model(asked.operation)
    if operation.input_shape is None:
        return {}
    try:
        members: dict[str, Any] = _PARSERS[asked.protocol](operation, _timestamp).parse(_request(asked.protocol, body))
    except _UNREADABLE as error:
        code = "MalformedInput" if asked.protocol == "query" else "SerializationException"
        raise AwsError(code, f"The request cannot be read: {error}") from error
    check(members, operation.input_shape)
    return members


def _request(protocol: str, body: bytes) -> dict[str, Any]:
    return {"values": _Form(body)} if protocol == "query" else {"body": body}


def _timestamp(value: float | str | datetime) -> datetime:
    moment: datetime = parse_to_aware_datetime(value)  # type: ignore[arg-type]  # its stubs know of strings only
    return moment.astimezone(UTC)


class _Json(JSONParser):  # type: ignore[misc]  # moto types all but its parsers
    """AWS JSON, in which a member of the wrong type is refused rather than converted."""

    def _parse_body_as_json(self, body_contents: bytes) -> Any:
        return json.loads(body_contents or b"{}")

    def _parse_shape(self, shape: Shape, node: Any) -> Any:
        if not _fits(shape, node):
            text = f"{str(node)[:120]!r} can not be converted to {shape.name}, which is of type {shape.type_name}"
            raise ValueError(text)
        return super()._parse_shape(shape, node)


def _fits(shape: Shape, node: Any) -> bool:
    kind = shape.type_name
    if isinstance(node, bool):
        return kind == "boolean"
    if kind in ("float", "double") and node in _NUMBERS:
        return True
    if isinstance(node, int) and kind in _BITS:
        return _in_range(kind, node)
    return isinstance(node, _TYPES[kind])


def _in_range(kind: str, number: int) -> bool:
    return bool(-(2 ** _BITS[kind]) <= number < 2 ** _BITS[kind])


class _Cbor(_Json):
    """Smithy RPC v2: the same members as JSON's, with timestamps and blobs that need no conversion."""

    def _parse_body_as_json(self, body_contents: bytes) -> Any:
        decoder: Any = RpcV2CBORParser(timestamp_parser=_timestamp)
        return decoder.parse_data_item(decoder.get_peekable_stream_from_bytes(body_contents or b"\xa0"))

    def _parse_blob(self, shape: Shape, value: Any) -> Any:
        return value


class _Form(dict[str, str]):
    """The parameters of a Query request, and whether any begins so without looking at all of them."""

    def __init__(self, body: bytes) -> None:
        super().__init__(parse_qsl(body.decode(), keep_blank_values=True))
        self._sorted = sorted(self)

    def has(self, prefix: str) -> bool:
        """Whether there is a parameter whose name begins with `prefix`."""
        at = bisect.bisect_left(self._sorted, prefix)
        return at < len(self._sorted) and self._sorted[at].startswith(prefix)


class _Query(QueryParser):  # type: ignore[misc]  # moto types all but its parsers
    """AWS Query. moto's way to see where a list ends reads every parameter: 1,000 metrics would take seconds."""

    def _gonna_recurse(self, query_params: _Form, prefix: str) -> bool:
        return prefix != "" and not query_params.has(prefix)

    def _parse_boolean(self, shape: Shape, query_params: _Form, prefix: str = "") -> Any:
        if query_params.get(prefix, "true").lower() not in ("true", "false"):
            raise ValueError(f"{query_params[prefix][:120]!r} at {prefix} is neither true nor false")
        return super()._parse_boolean(shape, query_params, prefix)

    def _parse_integer(self, shape: Shape, query_params: _Form, prefix: str = "") -> Any:
        value = super()._parse_integer(shape, query_params, prefix)
        if isinstance(value, int) and not _in_range(shape.type_name, value):
            raise ValueError(f"{value} at {prefix} is out of the range of type {shape.type_name}")
        return value

    _parse_long = _parse_integer


_PARSERS: dict[str, Any] = {"json": _Json, "query": _Query, "smithy-rpc-v2-cbor": _Cbor}
