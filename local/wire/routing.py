"""Which AWS operation a request asks for, and in which protocol, from what every AWS client sends with it.

JSON names it in X-Amz-Target, RPC v2 in the path, Query in the parameter Action; who signs names the service in the
scope of the credential. It must never look at what the operation is asked to do.
Source: https://smithy.io/2.0/aws/protocols/ and "Create a signed AWS API request" of the IAM user guide.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl

from botocore.model import OperationModel
from moto.core.utils import get_service_model

_SCOPE = re.compile(r"/\d{8}/(?:[^/]+/)?(?P<service>[^/]+)/aws4_request")
_RPC = re.compile(r"/service/(?P<prefix>[^/]+)/operation/(?P<operation>[^/]+)")
_FORM = "application/x-www-form-urlencoded"
_REST_XML = {"s3", "cloudfront", "route53"}
"""Services whose clients read errors as XML although they name no operation."""


@dataclass(frozen=True)
class Asked:
    """What a request asks for. `service` is botocore's name, or the signing name of a service that is not ours."""

    service: str | None
    operation: str | None
    protocol: str

    def __str__(self) -> str:
        return f"{self.service or 'service'}:{self.operation or 'operation of that name'}"


class Router:
    """Recognises the operations of `services` (botocore's names); any other is told apart by its signing name."""

    def __init__(self, services: Iterable[str]) -> None:
        self._models = [get_service_model(name) for name in services]
        self._prefixes: dict[str | None, str] = {
            model.metadata.get("targetPrefix"): model.service_name for model in self._models
        }
        self._paths = [
            (operation.http["method"], _path(operation), operation)
            for model in self._models
            if model.protocol.startswith("rest")
            for operation in map(model.operation_model, model.operation_names)
        ]

    def route(self, method: str, path: str, query: str, headers: Mapping[str, str], body: bytes) -> Asked:
        """What is asked; its service is None when nothing says so, its operation when only its service knows."""
        scope = _signed_for(headers.get("Authorization", "") + query)
        if target := headers.get("X-Amz-Target"):
            prefix, _, operation = target.rpartition(".")
            return Asked(self._named(prefix, scope), operation, "json")
        if match := _RPC.fullmatch(path):
            return Asked(self._named(match["prefix"], scope), match["operation"], "smithy-rpc-v2-cbor")
        form = dict(parse_qsl(query if method == "GET" else _form(headers, body))) if path == "/" else {}
        if "Action" in form:
            return Asked(self._answering(scope, form.get("Version")), form["Action"], "query")
        for verb, pattern, rest in self._paths:
            if verb == method and pattern.fullmatch(path) and scope in (None, rest.service_model.signing_name):
                return Asked(rest.service_model.service_name, rest.name, "rest-json")
        return Asked(
            self._answering(scope, None), None, "rest-xml" if scope is None or scope in _REST_XML else "rest-json"
        )

    def _named(self, prefix: str, scope: str | None) -> str | None:
        return self._prefixes.get(prefix) or scope or prefix

    def _answering(self, scope: str | None, version: str | None) -> str | None:
        """The service of a request that does not name it: who signed it tells, or the version of the API."""
        for model in self._models:
            if scope == model.signing_name or (scope is None and version == model.api_version):
                return str(model.service_name)
        return scope


def _signed_for(text: str) -> str | None:
    match = _SCOPE.search(text.replace("%2F", "/"))
    return match["service"] if match else None


def _form(headers: Mapping[str, str], body: bytes) -> str:
    is_form = headers.get("Content-Type", _FORM).startswith(_FORM)
    return body.decode(errors="replace") if is_form else ""


def _path(operation: OperationModel) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\\{.*?\\\}", "[^/]+", re.escape(operation.http["requestUri"])))
