"""The fields of requests for music: one model for each, which checks them and which /openapi.json describes."""

import dataclasses
import functools
import secrets
from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeVar

import pydantic
from pydantic import Field, PlainValidator, WithJsonSchema

from pianoroll_tf.config import HIGHEST_PITCH, LOWEST_PITCH, SamplingConfig
from pianoroll_tf.data.clock import Meter, parse_meter
from pianoroll_tf.generation.piece_options import MAX_PARTICLES, MIN_PARTICLES, PARTICLES
from pianoroll_tf.generation.steering import MAX_CHORD_STEP, MAX_CHORDS, MAX_SILENT, Steering
from pianoroll_tf.serving.drawing.engine import PieceRequest
from pianoroll_tf.serving.http.reading import read_by, schema_of
from pianoroll_tf.serving.refusals import InvalidRequestError
from pianoroll_tf.serving.roll_json import from_pitches, pitches_schema
from pianoroll_tf.serving.settings import Limits

MAX_SEED = 2**53 - 1  # up to here a browser's numbers are exact
MAX_VERSION = 2**53 - 1  # a version may be named by the second in which it was exported
_KEYWORDS = {"minimum": "ge", "above": "gt", "maximum": "le"}  # limits of a setting -> pydantic's
_NO_DEFAULT: Any = None  # of fields that may be left out but not null
F = TypeVar("F", bound="MusicFields")


def _sampling_field(name: str) -> Any:
    """A field with the default, range and help text of a setting in `SamplingConfig`."""
    return _setting_field(SamplingConfig, name)


def _setting_field(settings: Any, name: str) -> Any:
    """A field with the default, range and help text of a setting."""
    [setting] = (field for field in dataclasses.fields(settings) if field.name == name)
    bounds = {_KEYWORDS[key]: value for key, value in setting.metadata.items() if key in _KEYWORDS}
    return Field(default=setting.default, description=setting.metadata["help"], **bounds)


def _parse_meter(value: Any) -> Meter | None:
    return None if value is None else parse_meter(value if isinstance(value, str) else "")


_METER_SCHEMA = {"type": ["string", "null"], "pattern": r"^\d+/\d+$", "examples": ["3/4"]}


def _steering_number(name: str) -> Any:
    """A number with the default, range and help text of a setting in `Steering`."""
    return _setting_field(Steering, name)


def _parse_steering(name: str) -> PlainValidator:
    """Checks a list as `Steering` does."""

    def parse(value: Any) -> Any:
        try:
            return getattr(Steering.of(**{name: value}), name)
        except ValueError as error:
            raise InvalidRequestError(str(error)) from error

    return PlainValidator(parse)


_CLASSES = {
    "type": "array",
    "minItems": 1,
    "maxItems": 12,
    "uniqueItems": True,
    "items": {"type": "integer", "minimum": 0, "maximum": 11},
}
_CHORD = {
    "type": "object",
    "properties": {"step": {"type": "integer", "minimum": 0, "maximum": MAX_CHORD_STEP}, "pitch_classes": _CLASSES},
    "required": ["step", "pitch_classes"],
    "additionalProperties": False,
}
_PITCH = {"type": "integer", "minimum": LOWEST_PITCH, "maximum": HIGHEST_PITCH}
_RANGE = {"type": "array", "minItems": 2, "maxItems": 2, "items": _PITCH}
_CHORDS = {"type": "array", "maxItems": MAX_CHORDS, "items": _CHORD}
_SILENT = {"type": "array", "maxItems": MAX_SILENT, "items": _RANGE}
_STEERING = ("lowest", "highest", "scale", "chords", "silent", "polyphony")


class MusicFields(pydantic.BaseModel):
    """The fields that all requests for music have."""

    model_config = pydantic.ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)

    version: int = Field(default=_NO_DEFAULT, ge=0, le=MAX_VERSION, description="of the model (default: the newest)")
    seed: int = Field(
        default_factory=lambda: secrets.randbelow(MAX_SEED + 1),
        ge=0,
        le=MAX_SEED,
        description="the same seed gives the same music (default: a random one, which the response names)",
    )
    temperature: float | None = _sampling_field("temperature")
    top_p: float | None = _sampling_field("top_p")
    density: float | None = _sampling_field("density")
    meter: Annotated[Any, PlainValidator(_parse_meter), WithJsonSchema(_METER_SCHEMA)] = Field(
        default=None, description="time signature (default: that of the primer's file, or of most training data)"
    )
    tempo: float | None = Field(
        default=None,
        ge=10,
        le=1000,
        description="quarter notes per minute (default: that of the primer's file, or of the training data)",
    )
    lowest: int = _steering_number("lowest")
    highest: int = _steering_number("highest")
    scale: Annotated[Any, _parse_steering("scale"), WithJsonSchema(_CLASSES)] = Field(
        default=Steering.scale, description="pitch classes that may sound, 0 is C (default: all)"
    )
    chords: Annotated[Any, _parse_steering("chords"), WithJsonSchema(_CHORDS)] = Field(
        default=(),
        description="from each step on, until the next, only these pitch classes of the scale may sound; the first"
        " generated step is 0, and before the first chord the whole scale may sound (default: none)",
    )
    silent: Annotated[Any, _parse_steering("silent"), WithJsonSchema(_SILENT)] = Field(
        default=(), description="ranges [lowest, highest] of MIDI pitches in which nothing sounds (default: none)"
    )
    polyphony: int = _steering_number("polyphony")
    place: int
    output: Literal["midi", "roll"] = Field(default="midi", description="a MIDI file, or the roll as JSON")

    @property
    def steering(self) -> Steering:
        """What the music keeps to.

        Raises:
            InvalidRequestError: The values do not fit together.
        """
        try:
            return Steering(**{name: getattr(self, name) for name in _STEERING})
        except ValueError as error:
            raise InvalidRequestError(str(error)) from error

    def piece_values(self) -> dict[str, Any]:
        """The values for a `PieceRequest`, without those that are null or left out."""
        values = {field.name: getattr(self, field.name, None) for field in dataclasses.fields(PieceRequest)}
        return {name: value for name, value in values.items() if value is not None}


