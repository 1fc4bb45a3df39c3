"""A slice of requests: those with a value in a column, or a share of all by hash, so that the same ones are always in.

It reads a request's body and nothing else. It must never be random.
"""

import csv
import hashlib
import json
from collections.abc import Callable, Iterator
from typing import Any

Slice = Callable[[bytes], bool]


def slice_of(text: str) -> Slice:
    """The slice that `carrier=UA`, `0=17` (a column's place from 0) or `0.2` (a share) means; empty: every request.

    Raises ValueError.
    """
    if not text:
        return lambda body: True
    column, is_value, value = text.partition("=")
    if is_value:
        return lambda body: value in _values(body, column)
    share = float(text)
    if not 0 <= share <= 1:
        raise ValueError(f"its only is {text}; it must be COLUMN=VALUE or a share between 0 and 1")
    return lambda body: int.from_bytes(hashlib.sha256(body).digest()[:8]) < share * 2**64


def _values(body: bytes, column: str) -> list[str]:
    """What a body holds in a column: of CSV by its header or by place, of JSON under that name, however deep.

    A body that is neither holds nothing.
    """
    text = body.decode(errors="replace")
    try:
        if text.lstrip().startswith(("{", "[")):
            return list(map(str, _named(json.loads(text), column)))
        rows = list(csv.reader(text.splitlines()))
    except (ValueError, RecursionError, csv.Error):
        return []
    header = rows[0] if rows else []
    place = header.index(column) if column in header else int(column) if column.isdecimal() else len(header)
    return [row[place] for row in rows if place < len(row)]


def _named(value: Any, name: str) -> Iterator[Any]:
    if isinstance(value, dict):
        for key, item in value.items():
            if key == name:
                yield item
            yield from _named(item, name)
    elif isinstance(value, list):
        for item in value:
            yield from _named(item, name)
