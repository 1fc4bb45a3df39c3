"""RecordIO-protobuf: SageMaker's own record format, in requests and in selected predictions.

Source: the developer guide, "Common Data Formats" (the schema of `Record`, and how records are framed and padded).
It must never be imported by a container that is not sent the format: protobuf costs memory.
"""

import struct
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from scipy.sparse import csr_matrix, vstack

_MAGIC = 0xCED7230A
_FRAME = struct.Struct("<II")
_TYPE = descriptor_pb2.FieldDescriptorProto
_TENSORS = (("float32_tensor", 2, _TYPE.TYPE_FLOAT), ("float64_tensor", 3, _TYPE.TYPE_DOUBLE))
_INT32 = ("int32_tensor", 7, _TYPE.TYPE_INT32)


def read(data: bytes) -> Any:
    """The features of every record as one matrix, sparse when they are. Raises ValueError when there are none."""
    rows = [_row(record.features["values"]) for record in _records(data) if "values" in record.features]
    if not rows:
        raise ValueError("No records found in RecordIO-Protobuf data")
    return np.vstack(rows) if all(isinstance(row, np.ndarray) for row in rows) else vstack(rows).tocsr()


def write(predictions: Iterable[Mapping[str, Any]]) -> bytes:
    """Predictions as records whose labels are 32-bit floats.

    The container does not begin anew for each record, so that each holds all that went before it; nor does this.
    """
    out, body = b"", b""
    for prediction in predictions:
        record = _RECORD()
        for key, value in prediction.items():
            record.label[key].float32_tensor.values.extend(value if isinstance(value, list) else [value])
        body += record.SerializeToString()
        out += _FRAME.pack(_MAGIC, len(body)) + body + b"\0" * (-len(body) % 4)
    return out


def _records(data: bytes) -> Iterator[Any]:
    offset = 0
    while offset + _FRAME.size <= len(data):
        magic, length = _FRAME.unpack_from(data, offset)
        offset += _FRAME.size
        if magic != _MAGIC:
            raise ValueError(f"Invalid RecordIO magic at offset {offset - _FRAME.size}")
        if offset + length > len(data):
            raise ValueError(f"Truncated record at offset {offset}")
        yield _RECORD.FromString(data[offset : offset + length])
        offset += length + -length % 4


def _row(value: Any) -> Any:
    tensor = getattr(value, value.WhichOneof("value"))
    if not tensor.keys:
        return np.array(tensor.values).reshape(1, -1)
    width = tensor.shape[0] if tensor.shape else max(tensor.keys) + 1
    return csr_matrix((list(tensor.values), list(tensor.keys), [0, len(tensor.keys)]), shape=(1, width))


def _record_class() -> Any:
    """The message class of `Record`, built here: a generated module would be longer and tied to protobuf's version."""
    file = descriptor_pb2.FileDescriptorProto(name="record.proto", package="aialgs.data")
    value = descriptor_pb2.DescriptorProto(name="Value")
    value.oneof_decl.add(name="value")
    for name, number, kind in (*_TENSORS, _INT32):
        message = file.message_type.add(name=name.title().replace("_", ""))
        for index, (part, of) in enumerate(
            (("values", kind), ("keys", _TYPE.TYPE_UINT64), ("shape", _TYPE.TYPE_UINT64))
        ):
            field = message.field.add(name=part, number=index + 1, type=of, label=_TYPE.LABEL_REPEATED)
            field.options.packed = True
        value.field.add(
            name=name,
            number=number,
            type=_TYPE.TYPE_MESSAGE,
            type_name=f".aialgs.data.{message.name}",
            label=_TYPE.LABEL_OPTIONAL,
            oneof_index=0,
        )
    file.message_type.append(value)
    record = file.message_type.add(name="Record")
    for name, number in (("features", 1), ("label", 2)):
        entry = record.nested_type.add(name=f"{name.title()}Entry")
        entry.options.map_entry = True
        entry.field.add(name="key", number=1, type=_TYPE.TYPE_STRING, label=_TYPE.LABEL_OPTIONAL)
        entry.field.add(
            name="value", number=2, type=_TYPE.TYPE_MESSAGE, type_name=".aialgs.data.Value", label=_TYPE.LABEL_OPTIONAL
        )
        record.field.add(
            name=name,
            number=number,
            type=_TYPE.TYPE_MESSAGE,
            type_name=f".aialgs.data.Record.{entry.name}",
            label=_TYPE.LABEL_REPEATED,
        )
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("aialgs.data.Record"))


_RECORD = _record_class()
