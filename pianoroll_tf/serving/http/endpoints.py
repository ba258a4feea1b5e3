"""The endpoints that make music: /about, /primer, /generate, which responds at once or as a stream, and /infill."""

import contextlib
import dataclasses
import re
from typing import Any

import numpy as np
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from pianoroll_tf.config import LOWEST_PITCH, NUM_PITCHES, SamplingConfig
from pianoroll_tf.data.velocities import strengths
from pianoroll_tf.generation.continuation import Primer as Music
from pianoroll_tf.generation.dynamics import played_dynamics
from pianoroll_tf.generation.infilling import Gap
from pianoroll_tf.generation.render import midi_bytes
from pianoroll_tf.generation.saved_model import MusicModel
from pianoroll_tf.serving.drawing import async_engine
from pianoroll_tf.serving.drawing.engine import PieceRequest
from pianoroll_tf.serving.drawing.primers import Primer
from pianoroll_tf.serving.drawing.registry import ServedVersion
from pianoroll_tf.serving.http import bodies, streams
from pianoroll_tf.serving.http.examples import example_primers
from pianoroll_tf.serving.http.fields import (
    InfillFields,
    MusicFields,
    piece_schema,
    read_fields,
    read_infill_fields,
)
from pianoroll_tf.serving.http.reading import bounds
from pianoroll_tf.serving.http.render import why_no_scores
from pianoroll_tf.serving.refusals import InvalidRequestError
from pianoroll_tf.serving.roll_json import to_pitches
from pianoroll_tf.serving.settings import Limits
from pianoroll_tf.serving.state import State, client_disconnect, state_of

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
            "can_be_steered": served.engine.can_be_steered,
            "meter": str(served.model.meter),
            "tempo": served.model.tempo,
            "trained_on": trained_on(served.model),
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


def trained_on(model: MusicModel) -> dict[str, Any]:
    """The training data in `GET /about`: the name of its folder, without the folders of the machine that holds it."""
    facts = model.config["run"]["data"]
    name = re.split(r"[/\\]", facts["path"].rstrip("/\\"))[-1]  # the folder of either kind of system
    return {"name": name or None, "longest_piece_steps": facts["longest_piece"] or None}


async def primer(request: Request) -> Response:
    """`POST /primer`: the roll of a MIDI file; with `?whole=1` all of it, to choose a part from."""
    state = state_of(request)
    whole = _is_set(request, "whole")
    form = await bodies.read(request, bodies.FORM)
    if form.upload is None:
        raise InvalidRequestError("primer must be an uploaded MIDI file. Received: none")
    with state.registry.use(read_fields(form.fields, state.limits).version) as served:
        steps = None if whole else served.model.window_steps
        read = await run_in_threadpool(state.primers.read, form.upload, served.grid, steps, whole)
    return await state.offload(read.roll.size, _primer_response, served, read)


async def generate(request: Request) -> Response:
    """`POST /generate`: music as a MIDI file, as a roll in JSON, or as a stream of events."""
    state = state_of(request)
    is_stream = _is_set(request, "stream")
    form = await bodies.read(request, bodies.JSON, bodies.FORM)
    after = _last_event(request) if is_stream else None
    fields = read_fields(after.resumed_fields(form.fields) if after else form.fields, state.limits, is_stream)
    with contextlib.ExitStack() as stack:
        served = stack.enter_context(state.registry.use(fields.version))
        read = None
        if form.upload is not None:
            read = await run_in_threadpool(state.primers.read, form.upload, served.grid, served.model.window_steps)
        piece = _piece_request(fields, served, read)
        if after:
            after.check_piece(piece)
        state.check_capacity(pieces=1)
        if is_stream:
            stack.enter_context(state.open_stream())
            return streams.EventStream(state, served, piece, stack.pop_all(), after)
        [roll] = await state.draw(client_disconnect(request), served, [piece])
        piece = dataclasses.replace(piece, steps=len(roll))
        if fields.output == "roll":
            return await state.offload(roll.size, _roll_response, served, piece, roll, {})
        whole = np.concatenate([piece.primer, roll])
        content = await state.offload(whole.size, _midi_content, served, piece, whole, read)
        return _midi_response(state, served, piece, content)


