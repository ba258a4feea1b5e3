"""Which records each shard holds."""

import io
from pathlib import Path

import numpy as np
import pytest

from pianoroll_tf.config import RecordsConfig
from pianoroll_tf.data.conversion import Piece
from pianoroll_tf.data.journal import Journal
from pianoroll_tf.data.records import PieceRecord, encode_piece, read_manifest
from pianoroll_tf.data.roll import SparseRoll
from pianoroll_tf.data.shards import write_records
from pianoroll_tf.data.splits import choose
from pianoroll_tf.data.tfrecord import read_records


def record(sha256: str) -> PieceRecord:
    """A record that is identified by its digest."""
    roll = SparseRoll(np.ones(1, np.uint8), np.array([128], np.uint8))
    return PieceRecord(roll, bytes.fromhex(sha256.ljust(64, "0")))


def written(folder: Path, split: str) -> list[list[bytes]]:
    """The records of each shard of a split."""
    shards = [(folder / shard["name"]).read_bytes() for shard in read_manifest(folder)["splits"][split]["shards"]]
    return [list(read_records(io.BytesIO(shard))) for shard in shards]


@pytest.mark.parametrize(("shards", "sizes"), [(1, [5]), (2, [2, 3]), (4, [1, 1, 1, 2]), (9, [1] * 5)])
def test_pieces_are_spread_in_the_order_of_their_digests(tmp_path: Path, shards: int, sizes: list[int]) -> None:
    journal = Journal(tmp_path / "journal", {})
    for digest in "51423":
        name = digest.ljust(64, "0")
        facts = {"notes": 2, "steps": 10, "active_cells": 21, "pitch_counts": (0,) * 84, "hold_counts": (1,)}
        piece = Piece(sha256=name, content=name, music=name, record=record(digest), **facts)
        journal.add(digest, "", piece)
    config = RecordsConfig(shards=shards, val=0.0, test=0.0)
    choose(journal, config)
    write_records(journal, config, "seconds", tmp_path)
    shards_found = written(tmp_path, "train")
    assert [len(shard) for shard in shards_found] == sizes
    assert [found for shard in shards_found for found in shard] == [encode_piece(record(name)) for name in "12345"]
    assert written(tmp_path, "val") == []
    journal.close()
