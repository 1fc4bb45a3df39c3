"""The files between the steps: CSV with a header, first the label, then the metadata, then the features.

Written by `preprocess`, read by `train` and `evaluate`. Columns are taken by name; never by position.
"""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from features import CATEGORY, Feature
from flights import LABEL
from problems import Problem, did_you_mean, listed

Columns = dict[str, npt.NDArray[Any]]


def write_split(path: Path, columns: Mapping[str, Any]) -> None:
    """Write columns of equal length: numbers with 7 digits (all that float32 holds), times, Categoricals; NaN as empty.

    A value is formatted once however often it occurs, which makes this several times faster than DataFrame.to_csv.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    cells = [_cells(values) for values in columns.values()]
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(",".join(columns) + "\n")
        file.writelines(map("{}\n".format, map(",".join, zip(*cells, strict=True))))


def _cells(values: Any) -> list[str]:
    if isinstance(values, pd.Categorical):
        codes, texts = values.codes, [_quoted(text) for text in values.categories]
    else:
        codes, distinct = pd.factorize(np.asarray(values))
        is_time = np.issubdtype(distinct.dtype, np.datetime64)
        texts = np.datetime_as_string(distinct).tolist() if is_time else [f"{value:.7g}" for value in distinct.tolist()]
    # pandas gives what is missing the code -1, which is the last place.
    return np.array([*texts, ""], dtype=object)[codes].tolist()  # type: ignore[no-any-return]  # numpy's tolist is Any


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"' if any(mark in text for mark in ',"\r\n') else text


def split_header(path: Path) -> list[str]:
    """The column names of a file that preprocess wrote."""
    if not path.is_file():
        raise Problem(f"{path} is missing: preprocess writes it.")
    with path.open(encoding="utf-8", newline="") as file:
        return next(csv.reader(file), [])


def read_split(folder: Path, name: str, features: Sequence[Feature]) -> tuple[Columns, npt.NDArray[np.int8]]:
    """(the features as arrays by name, labels 0/1) of `folder/name.csv`; what is missing is NaN.

    Raises Problem when the file or a column is missing, a number is not one, or there is no row.
    """
    path = folder / f"{name}.csv"
    header = split_header(path)
    kinds = {feature.name: "category" if feature.type == CATEGORY else np.float32 for feature in features}
    wanted = {LABEL: np.int8, **kinds}
    for column in wanted:
        if column not in header:
            hint = did_you_mean(column, header)
            raise Problem(f"{path}: column {column!r} is missing; found: {listed(header)}.{hint}")
    try:
        frame = pd.read_csv(path, usecols=list(wanted), dtype=wanted, na_values=[""], keep_default_na=False)
    except ValueError as error:
        raise Problem(f"{path} is not as preprocess writes it: {error}.") from error
    if frame.empty:
        raise Problem(f"{path} has no rows.")
    labels = frame.pop(LABEL).to_numpy()
    if not np.isin(labels, (0, 1)).all():
        raise Problem(f"{path}: column {LABEL!r} should hold 0 and 1 only.")
    return {column: _array(frame[column]) for column in frame.columns}, labels


def _array(values: Any) -> Any:
    return values.astype(object).to_numpy() if isinstance(values.dtype, pd.CategoricalDtype) else values.to_numpy()