async def infill(request: Request) -> Response:
    """`POST /infill`: a piece with a gap filled, as a MIDI file or as a roll in JSON."""
    state = state_of(request)
    form = await bodies.read(request, bodies.JSON)
    roll = form.fields.get("roll")
    cells = len(roll) * NUM_PITCHES if isinstance(roll, list) else 0
    fields = await state.offload(cells, read_infill_fields, form.fields, state.limits)
    with state.registry.use(fields.version) as served:
        piece = _piece_request(fields, served, None)
        gap = _gap(fields, served, piece, state.limits)
        first = dataclasses.replace(piece, steps=gap.steps, meter=gap.meter, place=gap.place, primer=gap.before)
        state.check_capacity(pieces=fields.particles)
        work = async_engine.fill_gap(served.engine, gap, first, fields.particles)
        filling = await state.complete(client_disconnect(request), fields.particles, work)
        filled = gap.filled(filling.music)
        piece = dataclasses.replace(piece, steps=len(filled))
        if fields.output == "midi":
            content = await state.offload(filled.size, _midi_content, served, piece, filled, None)
            return _midi_response(state, served, piece, content)
        facts: dict[str, Any] = {
            "start": gap.start,
            "end": gap.end,
            "particles": fields.particles,
            "chosen": filling.chosen,
        }
        facts |= {"effective_particles": filling.effective, "log_likelihood_after": filling.after(gap.look_ahead)}
        return await state.offload(filled.size, _roll_response, served, piece, filled, facts)


def _gap(fields: InfillFields, served: ServedVersion, piece: PieceRequest, limits: Limits) -> Gap:
    """The gap that is to be filled."""
    model, whole = served.model, fields.roll
    if not fields.start < fields.end <= len(whole):
        allowed = f"start < end within the roll of {len(whole)} steps"
        raise InvalidRequestError(f"the gap must be {allowed}. Received: start={fields.start}, end={fields.end}")
    steps, received = fields.end - fields.start, f"start={fields.start}, end={fields.end}"
    if steps > limits.primer_steps:
        raise InvalidRequestError(f"the gap must have at most {limits.primer_steps} steps. Received: {received}")
    if steps * fields.particles > limits.most_steps:
        received += f", particles={fields.particles}"
        raise InvalidRequestError(
            f"particles times steps of the gap must be <= {limits.most_steps}. Received: {received}"
        )
    context = min(model.window_steps, limits.primer_steps)
    music = Music(whole, meters=((-piece.place, piece.meter),))
    return Gap.of(music, fields.start, fields.end, context, model.steps_per_beat, piece.meter)


def _midi_response(state: State, served: ServedVersion, piece: PieceRequest, content: bytes) -> Response:
    headers = streams.piece_headers(served, piece)
    name = re.sub(r"[^A-Za-z0-9.-]", "_", f"{state.registry.name}-{served.version}-{piece.seed}")
    headers["Content-Disposition"] = f'attachment; filename="{name}.mid"'
    return Response(content, 200, headers, "audio/midi")


def _piece_request(fields: MusicFields, served: ServedVersion, read: Primer | None) -> PieceRequest:
    """The piece that is requested; tempo and meter are by default those of an uploaded primer, or of the model."""
    model = served.model
    if not (fields.steering.is_free or served.engine.can_be_steered):
        needed = "without lowest, highest, scale, chords, silent and polyphony"
        raise InvalidRequestError(
            f"version {served.version} must be used {needed}, or be exported again. Received: an earlier export"
        )
    values = fields.piece_values()
    if read is not None:
        values = {"tempo": read.tempo} | values | {"primer": read.roll}
        if "meter" not in values and read.meter is not None:
            values |= {"meter": read.meter, "place": read.place}
    values.setdefault("meter", model.meter)
    values.setdefault("tempo", model.tempo)
    return PieceRequest(**values)


def _primer_response(served: ServedVersion, read: Primer) -> JSONResponse:
    steps_per_beat = served.model.steps_per_beat or 1  # on a grid of seconds there are no bars
    return JSONResponse(
        {
            "steps": len(read.roll),
            "roll": to_pitches(read.roll),
            "notes": read.notes,
            "left_out": read.left_out,
            "tempo": read.tempo,
            "meter": str(read.meter or served.model.meter),
            "place": read.place,
            "meters": [
                {"step": step, "meter": str(meter), "bar_steps": meter.bar_steps(steps_per_beat)}
                for step, meter in read.meters
            ],
        }
    )


def _roll_response(served: ServedVersion, piece: PieceRequest, roll: np.ndarray, more: dict[str, Any]) -> JSONResponse:
    facts = streams.piece_facts(served, piece) | more
    content = facts | {"lowest_pitch": LOWEST_PITCH, "roll": to_pitches(roll, piece.primer)}
    return JSONResponse(content, headers=streams.piece_headers(served, piece))


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


def _is_set(request: Request, name: str) -> bool:
    value = request.query_params.get(name, "0")
    if value not in ("0", "1"):
        raise InvalidRequestError(f"{name} must be 0 or 1. Received: {name}={value:.80}")
    return value == "1"


def _last_event(request: Request) -> streams.EventId | None:
    """The event after which a client resumes a stream; None: it begins one."""
    text = request.headers.get("last-event-id")
    return streams.parse_event_id(text, state_of(request).limits.most_steps) if text else None
