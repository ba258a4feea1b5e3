"""Asks an engine for pieces from a coroutine: whole, or chunk by chunk with what was not taken yet bounded."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import numpy as np

from pianoroll_tf.config import NUM_PITCHES
from pianoroll_tf.serving.drawing.engine import Engine, Row
from pianoroll_tf.serving.drawing.piece_request import Asked

WINDOW = 8  # chunks of a stream that are drawn ahead of its reader


async def draw_whole(engine: Engine, asked: list[Asked]) -> list[np.ndarray]:
    """Draws several pieces, uint8 [steps, 84] each; what is cancelled is not drawn on.

    Raises:
        EngineClosedError: The model was dropped before all were taken.
    """
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_whole(engine, one)) for one in asked]
    return [task.result() for task in tasks]


async def _whole(engine: Engine, asked: Asked) -> np.ndarray:
    """One piece; its chunks are kept by the engine's thread, so that the loop is woken once only."""
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[None] = loop.create_future()
    chunks: list[np.ndarray] = []

    def end(error: Exception | None) -> None:
        if ended.done():
            return  # nobody waits any more
        if error is None:
            ended.set_result(None)
        else:
            ended.set_exception(error)

    def heard(what: np.ndarray | Exception | None) -> None:
        if isinstance(what, np.ndarray):
            chunks.append(what)
            return
        with contextlib.suppress(RuntimeError):  # the loop has been closed: the server has ended
            loop.call_soon_threadsafe(end, what)

    row = Row(asked=asked, heard=heard)
    engine.add(row)
    try:
        await ended
    finally:
        engine.drop(row)
    return np.concatenate(chunks) if chunks else np.zeros((0, NUM_PITCHES), np.uint8)


async def draw_chunks(engine: Engine, asked: Asked, window: int = WINDOW) -> AsyncIterator[np.ndarray]:
    """Draws a piece.

    Args:
        engine: Of its model.
        asked: Its settings.
        window: Chunks that may be drawn beyond those taken.

    Yields:
        uint8 [steps, 84], at most `CHUNK_STEPS` steps each.

    Raises:
        EngineClosedError: The model was dropped before it was taken.
    """
    loop = asyncio.get_running_loop()
    arrived: asyncio.Queue[np.ndarray | Exception | None] = asyncio.Queue()

    def heard(what: np.ndarray | Exception | None) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has been closed: the server has ended
            loop.call_soon_threadsafe(arrived.put_nowait, what)

    row = Row(asked=asked, heard=heard, window=window)
    engine.add(row)
    try:
        while (what := await arrived.get()) is not None:
            if isinstance(what, Exception):
                raise what
            yield what
            engine.take(row)
    finally:
        engine.drop(row)
