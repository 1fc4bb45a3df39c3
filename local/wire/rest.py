"""The operation of a REST request that names none, as S3's: by method, path, and what the request must have.

Of several that fit it is the one that demands most: UploadPart, which needs an UploadId, before PutObject. It must
never look at the body.
Source: https://smithy.io/2.0/aws/protocols/aws-restxml-protocol.html; the demands are botocore's models'.
"""

import functools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl

from botocore.exceptions import BotoCoreError
from moto.core.model import OperationModel
from moto.core.utils import get_service_model


@dataclass(frozen=True)
class _Demands:
    """What the requests of an operation have: parameters of the query (any value: None) and headers."""

    operation: str
    method: str
    path: re.Pattern[str]
    query: Mapping[str, str | None]
    headers: frozenset[str]

    def fit(self, method: str, path: str, query: Mapping[str, str], headers: Mapping[str, str]) -> bool:
        return (
            self.method == method
            and bool(self.path.fullmatch(path))
            and all(name in query and value in (None, query[name]) for name, value in self.query.items())
            and all(name in headers for name in self.headers)
        )


def rest_operation(service: str, method: str, path: str, query: str, headers: Mapping[str, str]) -> str | None:
    """The operation of botocore's name; None when the service or the request is none that its models know.

    `headers` are found whatever their case.
    """
    given = dict(parse_qsl(query, keep_blank_values=True))
    fitting = [demands for demands in _known(service) if demands.fit(method, path, given, headers)]
    most = max(fitting, key=lambda demands: len(demands.query) + len(demands.headers), default=None)
    return most.operation if most else None


@functools.cache
def _known(service: str) -> tuple[_Demands, ...]:
    try:
        model = get_service_model(service)
    except BotoCoreError:
        return ()
    if not model.protocol.startswith("rest"):
        return ()
    return tuple(_demands(model.operation_model(name)) for name in model.operation_names)


def _demands(operation: OperationModel) -> _Demands:
    path, _, fixed = operation.http["requestUri"].partition("?")
    pattern = re.escape(path)
    pattern = re.sub(r"\\\{[^}]*\\\+\\\}", ".+", pattern)
    pattern = re.sub(r"\\\{[^}]*\\\}", "[^/]+", pattern)
    query: dict[str, str | None] = {name: value or None for name, value in parse_qsl(fixed, keep_blank_values=True)}
    query |= dict.fromkeys(_required(operation, "querystring"))
    headers = frozenset(_required(operation, "header"))
    return _Demands(operation.name, operation.http["method"], re.compile(f"{pattern}/?"), query, headers)


def _required(operation: OperationModel, location: str) -> Iterator[str]:
    shape = operation.input_shape
    for name in shape.required_members if shape else ():
        member = shape.members[name]
        if member.serialization.get("location") == location:
            yield member.serialization["name"]
