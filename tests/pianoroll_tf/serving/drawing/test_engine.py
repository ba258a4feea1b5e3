"""Many pieces drawn at once: who joins, who waits, who goes."""

import concurrent.futures
import queue

import numpy as np
import pytest
from fake_tiles import FakeTiles
from serving_client import until

from pianoroll_tf.serving.drawing.engine import Engine, EngineClosedError, Row
from pianoroll_tf.serving.drawing.padded_batches import CHUNK_STEPS
from pianoroll_tf.serving.drawing.piece_request import Asked


@pytest.fixture
def tiles():
    return FakeTiles()


@pytest.fixture
def engine(tiles):
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        made = Engine(tiles, pool, active_rows=8)
        yield made
        tiles.may_draw.set()
        made.close()


def add(engine, window=None, **asked):
    heard = queue.Queue()
    row = Row(asked=Asked(**asked), heard=heard.put, window=window)
    engine.add(row)
    return row, heard


def music(heard):
    chunks = []
    while (chunk := heard.get(timeout=60)) is not None:
        if isinstance(chunk, Exception):
            raise chunk
        chunks.append(chunk)
    return np.concatenate(chunks)


@pytest.mark.parametrize("steps", [1, CHUNK_STEPS - 1, CHUNK_STEPS, CHUNK_STEPS + 1, 600])
def test_a_piece_has_its_steps_and_each_block_its_own_numbers(engine, steps):
    _, heard = add(engine, steps=steps, seed=3)
    roll = music(heard)
    assert roll.shape == (steps, 84)
    assert roll[:, 0].all()
    assert np.flatnonzero(roll[:, 1]).tolist() == list(range(0, steps, 256))


def test_what_is_kept_of_a_piece_does_not_keep_its_whole_batch(engine, tiles):
    tiles.may_draw.clear()
    rows = [add(engine, steps=64, seed=seed) for seed in range(4)]
    tiles.may_draw.set()
    for row, heard in rows:
        chunks = [heard.get(timeout=60), heard.get(timeout=60)]
        assert all(kept.base is None for kept in (*chunks, row.numbers))


def test_pieces_of_all_lengths_together(engine, tiles):
    lengths = [1, 500, 32, 33, 64, 7, 300, 256, 257, 12]
    tiles.may_draw.clear()
    heards = [add(engine, steps=steps, seed=seed)[1] for seed, steps in enumerate(lengths)]
    tiles.may_draw.set()
    for seed, (steps, heard) in enumerate(zip(lengths, heards, strict=True)):
        roll = music(heard)
        assert len(roll) == steps
        assert roll[:, 0].all() == bool(seed % 2)
    assert max(tiles.batches) == 4, "not more than the largest tile holds"
    assert engine.rows == 0
    assert engine.counts.rows == sum(-(-steps // CHUNK_STEPS) for steps in lengths)


def test_a_short_piece_joins_while_a_long_one_is_drawn(engine):
    long, long_heard = add(engine, steps=0, window=4)
    assert len(long_heard.get(timeout=60)) == CHUNK_STEPS
    _, heard = add(engine, steps=40, seed=1)
    assert len(music(heard)) == 40
    engine.drop(long)


def test_a_reader_that_takes_nothing_holds_up_itself_alone(engine):
    row, heard = add(engine, steps=0, window=3)
    _, other = add(engine, steps=640)
    assert len(music(other)) == 640
    until(lambda: row.chunks == 3)
    assert heard.qsize() == 3
    engine.take(row)
    until(lambda: row.chunks == 4)
    engine.drop(row)
    until(lambda: engine.rows == 0)


def test_more_rows_than_are_drawn_at_once_take_turns(engine):
    rows = [add(engine, steps=0, window=5) for _ in range(20)]
    until(lambda: all(row.chunks == 5 for row, _ in rows))
    for row, _ in rows:
        engine.drop(row)
    until(lambda: engine.rows == 0)


def test_who_has_gone_is_told_nothing_and_leaves_nothing(engine, tiles):
    tiles.may_draw.clear()
    row, heard = add(engine, steps=100_000)
    engine.drop(row)
    tiles.may_draw.set()
    until(lambda: engine.rows == 0)
    assert heard.qsize() <= 1


def test_a_model_that_fails_fails_those_it_was_drawing_and_no_others(engine, tiles):
    tiles.error = MemoryError("none left")
    _, heard = add(engine, steps=10)
    with pytest.raises(MemoryError):
        music(heard)
    tiles.error = None
    _, heard = add(engine, steps=10)
    assert len(music(heard)) == 10


def test_a_primer_that_cannot_be_read_fails_its_own_row(engine):
    _, heard = add(engine, steps=10, density=20.0)
    with pytest.raises(MemoryError):
        music(heard)
    assert engine.rows == 0


def test_no_primer_is_read_once_a_density_and_each_primer_anew(engine, tiles, monkeypatch):
    read = []
    begin = tiles.begin
    monkeypatch.setattr(
        tiles, "begin", lambda primer, density, *clock: read.append(density) or begin(primer, density, *clock)
    )
    primer = np.zeros((3, 84), np.uint8)
    for asked in ({}, {"density": 2.0}, {}, {"density": 2.0}, {"primer": primer}, {"primer": primer}, {}):
        _, heard = add(engine, steps=40, seed=1, **asked)
        assert music(heard).shape == (40, 84)
    assert read == [1.0, 2.0, 1.0, 1.0]


def test_a_closed_engine_ends_what_it_has_and_takes_no_more(tiles):
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        engine = Engine(tiles, pool, active_rows=8)
        _, heard = add(engine, steps=1000)
        engine.close()
        assert len(music(heard)) == 1000
        with pytest.raises(EngineClosedError):
            add(engine, steps=1)
