"""What is gathered while a shard is written."""

import hashlib
import io

import numpy as np
import pytest

from pianoroll_tf.data.clock import Meter
from pianoroll_tf.data.records import PieceRecord, encode_piece
from pianoroll_tf.data.roll import SparseRoll
from pianoroll_tf.data.shard_facts import ShardFacts, write_shard
from pianoroll_tf.data.tfrecord import frame


def record(steps: int, meters: tuple[tuple[int, Meter], ...] = (), microseconds: int = 500_000) -> bytes:
    """A piece with one struck note at every step."""
    roll = SparseRoll(np.ones(steps, np.uint8), np.full(steps, 128, np.uint8))
    return encode_piece(PieceRecord(roll, bytes(32), meters, microseconds))


@pytest.mark.parametrize("steps_per_beat", [None, 2])
def test_facts_of_two_pieces_by_hand(steps_per_beat: int | None) -> None:
    records = [record(8, ((0, Meter(4, 4)), (6, Meter(3, 4)))), record(3, microseconds=400_000)]
    file = io.BytesIO()
    facts = write_shard(records, file, steps_per_beat)
    assert file.getvalue() == frame(records[0]) + frame(records[1])
    assert (facts.bytes, facts.sha256) == (len(file.getvalue()), hashlib.sha256(file.getvalue()).hexdigest())
    assert facts.microseconds == [500_000, 400_000]
    assert facts.meter_steps == ({} if steps_per_beat is None else {"4/4": 9, "3/4": 2})
    assert facts.struck_counts == ([11] if steps_per_beat is None else [6, 5])
    assert sum(steps for _, steps in facts.averages) == 11
    assert ShardFacts.from_json(facts.to_json()) == facts


def test_an_empty_shard() -> None:
    assert write_shard([], io.BytesIO(), None) == ShardFacts(0, hashlib.sha256().hexdigest(), [], {}, [0], [])
