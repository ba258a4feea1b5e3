"""Many pieces drawn at once, some of which join, wait or leave."""

import concurrent.futures
import dataclasses
import math
import queue

import numpy as np
import pytest
from fake_batches import FakePaddedBatches
from serving_client import until

from pianoroll_tf.config import SamplingConfig
from pianoroll_tf.generation.steering import Chord, Steering
from pianoroll_tf.serving.drawing.engine import Engine, EngineClosedError, PieceRequest, Row
from pianoroll_tf.serving.drawing.padded_batches import CHUNK_STEPS


@pytest.fixture
def batches():
    return FakePaddedBatches()


@pytest.fixture
def engine(batches):
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        made = Engine(batches, pool, active_rows=8)
        yield made
        batches.may_draw.set()
        made.close()


def add(engine, max_ahead=math.inf, **fields):
    outputs = queue.Queue()
    row = Row(request=PieceRequest(**fields), receive=outputs.put, max_ahead=max_ahead)
    engine.add(row)
    return row, outputs


def music(outputs):
    chunks = []
    while (chunk := outputs.get(timeout=60)) is not None:
        if isinstance(chunk, Exception):
            raise chunk
        chunks.append(chunk)
    return np.concatenate(chunks)


@pytest.mark.parametrize("steps", [1, CHUNK_STEPS - 1, CHUNK_STEPS, CHUNK_STEPS + 1, 600])
def test_a_piece_has_its_steps_and_each_block_its_own_numbers(engine, steps):
    _, outputs = add(engine, steps=steps, seed=3)
    roll = music(outputs)
    assert roll.shape == (steps, 84)
    assert roll[:, 0].all()
    assert np.flatnonzero(roll[:, 1]).tolist() == list(range(0, steps, 256))


def test_chunks_of_a_piece_do_not_keep_the_whole_batch_in_memory(engine, batches):
    batches.may_draw.clear()
    rows = [add(engine, steps=64, seed=seed) for seed in range(4)]
    batches.may_draw.set()
    for row, outputs in rows:
        chunks = [outputs.get(timeout=60), outputs.get(timeout=60)]
        assert all(kept.base is None for kept in (*chunks, row.numbers))


