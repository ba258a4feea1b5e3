"""TFRecord framing and tf.train.Example without importing TensorFlow."""

import functools
import struct
from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO

import google_crc32c

MAX_RECORD_BYTES = 1 << 28  # the maximum a reader allocates, even if a length is damaged
_LENGTH, _CRC = struct.Struct("<Q"), struct.Struct("<I")
HEADER_BYTES, FOOTER_BYTES = _LENGTH.size + _CRC.size, _CRC.size


class DamagedRecordError(ValueError):
    """A record that cannot be read; `index` counts records of the file from 0."""

    def __init__(self, index: int, reason: str) -> None:
        super().__init__(f"record {index}: {reason}")
        self.index, self.reason = index, reason


def masked_crc32c(data: bytes) -> int:
    """The CRC-32C of `data`, rotated and shifted as TFRecord files store it.

    Reference: TensorFlow, `tensorflow/core/lib/hash/crc32c.h`.

    >>> hex(masked_crc32c(b""))
    '0xa282ead8'
    """
    crc = google_crc32c.value(data)
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def frame(record: bytes) -> bytes:
    """Frames a record for a TFRecord file: length, CRC of the length, bytes, CRC of the bytes.

    >>> len(frame(b"abc"))
    19
    """
    length = _LENGTH.pack(len(record))
    return length + _CRC.pack(masked_crc32c(length)) + record + _CRC.pack(masked_crc32c(record))


def read_records(file: BinaryIO) -> Iterator[bytes | DamagedRecordError]:
    """Yields the records of an open, uncompressed TFRecord file, and for each damaged one an error in its place.

    After a record with an intact length, reading continues. After one with a damaged length, the start of the next
    record is unknown, so that error is the last item.
    """
    index = 0
    while header := file.read(HEADER_BYTES):
        try:
            length = _checked_length(header, index)
        except DamagedRecordError as error:
            yield error
            return
        body = file.read(length + FOOTER_BYTES)
        if len(body) < length + FOOTER_BYTES:
            yield DamagedRecordError(index, "the file ends within it")
        elif _CRC.unpack(body[length:])[0] != masked_crc32c(body[:length]):
            yield DamagedRecordError(index, "the CRC of its bytes does not match")
        else:
            yield body[:length]
        index += 1


def _checked_length(header: bytes, index: int) -> int:
    """The length in a record's header; raises DamagedRecordError if it is damaged."""
    if len(header) < HEADER_BYTES:
        raise DamagedRecordError(index, "the file ends within its header")
    if _CRC.unpack(header[_LENGTH.size :])[0] != masked_crc32c(header[: _LENGTH.size]):
        raise DamagedRecordError(index, "the CRC of its length does not match")
    length = _LENGTH.unpack(header[: _LENGTH.size])[0]
    if length > MAX_RECORD_BYTES:
        raise DamagedRecordError(index, f"its length of {length} bytes is above {MAX_RECORD_BYTES}")
    return length


def encode_example(features: dict[str, bytes | int]) -> bytes:
    """Serializes a `tf.train.Example`; the same features always give the same bytes.

    Args:
        features: Name → a single value: `bytes` becomes a bytes_list, `int` an int64_list.

    >>> decode_example(encode_example({"steps": 7, "cells": b"ab"}))
    {'cells': b'ab', 'steps': 7}
    """
    example = _example_class()()
    example.features.SetInParent()
    for name, value in features.items():
        feature = example.features.feature[name]
        (feature.bytes_list if isinstance(value, bytes) else feature.int64_list).value.append(value)
    return example.SerializeToString(deterministic=True)


def decode_example(record: bytes) -> dict[str, bytes | int]:
    """Parses an Example of single bytes and int64 values; the features are sorted by name.

    Raises:
        ValueError: `record` is not such an Example.
    """
    from google.protobuf.message import DecodeError

    try:
        example = _example_class().FromString(record)
    except DecodeError as error:
        raise ValueError("it is not a tf.train.Example") from error
    return {name: _single(name, example.features.feature[name]) for name in sorted(example.features.feature)}


def _single(name: str, feature) -> bytes | int:
    """The one value of a feature."""
    kind = feature.WhichOneof("kind")
    values: Sequence[Any] = getattr(feature, kind).value if kind else ()
    if kind == "float_list" or len(values) != 1:
        raise ValueError(f"feature {name} must hold one bytes or int64 value")
    return values[0]


@functools.cache
def _example_class():
    """The message class of tf.train.Example, from a separate pool so that it does not clash with TensorFlow's.

    Reference: TensorFlow, `tensorflow/core/example/{example,feature}.proto` (field numbers and types).
    """
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

    kinds = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name="pianoroll_tf/example.proto", package="tensorflow", syntax="proto3")

    def message(name: str, parent=None):
        return parent.nested_type.add(name=name) if parent else file.message_type.add(name=name)

    def field(owner, name: str, number: int, kind: int, label=kinds.LABEL_OPTIONAL, type_name=None, **more):
        return owner.field.add(name=name, number=number, type=kind, label=label, type_name=type_name, **more)

    for name, kind in (("BytesList", "BYTES"), ("FloatList", "FLOAT"), ("Int64List", "INT64")):
        field(message(name), "value", 1, getattr(kinds, f"TYPE_{kind}"), kinds.LABEL_REPEATED)
    feature = message("Feature")
    feature.oneof_decl.add(name="kind")
    for number, name in enumerate(("bytes", "float", "int64"), start=1):
        target = f".tensorflow.{name.capitalize()}List"
        field(feature, f"{name}_list", number, kinds.TYPE_MESSAGE, type_name=target, oneof_index=0)
    features = message("Features")
    entry = message("FeatureEntry", features)
    entry.options.map_entry = True
    field(entry, "key", 1, kinds.TYPE_STRING)
    field(entry, "value", 2, kinds.TYPE_MESSAGE, type_name=".tensorflow.Feature")
    entry_name = ".tensorflow.Features.FeatureEntry"
    field(features, "feature", 1, kinds.TYPE_MESSAGE, kinds.LABEL_REPEATED, entry_name)
    field(message("Example"), "features", 1, kinds.TYPE_MESSAGE, type_name=".tensorflow.Features")
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("tensorflow.Example"))
