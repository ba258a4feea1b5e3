"""The paths that make music: /about, /primer, /generate, whole or as a stream."""

import contextlib
import dataclasses
import json
from typing import Any

import numpy as np
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from pianoroll_tf.config import LOWEST_PITCH, NUM_PITCHES
from pianoroll_tf.generation.render import midi_bytes
from pianoroll_tf.serving.drawing import piece_request
from pianoroll_tf.serving.drawing.piece_request import Asked
from pianoroll_tf.serving.drawing.primers import Primer
from pianoroll_tf.serving.drawing.registry import Served
from pianoroll_tf.serving.http import bodies, streams
from pianoroll_tf.serving.http.examples import example_primers
from pianoroll_tf.serving.refusals import bad
from pianoroll_tf.serving.roll_json import to_pitches
from pianoroll_tf.serving.state import State, gone, state_of


async def about(request: Request) -> Response:
    """`GET /about`: what the page must know."""
    state = state_of(request)
    served = state.registry.get()
    ranges = {name: _range(field.metadata) for name, field in piece_request.SETTINGS.items()}
    limits = {
        "steps": [1, state.limits.most_steps],
        **ranges,
        "seed": [0, piece_request.LARGEST_SEED],
        "tempo": piece_request.TEMPOS,
    }
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
            "grid": served.grid.grid,
            "head": served.model.config["run"]["model"]["head"],
            "meter": str(served.model.meter),
            "tempo": served.model.tempo,
            "longest_primer_steps": state.limits.primer_steps,
            "defaults": {
                "steps": piece_request.STEPS,
                "temperature": Asked.temperature,
                "top_p": Asked.top_p,
                "density": None,
            },
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
    with state.registry.use(piece_request.ask(form.fields, state.limits).version) as served:
        read = await run_in_threadpool(state.primers.read, form.upload, served.grid)
    facts = {"steps": len(read.roll), "roll": to_pitches(read.roll), "notes": read.notes, "left_out": read.left_out}
    return _json(facts | {"tempo": read.tempo, "meter": str(read.meter or served.model.meter), "place": read.place})


async def generate(request: Request) -> Response:
    """`POST /generate`: music, as MIDI, as a roll in JSON, or as a stream of events."""
    state = state_of(request)
    is_stream = _is_stream(request)
    fields, upload = await bodies.read_fields(request, state.limits)
    wanted = piece_request.ask(fields, state.limits, endless=is_stream)
    with contextlib.ExitStack() as using:
        served = using.enter_context(state.registry.use(wanted.version))
        if upload is not None:
            read = await run_in_threadpool(state.primers.read, upload, served.grid)
            wanted = _continued(wanted, read)
        wanted = dataclasses.replace(wanted, meter=streams.meter(served, wanted))
        state.check_room(rows=1)
        if is_stream:
            using.enter_context(state.streaming())
            return streams.EventStream(state, served, wanted, using.pop_all())
        [roll] = await state.draw(gone(request), served, [wanted])
        return await _answer(state, served, dataclasses.replace(wanted, steps=len(roll)), roll)


def _continued(wanted: Asked, read: Primer) -> Asked:
    """The request with an uploaded primer, whose tempo and time signature it keeps where it names none."""
    if wanted.meter is None and read.meter is not None:
        wanted = dataclasses.replace(wanted, meter=read.meter, place=read.place)
    return dataclasses.replace(wanted, primer=read.roll, tempo=wanted.tempo or read.tempo)


async def _answer(state: State, served: Served, wanted: Asked, roll: np.ndarray) -> Response:
    """A drawn piece in the form that was asked for."""
    headers = {"X-Seed": str(wanted.seed), "X-Model-Version": str(served.version)}
    if wanted.output == "roll":
        return await state.work(roll.size, _roll, served, wanted, roll, headers)
    whole = np.concatenate([wanted.primer, roll])
    meters = [(0, streams.meter(served, wanted))]
    times = (streams.rate(served, wanted), streams.tempo(served, wanted), meters)
    content = await state.work(whole.size, midi_bytes, whole, *times)
    name = "".join(map(_safe, f"{state.registry.name}-{served.version}-{wanted.seed}"))
    return Response(content, 200, headers | {"Content-Disposition": f'attachment; filename="{name}.mid"'}, "audio/midi")


def _roll(served: Served, wanted: Asked, roll: np.ndarray, headers: dict[str, str]) -> Response:
    value = streams.facts(served, wanted) | {"lowest_pitch": LOWEST_PITCH, "roll": to_pitches(roll, wanted.primer)}
    return _json(value, headers)


def _safe(char: str) -> str:
    return char if char.isascii() and (char.isalnum() or char in "-.") else "_"


def _is_stream(request: Request) -> bool:
    value = request.query_params.get("stream", "0")
    if value not in ("0", "1"):
        raise bad(f"stream must be 0 or 1. Received: stream={value:.80}")
    return value == "1"


def _range(limits: Any) -> list[float]:
    """The lowest and highest value of a setting; one above a bound begins a little above it."""
    return [limits["minimum"] if "minimum" in limits else limits["above"] + 0.01, limits["maximum"]]


def _json(value: Any, headers: dict[str, str] | None = None) -> Response:
    return Response(json.dumps(value, separators=(",", ":")), media_type="application/json", headers=headers)
