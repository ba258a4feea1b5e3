"""Tests of pianoroll_tf.data.shard_index: what is indexed, kept, built again, and refused."""

import numpy as np
import pytest
from tiny_run import random_piece, write_records

from pianoroll_tf.data import shard_index
from pianoroll_tf.data.shard_index import index_path, load_index
from pianoroll_tf.errors import UserError

LENGTHS = [4, 9, 1, 30]


@pytest.fixture
def records(tmp_path):
    return write_records(tmp_path / "records", {"train": [random_piece(steps, steps) for steps in LENGTHS], "val": []})


def test_an_index_has_the_place_of_each_record_and_its_steps(records):
    index = load_index(records, "train")
    assert index.names == ("train-00000-of-00002.tfrecord", "train-00001-of-00002.tfrecord")
    assert index.shard.tolist() == [0, 0, 1, 1]
    assert index.steps.tolist() == [4, 1, 9, 30]
    assert index.offset[[0, 2]].tolist() == [0, 0]
    content = (records / index.names[1]).read_bytes()
    length = int.from_bytes(content[:8], "little")
    assert index.offset[3] == 8 + 4 + length + 4  # length, its CRC, record, its CRC
    assert load_index(records, "val").steps.tolist() == []


def test_an_index_is_kept_until_the_shards_change(records, monkeypatch, tmp_path):
    first = load_index(records, "train")
    other = write_records(tmp_path / "other", {"train": [random_piece(7, 7)]})
    index_path(other, "train").write_bytes(index_path(records, "train").read_bytes())
    assert load_index(other, "train").steps.tolist() == [7]
    monkeypatch.setattr(shard_index, "build_index", None)
    for name, value in vars(load_index(records, "train")).items():
        np.testing.assert_array_equal(value, getattr(first, name))


def test_a_damaged_index_is_built_again(records):
    load_index(records, "train")
    index_path(records, "train").write_bytes(b"damaged")
    assert load_index(records, "train").steps.tolist() == [4, 1, 9, 30]


def test_an_index_that_cannot_be_kept_is_used(records, monkeypatch):
    def refuse(*_):
        raise PermissionError

    monkeypatch.setattr(shard_index, "write_arrays", refuse)
    assert load_index(records, "train").steps.tolist() == [4, 1, 9, 30]
    assert not index_path(records, "train").exists()


def test_a_damaged_shard_is_named(records):
    shard = records / "train-00001-of-00002.tfrecord"
    content = bytearray(shard.read_bytes())
    content[-1] ^= 1
    shard.write_bytes(content)
    with pytest.raises(UserError, match=f"{shard.name} is damaged .record 1: the CRC"):
        load_index(records, "train")
