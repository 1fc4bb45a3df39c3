"""Pages of what CloudWatch lists: a token says where the next one begins. Pure."""

from collections.abc import Sequence
from typing import Any

from local.context import Request, Response
from local.errors import AwsError


def page(items: Sequence[Any], request: Request, result: str, size: int) -> Response:
    """The page that NextToken chooses, as the member `result`, with the token of the next one if there is one.

    Raises AwsError InvalidNextToken.
    """
    begin = offset(request)
    end = begin + size
    return {result: list(items[begin:end])} | ({"NextToken": str(end)} if end < len(items) else {})


def offset(request: Request) -> int:
    """Where the page that a request asks for begins. Raises AwsError InvalidNextToken."""
    token = request.get("NextToken", "0")
    if not (token.isascii() and token.isdigit()):
        raise AwsError("InvalidNextToken", f"The token '{token}' is not one that this operation returned.")
    return int(token)
