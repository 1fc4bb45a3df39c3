"""What SageMaker's List operations have in common: filters by name, status and time, sorting, and pages. Pure.

AWS does not say how long a page is when MaxResults is absent. It is 10 here, so that a client that never asks for a
second page is found out. Sources: the API reference of the List operations.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from local.context import Request, Response
from local.errors import validation

_DEFAULT_PAGE = 10
_TIMES = ("CreationTime", "LastModifiedTime")
_NAMED = ("Name", "Status")


def page(
    items: Iterable[Response],
    request: Request,
    *,
    kind: str,
    members: Sequence[str],
    result: str,
    order: str = "Descending",
) -> Response:
    """One page of the items, by creation unless the request sorts otherwise, in `order` unless it says which.

    `kind` is the prefix of the members for name and status (Model, Endpoint), `members` those a summary shows,
    `result` the member of the response that holds them. NextToken is where the next page begins. Items come in the
    order of their creation.
    """
    chosen = [item for item in items if _wanted(item, request, kind)]
    by = request.get("SortBy", "CreationTime")
    member = f"{kind}{by}" if by in _NAMED else by
    chosen.sort(key=lambda item: item[member])
    if request.get("SortOrder", order) == "Descending":
        chosen.reverse()
    return cut([{name: item.get(name) for name in members} for item in chosen], request, result)


def cut(entries: Sequence[Any], request: Request, result: str) -> Response:
    """The page of entries that NextToken and MaxResults choose. Raises AwsError for a token nobody was given."""
    token = request.get("NextToken", "0")
    if not (token.isascii() and token.isdigit()):
        raise validation(f"NextToken {token} is not one that this operation returned.")
    end = int(token) + request.get("MaxResults", _DEFAULT_PAGE)
    return {result: list(entries[int(token) : end])} | ({"NextToken": str(end)} if end < len(entries) else {})


def _wanted(item: Response, request: Request, kind: str) -> bool:
    name = item.get(f"{kind}Name", "").lower()
    return (
        request.get("NameContains", "").lower() in name
        and request.get("StatusEquals") in (None, item.get(f"{kind}Status"))
        and all(_within(item.get(time), request.get(f"{time}After"), request.get(f"{time}Before")) for time in _TIMES)
    )


def _within(moment: Any, after: Any, before: Any) -> bool:
    return (after is None or moment > after) and (before is None or moment < before)