def test_pieces_of_all_lengths_together(engine, batches):
    lengths = [1, 500, 32, 33, 64, 7, 300, 256, 257, 12]
    batches.may_draw.clear()
    all_outputs = [add(engine, steps=steps, seed=seed)[1] for seed, steps in enumerate(lengths)]
    batches.may_draw.set()
    for seed, (steps, outputs) in enumerate(zip(lengths, all_outputs, strict=True)):
        roll = music(outputs)
        assert len(roll) == steps
        assert roll[:, 0].all() == bool(seed % 2)
    assert max(batches.drawn) == 4, "not more than the largest batch holds"
    assert engine.rows == 0
    assert engine.counts["steps"] == CHUNK_STEPS * sum(-(-steps // CHUNK_STEPS) for steps in lengths)


def test_a_short_piece_joins_while_a_long_one_is_drawn(engine):
    long, long_outputs = add(engine, steps=0, max_ahead=4)
    assert len(long_outputs.get(timeout=60)) == CHUNK_STEPS
    _, outputs = add(engine, steps=40, seed=1)
    assert len(music(outputs)) == 40
    engine.drop(long)


def test_a_slow_reader_delays_only_its_own_piece(engine):
    row, outputs = add(engine, steps=0, max_ahead=3)
    _, other = add(engine, steps=640)
    assert len(music(other)) == 640
    until(lambda: row.chunks == 3)
    assert outputs.qsize() == 3
    engine.take(row)
    until(lambda: row.chunks == 4)
    engine.drop(row)
    until(lambda: engine.rows == 0)


def test_more_rows_than_are_drawn_at_once_take_turns(engine):
    rows = [add(engine, steps=0, max_ahead=5) for _ in range(20)]
    until(lambda: all(row.chunks == 5 for row, _ in rows))
    for row, _ in rows:
        engine.drop(row)
    until(lambda: engine.rows == 0)


def test_a_dropped_row_receives_nothing_more_and_is_removed(engine, batches):
    batches.may_draw.clear()
    row, outputs = add(engine, steps=100_000)
    engine.drop(row)
    batches.may_draw.set()
    until(lambda: engine.rows == 0)
    assert outputs.qsize() <= 1


def test_an_error_of_the_model_fails_only_the_rows_that_were_drawn(engine, batches):
    batches.error = MemoryError("none left")
    _, outputs = add(engine, steps=10)
    with pytest.raises(MemoryError):
        music(outputs)
    batches.error = None
    _, outputs = add(engine, steps=10)
    assert len(music(outputs)) == 10


def test_a_primer_that_cannot_be_read_fails_its_own_row(engine):
    _, outputs = add(engine, steps=10, density=20.0)
    with pytest.raises(MemoryError):
        music(outputs)
    assert engine.rows == 0


def test_an_empty_primer_is_read_once_per_density_and_other_primers_every_time(engine, batches, monkeypatch):
    read = []
    begin = batches.begin
    monkeypatch.setattr(
        batches, "begin", lambda primer, density, *clock: read.append(density) or begin(primer, density, *clock)
    )
    primer = np.zeros((3, 84), np.uint8)
    for fields in ({}, {"density": 2.0}, {}, {"density": 2.0}, {"primer": primer}, {"primer": primer}, {}):
        _, outputs = add(engine, steps=40, seed=1, **fields)
        assert music(outputs).shape == (40, 84)
    assert read == [1.0, 2.0, 1.0, 1.0]


def test_a_closed_engine_finishes_its_rows_and_accepts_no_more(batches):
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        engine = Engine(batches, pool, active_rows=8)
        _, outputs = add(engine, steps=1000)
        engine.close()
        assert len(music(outputs)) == 1000
        with pytest.raises(EngineClosedError):
            add(engine, steps=1)


def test_defaults_are_those_of_sampling():
    request, sampling = PieceRequest(seed=2), SamplingConfig()
    assert (request.temperature, request.top_p, request.density) == (
        sampling.temperature,
        sampling.top_p,
        sampling.density,
    )
    assert (request.steps, request.seed, request.primer.shape) == (None, 2, (0, 84))


def test_a_request_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        PieceRequest().steps = 1


def test_rows_with_and_without_limits_are_drawn_in_batches_of_their_own(engine, batches):
    batches.may_draw.clear()
    chords = Steering(chords=(Chord(0, (0,)), Chord(40, (1,))))  # pitch classes of cells 0 and 1
    steerings = [Steering(), chords, Steering(lowest=25), Steering(), Steering(polyphony=2), chords]
    row, blocker = add(engine, steps=32)
    until(lambda: row.numbers is not None)  # it is drawn
    all_outputs = [add(engine, steps=70, seed=1, steering=steering)[1] for steering in steerings]
    until(lambda: len(engine._waiting) == len(steerings))
    batches.drawn.clear()
    batches.may_draw.set()
    free, chord, high, _, _, same = [music(outputs) for outputs in all_outputs]
    music(blocker)
    assert free[:, 0].all()
    assert chord[:, 0].tolist() == [1] * 40 + [0] * 30  # steps count across chunks
    assert not chord[:, 1].any()  # cell 1 sounds at the first step, where only cell 0 may
    assert not high[:, 0].any()
    assert high[0, 1]
    np.testing.assert_array_equal(chord, same)
    assert sorted(batches.drawn[1:3]) == [2, 4]  # two free rows, and four with three kinds of limits


def test_rows_with_the_same_primer_read_it_once(engine, batches, monkeypatch):
    primers, begin = [], batches.begin
    monkeypatch.setattr(batches, "begin", lambda *inputs: primers.append(1) or begin(*inputs))
    outputs = queue.Queue()
    primer = np.zeros((3, 84), np.uint8)
    rows = [Row(request=PieceRequest(steps=40, seed=seed, primer=primer), receive=outputs.put) for seed in range(3)]
    engine.add(*rows)
    until(lambda: engine.rows == 0)
    assert primers == [1]
    assert sum(outputs.get() is None for _ in range(9)) == 3


def test_a_primer_that_cannot_be_read_fails_all_its_rows(engine):
    outputs = queue.Queue()
    engine.add(*(Row(request=PieceRequest(density=20.0), receive=outputs.put) for _ in range(2)))
    assert [type(outputs.get(timeout=60)) for _ in range(2)] == [MemoryError] * 2
    until(lambda: engine.rows == 0)
