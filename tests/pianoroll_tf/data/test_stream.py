"""Tests of pianoroll_tf.data.stream: pieces by number against those in memory; damage is named."""

import numpy as np
import pytest
import tensorflow as tf
from tiny_run import random_piece, write_records

from pianoroll_tf.config import DatasetConfig, RecordsConfig
from pianoroll_tf.data.loading import load_corpus
from pianoroll_tf.data.pipeline import make_dataset
from pianoroll_tf.data.shard_index import load_index
from pianoroll_tf.data.stream import Stream, reported_failures
from pianoroll_tf.errors import UserError

LENGTHS = [4, 9, 1, 30, 12, 8, 3]


@pytest.fixture
def records(tmp_path):
    pieces = [random_piece(steps, steps) for steps in LENGTHS]
    return write_records(tmp_path / "records", {"train": pieces, "val": []}, 2, RecordsConfig(grid="beats"))


def assert_same(one, two):
    for name, value in vars(one).items():
        np.testing.assert_array_equal(value, getattr(two, name), err_msg=name)


def test_all_pieces_are_those_in_memory(records):
    stream, corpus = Stream(records, "train"), load_corpus(records, "train")
    assert_same(stream.read(np.arange(7)), corpus)
    assert stream.piece_steps.tolist() == corpus.piece_steps.tolist()
    assert stream.steps == corpus.steps == sum(LENGTHS)


def test_some_pieces_are_read_by_their_numbers(records):
    stream, corpus = Stream(records, "train"), load_corpus(records, "train")
    some = stream.read(np.array([1, 3, 5]))
    begins, ends = corpus.piece_offsets[[1, 3, 5]], corpus.piece_offsets[[2, 4, 6]]
    expected = [corpus.counts[begin:end] for begin, end in zip(begins, ends, strict=True)]
    np.testing.assert_array_equal(some.counts, np.concatenate(expected))
    assert len(stream.read(np.arange(0)).counts) == 0


def test_parts_are_the_whole_split_in_order(records):
    parts = list(Stream(records, "train", buffer_steps=20).parts())
    assert len(parts) == 4  # 67 steps
    corpus = load_corpus(records, "train")
    np.testing.assert_array_equal(np.concatenate([part.cells for part in parts]), corpus.cells)
    assert list(Stream(records, "val").parts()) == []


def test_damage_after_the_index_was_built_is_named(records):
    load_index(records, "train")
    shard = records / "train-00001-of-00002.tfrecord"
    content = bytearray(shard.read_bytes())
    content[-1] ^= 1
    shard.write_bytes(content)
    stream = Stream(records, "train")
    assert stream.read(np.arange(4)).steps == 20
    with pytest.raises(UserError, match=rf"{shard.name} is damaged or cannot be read \(record 2: the CRC"):
        stream.read(np.arange(7))
    dataset = make_dataset(stream, DatasetConfig(window_steps=8, batch_size=2), seed=0)
    with pytest.raises(UserError, match=f"{shard.name} is damaged"), reported_failures(stream):
        list(dataset.take(2))
    with pytest.raises(tf.errors.CancelledError), reported_failures(Stream(records, "train")):
        raise tf.errors.CancelledError(None, None, "of another kind")
