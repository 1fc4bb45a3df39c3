"""Client tokens: the same request with the same token is done once, and answered twice.

Sources: the API reference on ClientToken and ClientRequestToken ("completes no more than once"). It must never forget a
token: AWS does not say when it does.
"""

from collections.abc import Callable
from typing import Any

from local.context import Request, Response
from local.errors import AwsError

_MEMBERS = ("ClientToken", "ClientRequestToken")


class Tokens:
    """The answers that were given to requests with a token, by operation."""

    def __init__(self) -> None:
        self._answers: dict[tuple[str, str], tuple[Request, Response]] = {}

    def once(self, operation: str, request: Request, do: Callable[[Request], Response]) -> Response:
        """The answer of `do`, or the one it gave before. Raises ConflictException for a token of another request."""
        earlier = self.find(operation, request)
        return earlier if earlier is not None else self.keep(operation, request, do(request))

    def find(self, operation: str, request: Request) -> Response | None:
        """The answer this request got before. Raises ConflictException for a token of another request."""
        token = _token(request)
        if (operation, token) not in self._answers:
            return None
        asked, answer = self._answers[operation, token]
        if asked != _without_token(request):
            raise AwsError(
                "ConflictException", f"Token {token} was used for another {operation} request; use a new one."
            )
        return answer

    def keep(self, operation: str, request: Request, answer: Response) -> Response:
        """Remember the answer to a request, if that has a token; returns it."""
        if token := _token(request):
            self._answers[operation, token] = _without_token(request), answer
        return answer


def _token(request: Request) -> str:
    return next((request[member] for member in _MEMBERS if member in request), "")


def _without_token(request: Request) -> dict[str, Any]:
    return {member: value for member, value in request.items() if member not in _MEMBERS}
