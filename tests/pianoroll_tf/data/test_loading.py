"""Tests of pianoroll_tf.data.loading: what is read is what was written, and damage is named."""

import numpy as np
import pytest
from tiny_run import random_piece, write_records

from pianoroll_tf.data.loading import join_pieces, load_corpus
from pianoroll_tf.data.roll import from_dense
from pianoroll_tf.errors import UserError


def test_a_split_is_read_back(tmp_path):
    rolls = [random_piece(steps, seed=steps) for steps in (1, 40, 7, 300)]
    records = write_records(tmp_path / "records", {"train": rolls, "val": rolls[:1], "test": []}, shards=2)
    corpus = load_corpus(records, "train")
    sparse = [from_dense(roll) for roll in (rolls[0], rolls[2], rolls[1], rolls[3])]  # shards hold every second piece
    np.testing.assert_array_equal(corpus.counts, np.concatenate([roll.counts for roll in sparse]))
    np.testing.assert_array_equal(corpus.cells, np.concatenate([roll.cells for roll in sparse]))
    assert corpus.piece_offsets.tolist() == [0, 1, 8, 48, 348]
    assert corpus.piece_steps.tolist() == [1, 7, 40, 300]


def test_pieces_without_a_sounding_cell_are_kept(tmp_path):
    silent = np.zeros((5, 84), np.uint8)
    corpus = load_corpus(write_records(tmp_path / "records", {"train": [silent, silent]}, shards=1), "train")
    assert corpus.piece_offsets.tolist() == [0, 5, 10]
    assert corpus.cells.size == 0


def test_an_empty_split_has_no_pieces(tmp_path):
    records = write_records(tmp_path / "records", {"train": [random_piece(4, 0)], "test": []})
    corpus = load_corpus(records, "test")
    assert corpus.piece_offsets.tolist() == [0]
    assert len(join_pieces([], []).counts) == 0


def test_a_shard_cut_at_a_record_border_is_named(tmp_path):
    records = write_records(tmp_path / "records", {"train": [random_piece(9, 0)] * 3}, shards=1)
    shard = next(records.glob("train-*"))
    content = shard.read_bytes()
    shard.write_bytes(content[: len(content) // 3])
    with pytest.raises(UserError, match=shard.name):
        load_corpus(records, "train")


def test_a_shard_with_fewer_records_of_the_same_size_is_named(tmp_path):
    records = write_records(tmp_path / "records", {"train": [random_piece(9, 0)] * 3}, shards=1)
    shard = next(records.glob("train-*"))
    other = write_records(tmp_path / "other", {"train": [random_piece(30, 1, density=0.01)]}, shards=1)
    content = next(other.glob("train-*")).read_bytes()
    shard.write_bytes(content + bytes(shard.stat().st_size - len(content)))
    with pytest.raises(UserError, match=f"{shard.name} is damaged"):
        load_corpus(records, "train")


@pytest.mark.parametrize("at", [0, 9, 20, -1])
def test_a_flipped_bit_is_named(tmp_path, at):
    records = write_records(tmp_path / "records", {"train": [random_piece(9, 0)]}, shards=1)
    shard = next(records.glob("train-*"))
    content = bytearray(shard.read_bytes())
    content[at] ^= 4
    shard.write_bytes(content)
    with pytest.raises(UserError, match=shard.name):
        load_corpus(records, "train")


def test_records_that_contradict_themselves_are_named(tmp_path, monkeypatch):
    monkeypatch.setattr("tiny_run.from_dense", lambda roll: _Wrong(from_dense(roll)))
    records = write_records(tmp_path / "records", {"train": [random_piece(9, 0)]}, shards=1)
    with pytest.raises(UserError, match=r"train-00000-of-00001.tfrecord is damaged \(the number of cells"):
        load_corpus(records, "train")


class _Wrong:
    """A sparse roll that lacks its last cell."""

    def __init__(self, roll):
        self.counts, self.cells, self.hold_lengths = roll.counts, roll.cells[:-1], roll.hold_lengths
