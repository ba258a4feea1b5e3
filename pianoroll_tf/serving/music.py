"""The paths that make music: /about, /primer, /generate, whole or as a stream."""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import numpy as np
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from pianoroll_tf.config import LOWEST_PITCH, NUM_PITCHES
from pianoroll_tf.generation.render import midi_bytes, to_midi
from pianoroll_tf.serving import asked, bodies, service
from pianoroll_tf.serving.asked import Asked
from pianoroll_tf.serving.examples import example_primers
from pianoroll_tf.serving.refusals import Refusal, bad
from pianoroll_tf.serving.registry import Served
from pianoroll_tf.serving.roll_json import to_pitches
from pianoroll_tf.serving.state import State, state_of

STEPS_PER_SECOND_AT_120 = 2.0  # for each step a beat
AHEAD_STEPS = 512  # of music without an end, that are drawn before they are due


def rate(served: Served) -> float:
    """Steps a second of what is played; models on a grid of beats play at 120 quarters a minute."""
    return served.steps_per_second or served.grid.steps_per_beat * STEPS_PER_SECOND_AT_120


async def about(request: Request) -> Response:
    """`GET /about`: what the page must know."""
    state = state_of(request)
    served = state.registry.get()
    ranges = {name: _range(field.metadata) for name, field in asked.SETTINGS.items()}
    limits = {"steps": [1, state.limits.most_steps], **ranges, "seed": [0, asked.LARGEST_SEED]}
    statuses = state.registry.statuses.items()
    return JSONResponse(
        {
            "model": state.registry.name,
            "versions": [{"version": version, "state": status.state} for version, status in statuses],
            "default_version": served.version,
            "pitches": {"lowest": LOWEST_PITCH, "count": NUM_PITCHES},
            "steps_per_second": served.steps_per_second,
            "steps_per_beat": None if served.steps_per_second else served.grid.steps_per_beat,
            "density": served.model.density,
            "longest_primer_steps": state.limits.primer_steps,
            "defaults": {"steps": asked.STEPS, "temperature": Asked.temperature, "top_p": Asked.top_p, "density": None},
            "limits": limits | {"upload_bytes": state.limits.body_bytes},
            "example_primers": example_primers(served.grid, state.limits.primer_steps),
        }
    )


async def primer(request: Request) -> Response:
    """`POST /primer`: the roll of a MIDI file."""
    state = state_of(request)
    form = await bodies.read_form(request, state.limits)
    if form.upload is None:
        raise bad("primer must be an uploaded MIDI file. Received: none")
    served = state.registry.get(asked.ask(form.fields, state.limits).version)
    read = await run_in_threadpool(state.primers.read, form.upload, served.grid)
    return _json(
        {"steps": len(read.roll), "roll": to_pitches(read.roll), "notes": read.notes, "left_out": read.left_out}
    )


async def generate(request: Request) -> Response:
    """`POST /generate`: music, as MIDI, as a roll in JSON, or as a stream of events."""
    state = state_of(request)
    is_stream = _is_stream(request)
    fields, upload = await bodies.read_fields(request, state.limits)
    wanted = asked.ask(fields, state.limits, endless=is_stream)
    served = state.registry.get(wanted.version)
    if upload is not None:
        read = await run_in_threadpool(state.primers.read, upload, served.grid)
        wanted = asked.ask(fields | {"seed": wanted.seed}, state.limits, endless=is_stream, primer=read.roll)
    state.check_room(rows=1)
    if is_stream:
        return _stream(state, served, wanted)
    [roll] = await state.draw(request, served, [wanted])
    headers = {"X-Seed": str(wanted.seed), "X-Model-Version": str(served.version)}
    if wanted.output == "roll":
        return _json(_facts(served, wanted) | {"lowest_pitch": LOWEST_PITCH, "roll": to_pitches(roll)}, headers)
    content = await run_in_threadpool(_midi, np.concatenate([wanted.primer, roll]), rate(served))
    name = f"{state.registry.name}-{served.version}-{wanted.seed}.mid".encode("ascii", "replace").decode()
    headers["Content-Disposition"] = f'attachment; filename="{"".join(_safe(char) for char in name)}"'
    return Response(content, media_type="audio/midi", headers=headers)


def _midi(roll: np.ndarray, steps_per_second: float) -> bytes:
    return midi_bytes(to_midi(roll, steps_per_second))


def _safe(char: str) -> str:
    return char if char.isalnum() or char in "-._" else "_"


def _is_stream(request: Request) -> bool:
    value = request.query_params.get("stream", "0")
    if value not in ("0", "1"):
        raise bad(f"stream must be 0 or 1. Received: stream={value:.80}")
    return value == "1"


def _range(limits: Any) -> list[float]:
    """The lowest and highest value of a setting; one above a bound begins a little above it."""
    return [limits["minimum"] if "minimum" in limits else limits["above"] + 0.01, limits["maximum"]]


def _facts(served: Served, wanted: Asked) -> dict[str, Any]:
    """What an answer in JSON begins with."""
    return {
        "version": served.version,
        "seed": wanted.seed,
        "steps": wanted.steps,
        "primer_steps": len(wanted.primer),
        "steps_per_second": rate(served),
        "primer": to_pitches(wanted.primer),
    }


def _json(value: Any, headers: dict[str, str] | None = None) -> Response:
    return Response(json.dumps(value, separators=(",", ":")), media_type="application/json", headers=headers)


def _stream(state: State, served: Served, wanted: Asked) -> Response:
    """Music as server-sent events while it is drawn."""
    events = state.count_stream(_events(served, wanted, lambda: state.is_stopping))
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no", "X-Seed": str(wanted.seed)}
    return StreamingResponse(events, media_type="text/event-stream", headers=headers)


async def _events(served: Served, wanted: Asked, is_stopping: Callable[[], bool]) -> AsyncIterator[str]:
    yield _event("begin", _facts(served, wanted))
    first, begun = 0, time.monotonic()
    try:
        async with contextlib.aclosing(service.draw_chunks(served.engine, wanted)) as chunks:
            async for chunk in chunks:
                yield _event("steps", {"first": first, "roll": to_pitches(chunk)})
                first += len(chunk)
                if not wanted.steps:
                    if is_stopping():
                        break
                    await asyncio.sleep(max(0.0, begun + (first - AHEAD_STEPS) / rate(served) - time.monotonic()))
        yield _event("end", {"steps": first})
    except Refusal as refusal:
        yield _event("error", {"error": refusal.text})
    except Exception:
        yield _event("error", {"error": "the model failed"})
        raise


def _event(name: str, value: Any) -> str:
    return f"event: {name}\ndata: {json.dumps(value, separators=(',', ':'))}\n\n"