class PieceFields(MusicFields):
    """The fields of a request for a piece; `piece_fields` adds the limits of a server."""

    steps: int
    primer: Any


class InfillFields(MusicFields):
    """The fields of a request to fill a gap; `infill_fields` adds the limits of a server."""

    roll: Any
    start: int
    end: int
    particles: int


def place_field(most: int) -> Any:
    """The place of the first step in its bar."""
    return Field(default=0, ge=0, le=most, description="place in its bar, in steps, of the first step")


def roll_field(name: str, max_steps: int) -> Any:
    """The type of a roll as lists of pitches."""
    parse = PlainValidator(lambda value: from_pitches(name, value, max_steps))
    return Annotated[Any, parse, WithJsonSchema(pitches_schema(max_steps))]


@functools.cache
def piece_fields(limits: Limits, is_stream: bool = False) -> type[PieceFields]:
    """The model of the fields that a server accepts; in a stream, `steps` may be 0, for music that never ends."""

    class Piece(PieceFields):
        """A request for a piece."""

        steps: int = Field(
            default=_NO_DEFAULT,
            ge=0 if is_stream else 1,
            le=limits.most_steps,
            description="length of the piece (default: until the model ends it); in a stream also 0: it never ends",
        )
        place: int = place_field(limits.primer_steps)
        primer: roll_field("primer", limits.primer_steps) = Field(  # type: ignore[valid-type]
            default=None,
            description="what the piece continues: the MIDI pitches that sound at each step, negative if struck again",
        )

    return Piece


@functools.cache
def infill_fields(limits: Limits) -> type[InfillFields]:
    """The model of the fields of a gap that a server fills."""
    most = limits.most_steps

    class Infill(InfillFields):
        """A request to fill a gap."""

        place: int = place_field(limits.primer_steps)
        roll: roll_field("roll", most) = Field(  # type: ignore[valid-type]
            description="the whole piece: the MIDI pitches that sound at each step, negative if struck again"
        )
        start: int = Field(ge=0, le=most - 1, description="first step of the gap")
        end: int = Field(ge=1, le=most, description="step after its last; at most the length of the roll")
        particles: int = Field(
            default=PARTICLES,
            ge=MIN_PARTICLES,
            le=MAX_PARTICLES,
            description="continuations that are drawn; one is chosen by the likelihood of what follows the gap",
        )

    return Infill


@functools.cache
def piece_schema(limits: Limits, is_stream: bool = False) -> dict[str, Any]:
    """The JSON schema of `piece_fields`."""
    return schema_of(piece_fields(limits, is_stream))


@functools.cache
def infill_schema(limits: Limits) -> dict[str, Any]:
    """The JSON schema of `infill_fields`."""
    return schema_of(infill_fields(limits))


def read_fields(values: Mapping[str, Any], limits: Limits, is_stream: bool = False) -> PieceFields:
    """The fields of a request, from the values in JSON or a form.

    Raises:
        InvalidRequestError: A field is unknown or its value is not allowed; the message names both.

    >>> read_fields({"steps": 8, "seed": 3}, Limits()).piece_values()["seed"]
    3
    """
    return _checked(read_by(piece_fields(limits, is_stream), piece_schema(limits, is_stream), values))


def read_infill_fields(values: Mapping[str, Any], limits: Limits) -> InfillFields:
    """The fields of a request to fill a gap, from the values in JSON; raises InvalidRequestError as `read_fields`."""
    return _checked(read_by(infill_fields(limits), infill_schema(limits), values))


def _checked(fields: F) -> F:
    """The fields, if the limits of the music fit together."""
    _ = fields.steering  # which checks it
    return fields
