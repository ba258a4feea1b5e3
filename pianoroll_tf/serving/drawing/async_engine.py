"""Draws pieces for coroutines: whole, or chunk by chunk with a bounded number of chunks drawn ahead of the reader."""

import asyncio
import concurrent.futures
import contextlib
import dataclasses
from collections.abc import AsyncGenerator

import numpy as np

from pianoroll_tf.config import NUM_PITCHES
from pianoroll_tf.generation.infilling import SCORED_ROLLS, Filling, Gap, choose
from pianoroll_tf.serving.drawing.engine import Engine, PieceRequest, Row

CHUNKS_AHEAD = 8  # of a stream, drawn before its reader has taken them


async def draw_whole(engine: Engine, requests: list[PieceRequest]) -> list[np.ndarray]:
    """Draws several pieces, uint8 [steps, 84] each; if it is cancelled, no more of them is drawn.

    Raises:
        EngineClosedError: The engine was closed before all pieces were added.
    """
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_draw_alike(engine, [request])) for request in requests]
    return [piece for task in tasks for piece in task.result()]


async def fill_gap(engine: Engine, gap: Gap, request: PieceRequest, particles: int) -> Filling:
    """Fills a gap as `infilling.fill` does; `request` is that of the first particle, the others have the next seeds.

    The rolls are scored a few at a time, so that other pieces are drawn in between.

    Raises:
        EngineClosedError: The engine was closed before it began.
    """
    requests = [dataclasses.replace(request, seed=request.seed + number) for number in range(particles)]
    music = np.stack(await _draw_alike(engine, requests))
    found = []
    for first in range(0, particles, SCORED_ROLLS):
        found.append(await asyncio.wrap_future(engine.score(gap, music[first : first + SCORED_ROLLS])))
    return choose(music, np.concatenate(found), request.seed)


class _Collected:
    """A row whose chunks the engine's thread collects, so that the event loop is woken only once."""

    def __init__(self, request: PieceRequest) -> None:
        self.chunks = [np.zeros((0, NUM_PITCHES), np.uint8)]
        self.ended: concurrent.futures.Future[None] = concurrent.futures.Future()
        self.ended.set_running_or_notify_cancel()  # so that a reader who is cancelled does not cancel it, too
        self.row = Row(request=request, receive=self._receive)

    def _receive(self, output: np.ndarray | Exception | None) -> None:
        if isinstance(output, np.ndarray):
            self.chunks.append(output)
        elif output is None:
            self.ended.set_result(None)
        else:
            self.ended.set_exception(output)


async def _draw_alike(engine: Engine, requests: list[PieceRequest]) -> list[np.ndarray]:
    """Draws pieces that differ only in their seeds, or one piece; the primer is read once."""
    drawn = [_Collected(request) for request in requests]
    engine.add(*(one.row for one in drawn))
    try:
        await asyncio.gather(*(asyncio.wrap_future(one.ended) for one in drawn))
    finally:
        for one in drawn:
            engine.drop(one.row)
    return [np.concatenate(one.chunks) for one in drawn]


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
