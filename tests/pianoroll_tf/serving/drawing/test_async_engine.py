"""Pieces drawn for coroutines."""

import asyncio
import concurrent.futures
import contextlib

import pytest
from fake_batches import FakePaddedBatches
from serving_client import until

from pianoroll_tf.serving.drawing.async_engine import CHUNKS_AHEAD, draw_chunks, draw_whole
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
