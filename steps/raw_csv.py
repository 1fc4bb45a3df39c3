"""Reads one raw CSV file strictly: only the columns asked for, every bad row counted under its reason, nothing guessed.

A file that cannot be trusted (missing, cut off, a column missing or of another type, too many bad rows) is a `Problem`
naming file, column and what was found. Never lets an unreadable value pass as a missing one.
"""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from problems import Problem, did_you_mean, listed

NUMBER, TEXT = "number", "text"
MISSING = ("", "NA")
MAX_BAD_SHARE = 0.05
UNREADABLE = "\N{REPLACEMENT CHARACTER}"  # what decoding puts where bytes are no UTF-8

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Column:
    """A column to read. A `required` one may not be empty; text may have a `pattern` it must match in full."""

    name: str
    kind: str = NUMBER
    required: bool = False
    pattern: str = ""


@dataclass
class Table:
    """The good rows of a file so far, and how many rows were dropped for which reason.

    `frame` is indexed by line number; numbers are float64 and text is categorical.
    """

    path: Path
    rows: int
    frame: Any
    bad: dict[str, int] = field(default_factory=dict)
    _first: dict[str, str] = field(default_factory=dict)

    def drop(self, mask: Mask, column: str, wrong: str) -> None:
        """Drop the rows of `mask` and count them as "`column` `wrong`"."""
        if not mask.any():
            return
        reason, place = f"{column} {wrong}", int(np.argmax(mask))
        self.count(
            reason, int(mask.sum()), f"line {self.frame.index[place]} has {str(self.frame[column].iloc[place])!r}"
        )
        self.frame = self.frame[~mask]

    def count(self, reason: str, rows: int, first: str) -> None:
        """Count rows that are already gone; `first` says what was found in the first of them."""
        self.bad[reason] = self.bad.get(reason, 0) + rows
        self._first.setdefault(reason, first)

    def require_mostly_good(self) -> None:
        """Refuse the file when more than 5 % of its rows are bad: a model of the rest would mean something else."""
        total = sum(self.bad.values())
        if total <= MAX_BAD_SHARE * self.rows:
            return
        reasons = sorted(self.bad, key=lambda reason: -self.bad[reason])
        said = "; ".join(f"{reason}: {self.bad[reason]:,} ({self._first[reason]})" for reason in reasons[:3])
        raise Problem(
            f"{self.path}: {total:,} of {self.rows:,} rows are bad, over the limit of {MAX_BAD_SHARE:.0%}: {said}."
        )


def read_table(path: Path, columns: Sequence[Column]) -> Table:
    """Read `columns` of the file at `path`.

    Raises Problem when the file is absent, empty, cut off or lacks a column. The caller adds its own checks with
    `Table.drop` and then calls `Table.require_mostly_good`.
    """
    content = _content(path)
    try:
        header = _header(path, content, columns)
        table = _parse(path, content, header, columns)
    except csv.Error as error:
        raise Problem(f"{path} is not CSV: {error}.") from error
    if not table.rows:
        raise Problem(f"{path} has a header and no rows.")
    for column in columns:
        _check(table, column)
    return table


def _content(path: Path) -> bytes:
    if not path.is_file():
        beside = sorted(other.name for other in path.parent.glob("*")) if path.parent.is_dir() else []
        found = f"the folder holds {listed(beside, 14)}" if beside else "its folder is empty or missing"
        raise Problem(f"{path} is missing: {found}.")
    content = path.read_bytes()
    if not content.strip():
        raise Problem(f"{path} is empty: a header line was expected.")
    return content


def _header(path: Path, content: bytes, columns: Sequence[Column]) -> list[str]:
    first, _, rest = content.partition(b"\n")
    header = next(csv.reader([first.decode("utf-8-sig", errors="replace").rstrip("\r")]))
    for column in columns:
        if column.name not in header:
            hint = did_you_mean(column.name, header)
            raise Problem(f"{path}: column {column.name!r} is missing; found: {listed(header)}.{hint}")
        if header.count(column.name) > 1:
            raise Problem(f"{path}: column {column.name!r} is there {header.count(column.name)} times.")
    last = rest.rpartition(b"\n")[2]
    fields = last.count(b",") + 1
    if last.strip() and fields < len(header):
        line = content.count(b"\n") + 1
        raise Problem(
            f"{path} is cut off: line {line}, its last, has {fields} of {len(header)} fields. Upload the file again."
        )
    return header


def _parse(path: Path, content: bytes, header: list[str], columns: Sequence[Column]) -> Table:
    lines = content.count(b"\n") + (not content.endswith(b"\n"))
    even = content.count(b",") == lines * (len(header) - 1) and b'"' not in content
    names = [column.name for column in columns]
    if even:
        kinds = {column.name: np.float64 if column.kind == NUMBER else "category" for column in columns}
        missing = {column.name: list(MISSING) if column.kind == NUMBER else [""] for column in columns}
        try:
            frame = pd.read_csv(
                io.BytesIO(content), usecols=names, dtype=kinds, na_values=missing, keep_default_na=False
            )
        except (ValueError, pd.errors.ParserError):
            return _parse_by_row(path, content, header, columns)
        frame.index += 2
        return Table(path, len(frame), frame)
    return _parse_by_row(path, content, header, columns)


def _parse_by_row(path: Path, content: bytes, header: list[str], columns: Sequence[Column]) -> Table:
    """The slow way, for files with something wrong in them: it knows which rows."""
    reader = csv.reader(io.StringIO(content.decode("utf-8-sig", errors="replace"), newline=""))
    next(reader)
    places = [header.index(column.name) for column in columns]
    rows, lines, uneven, total = [], [], [], 0
    for row in reader:
        total += 1
        if len(row) == len(header):
            rows.append([row[place] for place in places])
            lines.append(reader.line_num)
        else:
            uneven.append(reader.line_num)
    frame = pd.DataFrame(rows, columns=[column.name for column in columns], index=lines, dtype=str)
    table = Table(path, total, frame)
    if uneven:
        table.count(f"row has not {len(header)} fields", len(uneven), f"first in line {uneven[0]}")
    for column in columns:
        text = table.frame[column.name]
        if column.kind == NUMBER:
            numbers = pd.to_numeric(text.where(~text.isin(MISSING)), errors="coerce")
            table.drop((numbers.isna() & ~text.isin(MISSING)).to_numpy(), column.name, "is not a number")
            table.frame = table.frame.assign(**{column.name: numbers.loc[table.frame.index].astype(np.float64)})
        else:
            table.drop(text.str.contains(UNREADABLE).to_numpy(), column.name, "is not UTF-8")
            text = table.frame[column.name]
            table.frame = table.frame.assign(**{column.name: text.where(text != "").astype("category")})
    return table


def _check(table: Table, column: Column) -> None:
    if column.kind == NUMBER:
        table.drop(np.isinf(table.frame[column.name].to_numpy()), column.name, "is not a finite number")
    if column.pattern:
        values = table.frame[column.name].cat
        matches = np.append(values.categories.astype(str).str.fullmatch(column.pattern).astype(bool), True)
        table.drop(~matches[values.codes], column.name, "is malformed")
    if column.required:
        table.drop(table.frame[column.name].isna().to_numpy(), column.name, "is missing")
