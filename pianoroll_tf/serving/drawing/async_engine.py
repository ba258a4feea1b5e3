"""Draws pieces for coroutines: whole, or chunk by chunk with a bounded number of chunks drawn ahead of the reader."""

import asyncio
import concurrent.futures
import contextlib
from collections.abc import AsyncGenerator

import numpy as np

from pianoroll_tf.config import NUM_PITCHES
from pianoroll_tf.serving.drawing.engine import Engine, PieceRequest, Row

CHUNKS_AHEAD = 8  # of a stream, drawn before its reader has taken them


async def draw_whole(engine: Engine, requests: list[PieceRequest]) -> list[np.ndarray]:
    """Draws several pieces, uint8 [steps, 84] each; if it is cancelled, no more of them is drawn.

    Raises:
        EngineClosedError: The engine was closed before all pieces were added.
    """
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_draw_piece(engine, request)) for request in requests]
    return [task.result() for task in tasks]


async def _draw_piece(engine: Engine, request: PieceRequest) -> np.ndarray:
    """Draws one piece; the engine's thread collects its chunks, so that the event loop is woken only once."""
    chunks = [np.zeros((0, NUM_PITCHES), np.uint8)]
    ended: concurrent.futures.Future[None] = concurrent.futures.Future()
    ended.set_running_or_notify_cancel()  # so that a reader who is cancelled does not cancel it, too

    def receive(output: np.ndarray | Exception | None) -> None:
        if isinstance(output, np.ndarray):
            chunks.append(output)
        elif output is None:
            ended.set_result(None)
        else:
            ended.set_exception(output)

    row = Row(request=request, receive=receive)
    engine.add(row)
    try:
        await asyncio.wrap_future(ended)
    finally:
        engine.drop(row)
    return np.concatenate(chunks)


async def draw_chunks(
    engine: Engine, request: PieceRequest, max_ahead: int = CHUNKS_AHEAD
) -> AsyncGenerator[np.ndarray, None]:
    """Draws one piece in chunks, uint8 [steps, 84] of up to `CHUNK_STEPS` steps; up to `max_ahead` wait to be read.

    Raises:
        EngineClosedError: The engine was closed before the piece was added.
    """
    loop = asyncio.get_running_loop()
    outputs: asyncio.Queue[np.ndarray | Exception | None] = asyncio.Queue()

    def receive(output: np.ndarray | Exception | None) -> None:
        with contextlib.suppress(RuntimeError):  # the event loop is closed: the server has ended
            loop.call_soon_threadsafe(outputs.put_nowait, output)

    row = Row(request=request, receive=receive, max_ahead=max_ahead)
    engine.add(row)
    try:
        while (output := await outputs.get()) is not None:
            if isinstance(output, Exception):
                raise output
            yield output
            engine.take(row)
    finally:
        engine.drop(row)
