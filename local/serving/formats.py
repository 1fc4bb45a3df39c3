"""What requests and predictions look like to the XGBoost container: CSV, LIBSVM and RecordIO in, CSV, JSON and NPY out.

The two modes differ in small ways, and both are kept: algorithm mode strips CSV and reads LIBSVM as a sparse matrix,
script mode's defaults do neither. Sources: aws/sagemaker-xgboost-container (encoder, data_utils, serve_utils) and
aws/sagemaker-containers (encoders). It must never unpickle.
"""

import csv
import io
import json
from typing import Any

import numpy as np
import xgboost
from werkzeug.http import parse_options_header

CSV, JSON, JSON_LINES, NPY = "text/csv", "application/json", "application/jsonlines", "application/x-npy"
RECORDIO = "application/x-recordio-protobuf"
LIBSVM_TYPES = ("text/libsvm", "text/x-libsvm")

_SNIFFED_CHARACTERS = 512


class UnsupportedFormatError(Exception):
    """A content type that the default functions cannot read or write."""

    def __init__(self, content_type: str) -> None:
        super().__init__(f"Content type {content_type} is not supported by this framework.")


def decode(content: str | bytes, content_type: str) -> Any:
    """Script mode's default input_fn: a DMatrix."""
    kind, _ = parse_options_header(content_type)
    if kind == RECORDIO:
        return recordio_matrix(content.encode() if isinstance(content, str) else content)
    text = content.decode() if isinstance(content, bytes) else content
    if kind == CSV:
        return csv_matrix(text)
    if kind in LIBSVM_TYPES:
        return _dense_libsvm_matrix(text)
    raise UnsupportedFormatError(content_type)


def encode(prediction: Any, accept: str) -> str | bytes:
    """The prediction as `accept` has it: JSON, NPY, or CSV with one row a line."""
    if accept == JSON:
        return json.dumps(prediction, default=lambda array: array.tolist())
    if accept == NPY:
        data = io.BytesIO()
        np.save(data, prediction)
        return data.getvalue()
    if accept != CSV:
        raise UnsupportedFormatError(accept)
    values = np.asarray(prediction)
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(values.reshape(-1, 1) if values.ndim == 1 else values)
    return text.getvalue()


def csv_matrix(text: str) -> Any:
    """Rows of numbers; an empty cell is missing. The delimiter is guessed from the first line, as the container does.

    The guess can go wrong without an error: a single 0.1 is read as two columns.
    """
    lines = text.split("\n")
    delimiter = sniffed_delimiter(lines[0][:_SNIFFED_CHARACTERS])
    return xgboost.DMatrix(
        np.array([[cell or "nan" for cell in line.split(delimiter)] for line in lines]).astype(float)
    )


def sniffed_delimiter(line: str) -> str:
    """What csv.Sniffer takes for the delimiter of a line, or a comma for what cannot be one. Raises csv.Error."""
    if "," in line and '"' not in line and "'" not in line:
        return ","  # the sniffer prefers it to whatever else a single line without quotes has, and takes a while
    sniffed = csv.Sniffer().sniff(line).delimiter
    return "," if sniffed.isalnum() else sniffed


def sparse_libsvm_matrix(text: str) -> Any:
    """LIBSVM in algorithm mode: what a line does not name is missing. Indices from 1 are shifted, labels left out."""
    from scipy.sparse import csr_matrix

    rows, columns, values = [], [], []
    for number, line in enumerate(text.split("\n")):
        for index, value in _libsvm_pairs(line.split(" ")):
            rows.append(number)
            columns.append(int(index))
            values.append(float(value))
    if columns and min(columns) >= 1:
        columns = [column - 1 for column in columns]
    return xgboost.DMatrix(csr_matrix((values, (rows, columns))))


def _dense_libsvm_matrix(text: str) -> Any:
    """LIBSVM in script mode: what a line does not name is 0."""
    rows = [{int(i): float(value) for i, value in _libsvm_pairs(line.split())} for line in text.strip().split("\n")]
    indices = [index for row in rows for index in row]
    if not indices:
        return xgboost.DMatrix(np.empty((0, 0)))
    first = min(1, *indices) if len(indices) > 1 else min(1, indices[0])
    data = np.zeros((len(rows), max(indices) - first + 1))
    for number, row in enumerate(rows):
        for index, value in row.items():
            data[number, index - first] = value
    return xgboost.DMatrix(data)


def _libsvm_pairs(tokens: list[str]) -> list[list[str]]:
    return [token.split(":")[:2] for token in tokens if ":" in token]


def recordio_matrix(data: bytes) -> Any:
    """RecordIO-protobuf records, dense or sparse; their labels are left out of a prediction."""
    from local.serving.recordio import read

    return xgboost.DMatrix(read(data))
