"""Framing and Examples are TensorFlow's own, byte for byte; every damage is found."""

import io
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pianoroll_tf.data.tfrecord import (
    MAX_RECORD_BYTES,
    DamagedRecordError,
    decode_example,
    encode_example,
    frame,
    masked_crc32c,
    read_records,
)

FEATURES = {"counts": b"\x01" * 300, "cells": b"", "sha256": bytes(range(32)), "steps": 300}


def tensorflow_example(features: dict[str, bytes | int]) -> bytes:
    """The same Example, made and serialized by TensorFlow."""
    import tensorflow as tf

    def feature(value: bytes | int) -> tf.train.Feature:
        if isinstance(value, bytes):
            return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))
        return tf.train.Feature(int64_list=tf.train.Int64List(value=[value]))

    example = tf.train.Example(features=tf.train.Features(feature={n: feature(v) for n, v in features.items()}))
    return example.SerializeToString(deterministic=True)


@pytest.mark.parametrize("features", [FEATURES, {"steps": -1}, {"b": b"", "a": 2**63 - 1}, {}])
def test_an_example_has_the_bytes_of_tensorflows(features: dict[str, bytes | int]) -> None:
    assert encode_example(features) == tensorflow_example(features)
    assert decode_example(encode_example(features)) == dict(sorted(features.items()))


def test_a_file_has_the_bytes_of_tensorflows_writer(tmp_path: Path) -> None:
    import tensorflow as tf

    records = [encode_example(FEATURES), b"", b"abc"]
    path = str(tmp_path / "tensorflow.tfrecord")
    with tf.io.TFRecordWriter(path) as writer:
        for record in records:
            writer.write(record)
    assert b"".join(map(frame, records)) == Path(path).read_bytes()


def test_tensorflow_reads_what_is_written(tmp_path: Path) -> None:
    import tensorflow as tf

    path = tmp_path / "ours.tfrecord"
    path.write_bytes(frame(encode_example(FEATURES)) * 2)
    schema = {name: tf.io.FixedLenFeature([], tf.string) for name in ("counts", "cells", "sha256")}
    schema["steps"] = tf.io.FixedLenFeature([], tf.int64)
    parsed = [tf.io.parse_single_example(record, schema) for record in tf.data.TFRecordDataset([str(path)])]
    assert len(parsed) == 2
    assert {name: value.numpy() for name, value in parsed[0].items()} == FEATURES


def test_the_known_crc_of_nine_digits() -> None:
    crc = 0xE3069283  # CRC-32C of "123456789", its published check value
    assert masked_crc32c(b"123456789") == ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


@settings(max_examples=100, deadline=None)
@given(st.lists(st.binary(max_size=50), max_size=5))
def test_what_is_framed_is_read_back(records: list[bytes]) -> None:
    assert list(read_records(io.BytesIO(b"".join(map(frame, records))))) == records


def damages(data: bytes) -> list[DamagedRecordError]:
    return [item for item in read_records(io.BytesIO(data)) if isinstance(item, DamagedRecordError)]


def test_reading_goes_on_after_damaged_bytes_and_ends_at_a_damaged_length() -> None:
    def read(place: int) -> list[object]:
        data = bytearray(b"".join(map(frame, [b"one", b"two", b"three"])))
        data[len(frame(b"one")) + place] ^= 1
        return [item if isinstance(item, bytes) else str(item) for item in read_records(io.BytesIO(bytes(data)))]

    assert read(12) == [b"one", "record 1: the CRC of its bytes does not match", b"three"]
    assert read(0) == [b"one", "record 1: the CRC of its length does not match"]


def test_every_flipped_bit_and_every_cut_is_found_in_its_record() -> None:
    whole = frame(b"first") + frame(b"second")
    for bit in range(len(whole) * 8):
        flipped = bytearray(whole)
        flipped[bit // 8] ^= 1 << bit % 8
        (damage,) = damages(bytes(flipped))
        assert damage.index == (bit // 8 >= len(frame(b"first")))
    for length in set(range(1, len(whole))) - {len(frame(b"first"))}:
        (damage,) = damages(whole[:length])
        assert re.match("record [01]: the file ends within", str(damage))


def test_a_huge_length_asks_for_no_memory() -> None:
    header = (MAX_RECORD_BYTES + 1).to_bytes(8, "little")
    data = header + masked_crc32c(header).to_bytes(4, "little")
    (damage,) = damages(data)
    assert f"its length of {MAX_RECORD_BYTES + 1} bytes" in str(damage)


def test_what_is_no_example_of_single_values_is_refused() -> None:
    with pytest.raises(ValueError, match=r"it is not a tf\.train\.Example"):
        decode_example(b"\xff\xff")
    import tensorflow as tf

    floats = tf.train.Feature(float_list=tf.train.FloatList(value=[1.0]))
    pair = tf.train.Feature(int64_list=tf.train.Int64List(value=[1, 2]))
    for feature in (floats, pair, tf.train.Feature()):
        example = tf.train.Example(features=tf.train.Features(feature={"a": feature}))
        with pytest.raises(ValueError, match="feature a must hold one bytes or int64 value"):
            decode_example(example.SerializeToString())
