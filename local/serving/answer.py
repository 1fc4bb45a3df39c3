"""What a model server answers to a request. It must never hold anything of the server that made it."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Answer:
    """An HTTP response: status, headers (Content-Type among them) and body."""

    status: int
    headers: Mapping[str, str]
    body: bytes = b""
