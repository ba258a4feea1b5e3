"""Music as server-sent events while it is drawn."""

import asyncio
import contextlib
import dataclasses
import hashlib
import json
import logging
import re
import time
from collections.abc import AsyncGenerator, Mapping
from typing import Any, NamedTuple

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from pianoroll_tf.serving.drawing import async_engine
from pianoroll_tf.serving.drawing.engine import PieceRequest
from pianoroll_tf.serving.drawing.registry import ServedVersion
from pianoroll_tf.serving.refusals import InvalidRequestError
from pianoroll_tf.serving.roll_json import to_pitches
from pianoroll_tf.serving.state import State

STEPS_AHEAD = 512  # of music that never ends, drawn before they are played
HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
EVENT_ID = r"(\d{1,16})-(\d{1,16})-(\d{1,16})-([0-9a-f]{16})"


class EventId(NamedTuple):
    """The id of an event: what a client needs, besides its request, to resume the stream after that event.

    Attributes:
        version: Of the model.
        seed: Of the piece.
        steps: Of the music that have been sent, without the primer.
        piece: `piece_digest` of what was requested.
    """

    version: int
    seed: int
    steps: int
    piece: str

    def __str__(self) -> str:
        return "-".join(map(str, self))

    def resumed_fields(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """The fields of the request that is resumed, with the version and seed of the stream.

        >>> EventId(2, 5, 32, "0" * 16).resumed_fields({"steps": 64})
        {'steps': 64, 'version': 2, 'seed': 5}

        Raises:
            InvalidRequestError: They name another version or seed.
        """
        own = {"version": self.version, "seed": self.seed}
        self._check(all(values.get(name, value) == value for name, value in own.items()))
        return dict(values) | own

    def check_piece(self, piece: PieceRequest) -> None:
        """Raises InvalidRequestError unless the stream was one of this piece: others would follow it without a seam."""
        self._check(self.piece == piece_digest(piece) and not 0 < (piece.steps or 0) < self.steps)

    def _check(self, is_same: bool) -> None:
        if not is_same:
            raise InvalidRequestError(f"Last-Event-ID must be of a stream of the same request. Received: {self}")


def parse_event_id(text: str, max_steps: int) -> EventId:
    """The id in a Last-Event-ID header.

    >>> parse_event_id("2-5-32-0123456789abcdef", max_steps=64).steps
    32

    Raises:
        InvalidRequestError: It is not an id of this server, or more than `max_steps` would be drawn again.
    """
    found = re.fullmatch(EVENT_ID, text, re.ASCII)
    if not found or int(found[3]) > max_steps:
        allowed = f"the id of an event, with at most {max_steps} steps"
        raise InvalidRequestError(f"Last-Event-ID must be {allowed}. Received: {text:.60}")
    version, seed, steps, piece = found.groups()
    return EventId(int(version), int(seed), int(steps), piece)


def piece_digest(piece: PieceRequest) -> str:
    """16 hexadecimal digits that tell what was requested from any other request.

    >>> piece_digest(PieceRequest(steps=8)) == piece_digest(PieceRequest(steps=8, top_p=0.5))
    False
    """
    values = {field.name: getattr(piece, field.name) for field in dataclasses.fields(piece)}
    primer = values.pop("primer")
    content = repr(sorted(values.items())).encode() + primer.tobytes()
    return hashlib.sha256(content).hexdigest()[:16]


class EventStream(StreamingResponse):
    """The events of one piece; its resources are released when the stream ends, for whatever reason.

    A stream that resumes after an event begins with the next one. Nothing is kept for it: the steps before are drawn
    again from the seed, as they were, so that another process can resume it too.
    """

    def __init__(
        self,
        state: State,
        served: ServedVersion,
        piece: PieceRequest,
        resources: contextlib.ExitStack,
        after: EventId | None = None,
    ) -> None:
        self._resources, self._events = resources, _events(state, served, piece, after)
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


async def _events(
    state: State, served: ServedVersion, piece: PieceRequest, after: EventId | None
) -> AsyncGenerator[str, None]:
    first, sent, digest = 0, after.steps if after else 0, piece_digest(piece)
    if after is None:
        yield _event("begin", piece_facts(served, piece), EventId(served.version, piece.seed, 0, digest))
    previous, rate = piece.primer, served.grid.rate(piece.tempo)
    started = time.monotonic() - max(0, sent - STEPS_AHEAD) / rate
    try:
        async with contextlib.aclosing(async_engine.draw_chunks(served.engine, piece)) as chunks:
            async for chunk in chunks:
                end = first + len(chunk)
                if end > sent:
                    await state.queue.wait()
                    pitches = to_pitches(chunk, previous)[max(0, sent - first) :]
                    last = EventId(served.version, piece.seed, end, digest)
                    yield _event("steps", {"first": end - len(pitches), "roll": pitches}, last)
                first, previous = end, chunk
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


def _event(name: str, value: Any, event_id: EventId | None = None) -> str:
    own_id = "" if event_id is None else f"\nid: {event_id}"
    return f"event: {name}\ndata: {json.dumps(value, separators=(',', ':'))}{own_id}\n\n"
