"""Music as server-sent events while it is drawn."""

import asyncio
import contextlib
import json
import logging
import time
from collections.abc import AsyncIterator
from typing import Any

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from pianoroll_tf.data.clock import Meter
from pianoroll_tf.serving.drawing import async_engine
from pianoroll_tf.serving.drawing.piece_request import Asked
from pianoroll_tf.serving.drawing.registry import Served
from pianoroll_tf.serving.roll_json import to_pitches
from pianoroll_tf.serving.state import State

AHEAD_STEPS = 512  # of music without an end, that are drawn before they are due
HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


class EventStream(StreamingResponse):
    """The events of one piece; what it uses is given back when it ends, however it does.

    Args:
        state: Of the server.
        served: The version that draws.
        wanted: What was asked for.
        using: What it gives back.
    """

    def __init__(self, state: State, served: Served, wanted: Asked, using: contextlib.ExitStack) -> None:
        self._using, self._events = using, _events(state, served, wanted)
        headers = HEADERS | {"X-Seed": str(wanted.seed), "X-Model-Version": str(served.version)}
        super().__init__(self._events, media_type="text/event-stream", headers=headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends the events until their end, or until the client goes."""
        with self._using:
            async with contextlib.aclosing(self._events):
                await super().__call__(scope, receive, send)


def rate(served: Served, wanted: Asked) -> float:
    """Steps per second of what is played; on a grid of beats the tempo says so."""
    return served.grid.rate(tempo(served, wanted))


def tempo(served: Served, wanted: Asked) -> float:
    """Quarters per minute: those asked for, or those of the training data."""
    return wanted.tempo or served.model.tempo


def meter(served: Served, wanted: Asked) -> Meter:
    """The time signature asked for, or that of the training data."""
    return wanted.meter or served.model.meter


def facts(served: Served, wanted: Asked) -> dict[str, Any]:
    """What an answer begins with."""
    return {
        "version": served.version,
        "seed": wanted.seed,
        "steps": wanted.steps,
        "primer_steps": len(wanted.primer),
        "steps_per_second": rate(served, wanted),
        "tempo": tempo(served, wanted),
        "meter": str(meter(served, wanted)),
        "primer": to_pitches(wanted.primer),
    }


async def _events(state: State, served: Served, wanted: Asked) -> AsyncIterator[str]:
    yield _event("begin", facts(served, wanted))
    first, begun, before = 0, time.monotonic(), wanted.primer
    try:
        async with contextlib.aclosing(async_engine.draw_chunks(served.engine, wanted)) as chunks:
            async for chunk in chunks:
                await state.turns.wait()
                yield _event("steps", {"first": first, "roll": to_pitches(chunk, before)})
                first, before = first + len(chunk), chunk
                if wanted.steps == 0 and not await _go_on(state, begun + (first - AHEAD_STEPS) / rate(served, wanted)):
                    break
    except Exception:
        logging.getLogger("uvicorn.error").exception("a stream failed")
        yield _event("error", {"error": "the model failed"})
        return
    yield _event("end", {"steps": first, "reason": _reason(wanted, first, served.engine.most_steps)})


def _reason(wanted: Asked, steps: int, most_steps: int) -> str:
    """Why a piece of so many steps has ended.

    Args:
        wanted: What was asked for.
        steps: Of the piece.
        most_steps: Of a piece that the model ends.

    Returns:
        "length" where the steps asked for are complete, "model" where the model ended the piece, "limit" where the
        piece reached the bound first, "stopped" where the server stops.

    >>> [_reason(Asked(steps=asked), 8, most_steps=9) for asked in (8, 0, None)]
    ['length', 'stopped', 'model']
    """
    if wanted.steps is None:
        return "limit" if steps == most_steps else "model"
    return "length" if wanted.steps else "stopped"


async def _go_on(state: State, due: float) -> bool:
    """Waits until more of music without an end is due; whether there is to be more."""
    while not state.is_stopping and time.monotonic() < due:
        await asyncio.sleep(min(0.5, due - time.monotonic()))
    return not state.is_stopping


def _event(name: str, value: Any) -> str:
    return f"event: {name}\ndata: {json.dumps(value, separators=(',', ':'))}\n\n"
