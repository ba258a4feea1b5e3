"""TFRecord framing and tf.train.Example without importing TensorFlow."""

import functools
import itertools
import struct
from collections.abc import Iterator
from typing import BinaryIO

import google_crc32c

MAX_RECORD_BYTES = 1 << 28  # the maximum a reader allocates, even if a length is damaged
_LENGTH, _CRC = struct.Struct("<Q"), struct.Struct("<I")
HEADER_BYTES, FOOTER_BYTES = _LENGTH.size + _CRC.size, _CRC.size


class DamagedRecordError(ValueError):
    """A record that cannot be read; `index` counts records of the file from 0."""

    def __init__(self, index: int, reason: str) -> None:
        super().__init__(f"record {index}: {reason}")
        self.index = index


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
    for index in itertools.count():
        if not (header := file.read(HEADER_BYTES)):
            return
        if damage := _header_damage(header):
            yield DamagedRecordError(index, damage)
            return
        (length,) = _LENGTH.unpack_from(header)
        body = file.read(length + FOOTER_BYTES)
        if len(body) < length + FOOTER_BYTES:
            yield DamagedRecordError(index, "the file ends within it")
        elif _CRC.unpack_from(body, length)[0] != masked_crc32c(body[:length]):
            yield DamagedRecordError(index, "the CRC of its bytes does not match")
        else:
            yield body[:length]


def _header_damage(header: bytes) -> str:
    """What is wrong with a record's header; empty if nothing."""
    if len(header) < HEADER_BYTES:
        return "the file ends within its header"
    if _CRC.unpack_from(header, _LENGTH.size)[0] != masked_crc32c(header[: _LENGTH.size]):
        return "the CRC of its length does not match"
    (length,) = _LENGTH.unpack_from(header)
    return f"its length of {length} bytes is above {MAX_RECORD_BYTES}" if length > MAX_RECORD_BYTES else ""


def encode_example(features: dict[str, bytes | int]) -> bytes:
    """Serializes a `tf.train.Example`; the same features always give the same bytes.

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
    """Parses an Example of single bytes and int64 values, sorted by name; raises ValueError if it is none."""
    from google.protobuf.message import DecodeError

    try:
        example = _example_class().FromString(record)
    except DecodeError as error:
        raise ValueError("it is not a tf.train.Example") from error
    features = {}
    for name, feature in sorted(example.features.feature.items()):
        values = [*feature.bytes_list.value, *feature.int64_list.value]
        if len(values) != 1:
            raise ValueError(f"feature {name} must hold one bytes or int64 value")
        features[name] = values[0]
    return features


# Reference: TensorFlow, `tensorflow/core/example/{example,feature}.proto` (field numbers and types)
_EXAMPLE_PROTO = """
name: "pianoroll_tf/example.proto" package: "tensorflow" syntax: "proto3"
message_type { name: "BytesList" field { name: "value" number: 1 type: TYPE_BYTES label: LABEL_REPEATED } }
message_type { name: "FloatList" field { name: "value" number: 1 type: TYPE_FLOAT label: LABEL_REPEATED } }
message_type { name: "Int64List" field { name: "value" number: 1 type: TYPE_INT64 label: LABEL_REPEATED } }
message_type {
  name: "Feature"
  oneof_decl { name: "kind" }
  field { name: "bytes_list" number: 1 type: TYPE_MESSAGE type_name: ".tensorflow.BytesList" oneof_index: 0 }
  field { name: "float_list" number: 2 type: TYPE_MESSAGE type_name: ".tensorflow.FloatList" oneof_index: 0 }
  field { name: "int64_list" number: 3 type: TYPE_MESSAGE type_name: ".tensorflow.Int64List" oneof_index: 0 }
}
message_type {
  name: "Features"
  nested_type {
    name: "FeatureEntry"
    field { name: "key" number: 1 type: TYPE_STRING }
    field { name: "value" number: 2 type: TYPE_MESSAGE type_name: ".tensorflow.Feature" }
    options { map_entry: true }
  }
  field {
    name: "feature" number: 1 type: TYPE_MESSAGE label: LABEL_REPEATED type_name: ".tensorflow.Features.FeatureEntry"
  }
}
message_type {
  name: "Example" field { name: "features" number: 1 type: TYPE_MESSAGE type_name: ".tensorflow.Features" }
}
"""


@functools.cache
def _example_class():
    """The message class of tf.train.Example, from a separate pool so that it does not clash with TensorFlow's."""
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, text_format

    pool = descriptor_pool.DescriptorPool()
    pool.Add(text_format.Parse(_EXAMPLE_PROTO, descriptor_pb2.FileDescriptorProto()))
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("tensorflow.Example"))
