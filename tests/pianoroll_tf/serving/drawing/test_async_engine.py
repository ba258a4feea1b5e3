"""Pieces drawn for coroutines."""

import asyncio
import concurrent.futures
import contextlib

import numpy as np
import pytest
from fake_batches import FakePaddedBatches
from serving_client import until

from pianoroll_tf.data.clock import Meter
from pianoroll_tf.generation.continuation import Primer
from pianoroll_tf.generation.infilling import Gap
from pianoroll_tf.serving.drawing.async_engine import CHUNKS_AHEAD, draw_chunks, draw_whole, fill_gap
from pianoroll_tf.serving.drawing.engine import Engine, PieceRequest


@pytest.fixture
def engine():
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        made = Engine(FakePaddedBatches(), pool, active_rows=8)
        yield made
        made.close()


def test_several_pieces_are_returned_in_order(engine):
    rolls = asyncio.run(draw_whole(engine, [PieceRequest(steps=steps, seed=steps) for steps in (5, 100, 31)]))
    assert [len(roll) for roll in rolls] == [5, 100, 31]
    assert [bool(roll[:, 0].all()) for roll in rolls] == [True, False, True]


def test_a_stream_is_drawn_ahead_by_a_few_chunks_only(engine):
    async def listen():
        async with contextlib.aclosing(draw_chunks(engine, PieceRequest(steps=0))) as chunks:
            lengths = [len(await anext(chunks)) for _ in range(3)]
            await asyncio.sleep(0.2)
            return lengths, engine.counts["chunks"]

    lengths, drawn = asyncio.run(listen())
    assert lengths == [32, 32, 32]
    assert drawn <= 3 + CHUNKS_AHEAD
    until(lambda: engine.rows == 0)


def test_cancelled_pieces_are_not_drawn_any_further(engine):
    async def give_up():
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.05):
                await draw_whole(engine, [PieceRequest(steps=10**9) for _ in range(3)])

    asyncio.run(give_up())
    until(lambda: engine.rows == 0)


def test_errors_are_raised(engine):
    with pytest.raises(ExceptionGroup) as caught:
        asyncio.run(draw_whole(engine, [PieceRequest(density=20.0)]))
    assert caught.group_contains(MemoryError)


def gap_and_request(**fields):
    """A gap of 100 steps in a piece of 300, and the request for its first particle."""
    gap = Gap.of(Primer(np.zeros((300, 84), np.uint8)), 100, 200, 64, 4, Meter())
    return gap, PieceRequest(steps=gap.steps, primer=gap.before, **fields)


def test_a_gap_is_filled_by_the_particle_that_what_follows_continues(engine, monkeypatch):
    """Of the seeds 4 to 13 the odd ones sound; of these, only the first is what the last bars can follow."""
    scored, primers = [], []

    def log_likelihood(rolls, meter, place):
        scored.append(len(rolls))
        sounds = rolls[:, len(gap.before) + 50, 0] != 0
        nats = np.zeros(rolls.shape[:2], np.float32)
        nats[:, -1] = np.where(sounds, 0.0, -50.0)
        return nats

    begin = engine._batches.begin
    monkeypatch.setattr(engine._batches, "log_likelihood", log_likelihood)
    monkeypatch.setattr(engine._batches, "begin", lambda *inputs: primers.append(1) or begin(*inputs))
    gap, request = gap_and_request(seed=4)
    filling = asyncio.run(fill_gap(engine, gap, request, particles=10))
    assert filling.chosen in (1, 3, 5, 7, 9)
    assert filling.music[:, 0].all()
    assert filling.effective == pytest.approx(5.0)
    assert filling.log_likelihoods.tolist() == [-50.0, 0.0] * 5
    assert (scored, primers) == ([8, 2], [1])  # a few rolls at a time; the primer of all particles is read once
    until(lambda: engine.rows == 0)


def test_a_gap_that_nobody_waits_for_is_not_filled(engine):
    async def give_up():
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.05):
                await fill_gap(engine, *gap_and_request(), particles=8)

    engine._batches.may_draw.clear()
    asyncio.run(give_up())
    engine._batches.may_draw.set()
    until(lambda: engine.rows == 0)


def test_an_error_of_the_model_ends_the_filling(engine):
    engine._batches.error = MemoryError("full")
    with pytest.raises(MemoryError):
        asyncio.run(fill_gap(engine, *gap_and_request(), particles=8))
    until(lambda: engine.rows == 0)
