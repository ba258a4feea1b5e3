"""`POST /render`: music that a client holds, as a MIDI file or as MusicXML."""

import asyncio
import functools
import importlib.util
import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

import pydantic
from pydantic import Field, PlainValidator, WithJsonSchema
from starlette.requests import Request
from starlette.responses import Response

from pianoroll_tf.config import NUM_PITCHES
from pianoroll_tf.data.clock import Meter, parse_meter
from pianoroll_tf.data.roll import onsets
from pianoroll_tf.generation.musicxml import musicxml_bytes
from pianoroll_tf.generation.render import midi_bytes
from pianoroll_tf.serving.drawing.registry import ServedVersion
from pianoroll_tf.serving.http import bodies
from pianoroll_tf.serving.http.fields import MAX_VERSION, place_field, roll_field
from pianoroll_tf.serving.http.reading import read_by, schema_of
from pianoroll_tf.serving.refusals import InvalidRequestError, OverloadedError
from pianoroll_tf.serving.settings import Limits
from pianoroll_tf.serving.state import client_disconnect, state_of

MAX_SCORE_STEPS = 4096  # of MusicXML: 256 bars of 4/4, which take music21 about 15 s
MAX_SCORE_NOTES = 16_384  # of MusicXML
MAX_SCORES = 8  # that are written or wait
MAX_TITLE = 120
KINDS = {"midi": ("audio/midi", "mid"), "musicxml": ("application/vnd.recordare.musicxml+xml", "musicxml")}
_TITLE = r"^[^\x00-\x1f\x7f\uFFFE\uFFFF]*$"  # XML has no control characters
_NO_DEFAULT: Any = None  # of fields that may be left out but not null


def _parse_meter(value: Any) -> Meter:
    return parse_meter(value if isinstance(value, str) else "")


class RenderFields(pydantic.BaseModel):
    """The fields of a request for a file; `render_fields` adds the limits of a server."""

    model_config = pydantic.ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)

    roll: Any
    version: int = Field(default=_NO_DEFAULT, ge=0, le=MAX_VERSION, description="of the model (default: the newest)")
    meter: Annotated[
        Any,
        PlainValidator(_parse_meter),
        WithJsonSchema({"type": "string", "pattern": r"^\d+/\d+$", "examples": ["3/4"]}),
    ] = Field(default=_NO_DEFAULT, description="time signature (default: that of most training data)")
    tempo: float = Field(
        default=_NO_DEFAULT, ge=10, le=1000, description="quarter notes per minute (default: that of the training data)"
    )
    place: int
    title: str = Field(
        default=_NO_DEFAULT,
        max_length=MAX_TITLE,
        pattern=_TITLE,
        description="name of the track, or title of the score (default: piano, or the name of the model)",
    )
    output: Literal["midi", "musicxml"] = Field(default="midi", description="a MIDI file, or MusicXML")


@functools.cache
def render_fields(limits: Limits) -> type[RenderFields]:
    """The model of the fields that a server accepts."""
    most = limits.most_steps + limits.primer_steps

    class Render(RenderFields):
        """A request for a file."""

        roll: roll_field("roll", most) = Field(  # type: ignore[valid-type]
            description="the music: the MIDI pitches that sound at each step, negative if struck again"
        )
        place: int = place_field(most)

    return Render


@functools.cache
def render_schema(limits: Limits) -> dict[str, Any]:
    """The JSON schema of `render_fields`."""
    return schema_of(render_fields(limits))


def read_render_fields(values: Mapping[str, Any], limits: Limits) -> RenderFields:
    """The fields of a request, from the values in JSON.

    Raises:
        InvalidRequestError: A field is unknown, missing, or its value is not allowed; the message names it.

    >>> read_render_fields({"roll": [[60], []]}, Limits()).roll.shape
    (2, 84)
    """
    words = {"title": f"text of at most {MAX_TITLE} characters, without control characters"}
    return read_by(render_fields(limits), render_schema(limits), values, words)


async def render(request: Request) -> Response:
    """`POST /render`: a roll as a file."""
    state = state_of(request)
    form = await bodies.read(request, bodies.JSON)
    roll = form.fields.get("roll")
    fields = await state.offload(
        NUM_PITCHES * len(roll) if isinstance(roll, list) else 0, read_render_fields, form.fields, state.limits
    )
    with state.registry.use(fields.version) as served:
        meters = [(-fields.place, fields.meter or served.model.meter)]
        tempo = fields.tempo or served.model.tempo
        if fields.output == "musicxml":
            content = await _score(request, served, fields, tempo, meters)
        else:
            content = await state.offload(fields.roll.size, _midi, served, fields, tempo, meters)
    media_type, ending = KINDS[fields.output]
    name = re.sub(r"[^A-Za-z0-9.-]", "_", fields.title or state.registry.name)
    headers = {"Content-Disposition": f'attachment; filename="{name}.{ending}"'}
    return Response(content, 200, headers, media_type)


def why_no_scores(served: ServedVersion) -> str:
    """Why no MusicXML can be written of a version's music; empty if it can."""
    if served.model.steps_per_beat is None:
        return "MusicXML needs a model on the grid of beats"
    return "" if importlib.util.find_spec("music21") else "the server has no music21, which MusicXML needs"


async def _score(
    request: Request, served: ServedVersion, fields: RenderFields, tempo: float, meters: list[tuple[int, Meter]]
) -> bytes:
    """MusicXML, one after the other on a thread for scores alone, because music21 is slow.

    Raises:
        DeadlineError: With those that wait before it, it takes longer than `request_seconds`.
    """
    state, steps = state_of(request), len(fields.roll)
    steps_per_beat = served.model.steps_per_beat
    if (reason := why_no_scores(served)) or steps_per_beat is None:
        raise InvalidRequestError(f"output must be midi, because {reason}. Received: output=musicxml")
    if steps > MAX_SCORE_STEPS:
        raise InvalidRequestError(
            f"music to be written as MusicXML must have at most {MAX_SCORE_STEPS} steps. Received: {steps} steps"
        )
    if (notes := int(onsets(fields.roll).sum())) > MAX_SCORE_NOTES:
        raise InvalidRequestError(
            f"music to be written as MusicXML must have at most {MAX_SCORE_NOTES} notes. Received: {notes} notes"
        )
    if state.scores >= MAX_SCORES:
        raise OverloadedError("too many scores are waiting")
    title = fields.title or state.registry.name
    writing = state.score_threads.submit(musicxml_bytes, fields.roll, steps_per_beat, tempo, meters, title)

    async def written() -> bytes:
        return await asyncio.wrap_future(writing)

    state.scores += 1
    try:
        return await state.complete(client_disconnect(request), 0, written())
    finally:
        writing.cancel()  # before the response is sent, unlike the cancellation of a task
        state.scores -= 1


def _midi(served: ServedVersion, fields: RenderFields, tempo: float, meters: list[tuple[int, Meter]]) -> bytes:
    """A MIDI file in the dynamics of the training data, as /generate writes it."""
    return midi_bytes(
        fields.roll,
        served.grid.rate(tempo),
        tempo,
        meters,
        steps_per_beat=served.model.steps_per_beat,
        dynamics=served.model.dynamics,
        name=fields.title or "piano",
    )
