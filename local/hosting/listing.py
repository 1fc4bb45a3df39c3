"""What List operations of hosting have in common: NameContains, time filters, sorting and pages. Pure."""

from collections.abc import Iterable, Sequence
from typing import Any

from local.context import Request, Response
from local.errors import validation

_DEFAULT_PAGE = 10


def page(items: Iterable[Response], request: Request, *, kind: str, members: Sequence[str], result: str) -> Response:
    """One page of the items, newest first unless the request sorts otherwise.

    `kind` is the prefix of the name's member (Model, EndpointConfig, Endpoint), `members` those a summary shows,
    `result` the member of the response that holds them. NextToken is where the next page begins.
    """
    chosen = [item for item in items if _wanted(item, request, kind)]
    by = "Name" if request.get("SortBy") == "Name" else "CreationTime"
    member = f"{kind}Name" if by == "Name" else by
    chosen.sort(key=lambda item: item[member], reverse=request.get("SortOrder", "Descending") == "Descending")
    begin = _offset(request.get("NextToken", "0"))
    end = begin + request.get("MaxResults", _DEFAULT_PAGE)
    shown = [{name: item.get(name) for name in members} for item in chosen[begin:end]]
    return {result: shown} | ({"NextToken": str(end)} if end < len(chosen) else {})


def _wanted(item: Response, request: Request, kind: str) -> bool:
    created: Any = item["CreationTime"]
    before, after = request.get("CreationTimeBefore"), request.get("CreationTimeAfter")
    return (
        request.get("NameContains", "").lower() in item[f"{kind}Name"].lower()
        and (before is None or created < before)
        and (after is None or created > after)
        and request.get("StatusEquals") in (None, item.get("EndpointStatus"))
    )


def _offset(token: str) -> int:
    if not token.isdigit():
        raise validation(f"NextToken {token} is not one that this operation returned.")
    return int(token)
