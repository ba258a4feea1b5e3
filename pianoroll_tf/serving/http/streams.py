"""Music as server-sent events while it is drawn."""

import asyncio
import contextlib
import json
import logging
import time
from collections.abc import AsyncGenerator
from typing import Any

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from pianoroll_tf.serving.drawing import async_engine
from pianoroll_tf.serving.drawing.engine import PieceRequest
from pianoroll_tf.serving.drawing.registry import ServedVersion
from pianoroll_tf.serving.roll_json import to_pitches
from pianoroll_tf.serving.state import State

STEPS_AHEAD = 512  # of music that never ends, drawn before they are played
HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


class EventStream(StreamingResponse):
    """The events of one piece; its resources are released when the stream ends, for whatever reason."""

    def __init__(
        self, state: State, served: ServedVersion, piece: PieceRequest, resources: contextlib.ExitStack
    ) -> None:
        self._resources, self._events = resources, _events(state, served, piece)
        headers = HEADERS | piece_headers(served, piece)
        super().__init__(self._events, media_type="text/event-stream", headers=headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends the events until the last one, or until the client disconnects."""
        with self._resources:
            async with contextlib.aclosing(self._events):
                await super().__call__(scope, receive, send)


def piece_headers(served: ServedVersion, piece: PieceRequest) -> dict[str, str]:
    """Headers that name what a client needs to request the same piece again."""
    return {"X-Seed": str(piece.seed), "X-Model-Version": str(served.version)}


def piece_facts(served: ServedVersion, piece: PieceRequest) -> dict[str, Any]:
    """What a response says of a piece besides its roll."""
    return {
        "version": served.version,
        "seed": piece.seed,
        "steps": piece.steps,
        "primer_steps": len(piece.primer),
        "steps_per_second": served.grid.rate(piece.tempo),
        "tempo": piece.tempo,
        "meter": str(piece.meter),
        "primer": to_pitches(piece.primer),
    }


async def _events(state: State, served: ServedVersion, piece: PieceRequest) -> AsyncGenerator[str, None]:
    yield _event("begin", piece_facts(served, piece))
    first, started, previous = 0, time.monotonic(), piece.primer
    rate = served.grid.rate(piece.tempo)
    try:
        async with contextlib.aclosing(async_engine.draw_chunks(served.engine, piece)) as chunks:
            async for chunk in chunks:
                await state.queue.wait()
                yield _event("steps", {"first": first, "roll": to_pitches(chunk, previous)})
                first, previous = first + len(chunk), chunk
                if piece.steps == 0 and not await _wait_until(started + (first - STEPS_AHEAD) / rate, state):
                    break
    except Exception:
        logging.getLogger("uvicorn.error").exception("a stream failed")
        yield _event("error", {"error": "the model failed"})
        return
    yield _event("end", {"steps": first, "reason": _reason(piece, first, served.engine.max_steps)})


def _reason(piece: PieceRequest, steps: int, max_steps: int) -> str:
    """Why a piece has ended.

    "length": it has the requested length; "model": the model ended it; "limit": it was cut; "stopped": it would never
    end, and the server stops.

    >>> [_reason(PieceRequest(steps=steps), 8, max_steps=9) for steps in (8, 0, None)]
    ['length', 'stopped', 'model']
    """
    if piece.steps is None:
        return "limit" if steps == max_steps else "model"
    return "length" if piece.steps else "stopped"


async def _wait_until(due: float, state: State) -> bool:
    """Waits until `time.monotonic()` is `due`; returns False, and earlier, if the server is stopping."""
    while not state.is_stopping and time.monotonic() < due:
        await asyncio.sleep(min(0.5, due - time.monotonic()))
    return not state.is_stopping


def _event(name: str, value: Any) -> str:
    return f"event: {name}\ndata: {json.dumps(value, separators=(',', ':'))}\n\n"
