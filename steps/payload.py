"""What a request to the endpoint may hold, checked by name and by row; pure, and the serving container loads this file.

CSV with a header line, or JSON: an object, a list of objects, or {"instances": [...]}. Whatever does not fit raises
`BadRequest` with a status and one sentence. Never guesses a column by position and never lets an unreadable value pass.
"""

import csv
import io
import json
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn

import numpy as np

from features import NUMBER, Feature
from problems import did_you_mean, listed

CSV, JSON = "text/csv", "application/json"
LARGEST = float(np.finfo(np.float32).max)

Columns = dict[str, list[Any]]


class BadRequest(Exception):  # noqa: N818 - HTTP's name for it
    """A request that cannot be answered: its HTTP status, 4xx, and a sentence for the caller."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


def parse(body: bytes | str, content_type: str | None, features: Sequence[Feature], ignored: Sequence[str]) -> Columns:
    """The columns of `features`, checked: a number is a finite float, a category a str, what is missing None.

    Names in `ignored` may be there and are left out. Raises BadRequest.
    """
    kind, _, parameters = (content_type or "").partition(";")
    readers: dict[str, Callable[[str], list[Mapping[str, Any]]]] = {CSV: _csv_rows, JSON: _json_rows}
    kind = kind.strip().lower()
    if kind not in readers:
        raise BadRequest(f"Content-Type is {content_type!r}: send {CSV} or {JSON}.", 415)
    rows = readers[kind](_text(body, parameters))
    if not rows:
        raise BadRequest("The request holds no row: send at least one.")
    if kind == CSV:
        _check_names(rows[0], "The first line", features, ignored)
    else:
        for number, row in enumerate(rows, start=1):
            _check_names(row, f"Row {number}", features, ignored)
    reader = _from_csv if kind == CSV else _from_json
    return {
        feature.name: [_value(row[feature.name], feature, number, reader) for number, row in enumerate(rows, start=1)]
        for feature in features
    }


def _text(body: bytes | str, parameters: str) -> str:
    for parameter in parameters.split(";"):
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset" and value.strip().strip('"').lower() not in ("utf-8", "utf8", "us-ascii"):
            raise BadRequest(f"charset is {value.strip()!r}: send UTF-8.", 415)
    if isinstance(body, str):
        text = body.removeprefix("\ufeff")
    else:
        try:
            text = bytes(body).decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise BadRequest(f"The body is not UTF-8: byte {error.start} cannot be read.") from error
    if not text.strip():
        raise BadRequest("The body is empty: send at least one row.")
    return text


def _csv_rows(text: str) -> list[Mapping[str, Any]]:
    try:
        lines = [line for line in csv.reader(io.StringIO(text, newline=""), strict=True) if line]
    except csv.Error as error:
        raise BadRequest(f"The body is not CSV: {error}.") from error
    header, *rows = lines or [[]]
    header = [name.strip() for name in header]
    if twice := sorted({name for name in header if header.count(name) > 1}):
        raise BadRequest(f"The first line names {twice[0]!r} {header.count(twice[0])} times: name each feature once.")
    for number, row in enumerate(rows, start=1):
        if len(row) != len(header):
            raise BadRequest(f"Row {number} has {len(row)} values, the first line names {len(header)} features.")
    return [dict(zip(header, row, strict=True)) for row in rows]


def _json_rows(text: str) -> list[Mapping[str, Any]]:
    try:
        content = json.loads(text, object_pairs_hook=_object, parse_constant=_no_constant)
    except RecursionError:
        raise BadRequest("The body is not JSON of rows: it is nested too deeply.") from None
    except ValueError as error:
        raise BadRequest(f"The body is not JSON: {error}.") from error
    if isinstance(content, dict) and "instances" in content:
        if others := [name for name in content if name != "instances"]:
            raise BadRequest(f"Beside 'instances' there is {others[0]!r}: send the rows in 'instances' alone.")
        content = content["instances"]
    rows = content if isinstance(content, list) else [content]
    for number, row in enumerate(rows, start=1):
        if not isinstance(row, dict):
            raise BadRequest(f"Row {number} is {_named(row)}: send an object that names each feature.")
    return rows


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise BadRequest(f"{twice!r} is there {names.count(twice)} times in one object: name each feature once.")
    return content


def _no_constant(name: str) -> NoReturn:
    raise BadRequest(f"{name} is not a JSON number: send null for what is missing.")


def _named(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "a text", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number")


def _check_names(row: Mapping[str, Any], place: str, features: Sequence[Feature], ignored: Sequence[str]) -> None:
    names = [feature.name for feature in features]
    if row.keys() == set(names):
        return
    for name in row:
        if name not in names and name not in ignored:
            hint = did_you_mean(name, [*names, *ignored]) or f" The features are: {listed(names)}."
            raise BadRequest(f"{place} has {_short(name)}, which is no feature of this model.{hint}")
    if absent := [name for name in names if name not in row]:
        raise BadRequest(f"{place} lacks {listed(absent)}. The features are: {listed(names)}.")


def _value(value: Any, feature: Feature, number: int, reader: Callable[[Any, Feature], Any]) -> Any:
    try:
        read = reader(value, feature)
    except (ValueError, OverflowError):
        wanted = "a finite number" if feature.type == NUMBER else "a text"
        raise BadRequest(f"Row {number}: {feature.name!r} is {_short(value)}, where {wanted} is expected.") from None
    if read is None and not feature.nullable:
        raise BadRequest(f"Row {number}: {feature.name!r} is missing, and this model needs it.")
    return read


def _short(value: Any) -> str:
    text = repr(value) if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _from_csv(value: str, feature: Feature) -> float | str | None:
    text = value.strip()
    if not text:
        return None
    if feature.type != NUMBER:
        return text
    if "_" in text:
        raise ValueError
    return _finite(float(text))


def _from_json(value: Any, feature: Feature) -> float | str | None:
    if value is None:
        return None
    if feature.type != NUMBER:
        if not isinstance(value, str):
            raise ValueError
        return value or None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError
    return _finite(float(value))


def _finite(number: float) -> float:
    if not math.isfinite(number) or abs(number) > LARGEST:
        raise ValueError
    return number
