"""The endpoints that make music: /about, /primer, and /generate, which responds at once or as a stream."""

import contextlib
import dataclasses
import re

import numpy as np
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from pianoroll_tf.config import LOWEST_PITCH, NUM_PITCHES, SamplingConfig
from pianoroll_tf.data.velocities import strengths
from pianoroll_tf.generation.dynamics import played_dynamics
from pianoroll_tf.generation.render import midi_bytes
from pianoroll_tf.generation.saved_model import MusicModel
from pianoroll_tf.serving.drawing.engine import PieceRequest
from pianoroll_tf.serving.drawing.primers import Primer
from pianoroll_tf.serving.drawing.registry import ServedVersion
from pianoroll_tf.serving.http import bodies, streams
from pianoroll_tf.serving.http.examples import example_primers
from pianoroll_tf.serving.http.fields import PieceFields, bounds, piece_schema, read_fields
from pianoroll_tf.serving.http.render import why_no_scores
from pianoroll_tf.serving.refusals import InvalidRequestError
from pianoroll_tf.serving.roll_json import to_pitches
from pianoroll_tf.serving.state import client_disconnect, state_of

PROPOSED_STEPS = 256  # by the page: 16 bars of 4/4, or 32 s at 8 steps per second
LIMITED = ("steps", "temperature", "top_p", "density", "seed", "tempo")  # fields whose range /about gives


async def about(request: Request) -> Response:
    """`GET /about`: what the page needs to know of the model and the limits."""
    state = state_of(request)
    served = state.registry.get()
    properties = piece_schema(state.limits)["properties"]
    sampling = SamplingConfig()
    return JSONResponse(
        {
            "model": state.registry.name,
            "versions": [
                {"version": version, "state": status.state} for version, status in state.registry.statuses.items()
            ],
            "default_version": served.version,
            "pitches": {"lowest": LOWEST_PITCH, "count": NUM_PITCHES},
            "steps_per_second": served.grid.steps_per_second if served.grid.grid == "seconds" else None,
            "steps_per_beat": served.model.steps_per_beat,
            "density": served.model.density,
            "grid": served.grid.grid,
            "head": served.model.config["run"]["model"]["head"],
            "meter": str(served.model.meter),
            "tempo": served.model.tempo,
            "outputs": ["midi", "roll"] if why_no_scores(served) else ["midi", "roll", "musicxml"],
            "longest_primer_steps": state.limits.primer_steps,
            "defaults": {
                "steps": PROPOSED_STEPS,
                "temperature": sampling.temperature,
                "top_p": sampling.top_p,
                "density": None,
            },
            "limits": {name: bounds(properties[name]) for name in LIMITED} | {"upload_bytes": state.limits.body_bytes},
            "example_primers": example_primers(served.grid, state.limits.primer_steps),
        }
    )


async def primer(request: Request) -> Response:
    """`POST /primer`: the roll of a MIDI file."""
    state = state_of(request)
    form = await bodies.read(request, bodies.FORM)
    if form.upload is None:
        raise InvalidRequestError("primer must be an uploaded MIDI file. Received: none")
    with state.registry.use(read_fields(form.fields, state.limits).version) as served:
        read = await run_in_threadpool(state.primers.read, form.upload, served.grid, served.model.window_steps)
    return JSONResponse(
        {
            "steps": len(read.roll),
            "roll": to_pitches(read.roll),
            "notes": read.notes,
            "left_out": read.left_out,
            "tempo": read.tempo,
            "meter": str(read.meter or served.model.meter),
            "place": read.place,
        }
    )


async def generate(request: Request) -> Response:
    """`POST /generate`: music as a MIDI file, as a roll in JSON, or as a stream of events."""
    state = state_of(request)
    is_stream = _is_stream(request)
    form = await bodies.read(request, bodies.JSON, bodies.FORM)
    fields = read_fields(form.fields, state.limits, is_stream)
    with contextlib.ExitStack() as stack:
        served = stack.enter_context(state.registry.use(fields.version))
        read = None
        if form.upload is not None:
            read = await run_in_threadpool(state.primers.read, form.upload, served.grid, served.model.window_steps)
        piece = _piece_request(fields, served.model, read)
        state.check_capacity(pieces=1)
        if is_stream:
            stack.enter_context(state.open_stream())
            return streams.EventStream(state, served, piece, stack.pop_all())
        [roll] = await state.draw(client_disconnect(request), served, [piece])
        piece = dataclasses.replace(piece, steps=len(roll))
        headers = streams.piece_headers(served, piece)
        if fields.output == "roll":
            return await state.offload(roll.size, _roll_response, served, piece, roll, headers)
        whole = np.concatenate([piece.primer, roll])
        content = await state.offload(whole.size, _midi_content, served, piece, whole, read)
        name = re.sub(r"[^A-Za-z0-9.-]", "_", f"{state.registry.name}-{served.version}-{piece.seed}")
        headers["Content-Disposition"] = f'attachment; filename="{name}.mid"'
        return Response(content, 200, headers, "audio/midi")


def _piece_request(fields: PieceFields, model: MusicModel, read: Primer | None) -> PieceRequest:
    """The piece that is requested; tempo and meter are by default those of an uploaded primer, or of the model."""
    values = fields.piece_values()
    if read is not None:
        values = {"tempo": read.tempo} | values | {"primer": read.roll}
        if "meter" not in values and read.meter is not None:
            values |= {"meter": read.meter, "place": read.place}
    values.setdefault("meter", model.meter)
    values.setdefault("tempo", model.tempo)
    return PieceRequest(**values)


def _roll_response(
    served: ServedVersion, piece: PieceRequest, roll: np.ndarray, headers: dict[str, str]
) -> JSONResponse:
    facts = streams.piece_facts(served, piece)
    content = facts | {"lowest_pitch": LOWEST_PITCH, "roll": to_pitches(roll, piece.primer)}
    return JSONResponse(content, headers=headers)


def _midi_content(served: ServedVersion, piece: PieceRequest, roll: np.ndarray, read: Primer | None) -> bytes:
    """A MIDI file of primer and music, in the dynamics of an uploaded primer, or of the training data."""
    steps_per_beat, velocities = served.model.steps_per_beat, read.velocities if read else None
    meters, dynamics = [(-piece.place, piece.meter)], served.model.dynamics
    if velocities is not None:
        strength = strengths(meters, len(piece.primer), steps_per_beat)
        dynamics = played_dynamics(dynamics, piece.primer, velocities, strength)
    return midi_bytes(
        roll,
        served.grid.rate(piece.tempo),
        piece.tempo,
        meters,
        steps_per_beat=steps_per_beat,
        dynamics=dynamics,
        velocities=velocities,
    )


def _is_stream(request: Request) -> bool:
    value = request.query_params.get("stream", "0")
    if value not in ("0", "1"):
        raise InvalidRequestError(f"stream must be 0 or 1. Received: stream={value:.80}")
    return value == "1"
