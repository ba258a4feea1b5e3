"""The fields of a request for a piece: one model, which checks them and which /openapi.json describes."""

import dataclasses
import functools
import secrets
from collections.abc import Mapping
from typing import Annotated, Any, Literal

import pydantic
from pydantic import Field, PlainValidator, WithJsonSchema

from pianoroll_tf.config import SamplingConfig
from pianoroll_tf.data.clock import Meter, parse_meter
from pianoroll_tf.serving.drawing.engine import PieceRequest
from pianoroll_tf.serving.refusals import InvalidRequestError
from pianoroll_tf.serving.roll_json import from_pitches, pitches_schema
from pianoroll_tf.serving.settings import Limits
from pianoroll_tf.serving.strict_json import format_value

MAX_SEED = 2**53 - 1  # up to here a browser's numbers are exact
MAX_VERSION = 2**53 - 1  # a version may be named by the second in which it was exported
_KEYWORDS = {"minimum": "ge", "above": "gt", "maximum": "le"}  # limits of a setting -> pydantic's
_SIGNS = {"minimum": ">=", "exclusiveMinimum": ">", "maximum": "<="}  # bounds in a JSON schema
_NO_DEFAULT: Any = None  # of fields that may be left out but not null
_TYPES = {"integer": "a whole number", "number": "a number"}


def _sampling_field(name: str) -> Any:
    """A field with the default, range and help text of a setting in `SamplingConfig`."""
    [setting] = (field for field in dataclasses.fields(SamplingConfig) if field.name == name)
    bounds = {_KEYWORDS[key]: value for key, value in setting.metadata.items() if key in _KEYWORDS}
    return Field(default=setting.default, description=setting.metadata["help"], **bounds)


def _parse_meter(value: Any) -> Meter | None:
    return None if value is None else parse_meter(value if isinstance(value, str) else "")


_METER_SCHEMA = {"type": ["string", "null"], "pattern": r"^\d+/\d+$", "examples": ["3/4"]}


class PieceFields(pydantic.BaseModel):
    """The fields of a request for a piece; `piece_fields` adds the limits of a server."""

    model_config = pydantic.ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)

    version: int = Field(default=_NO_DEFAULT, ge=0, le=MAX_VERSION, description="of the model (default: the newest)")
    steps: int
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
    place: int
    primer: Any
    output: Literal["midi", "roll"] = Field(default="midi", description="a MIDI file, or the roll as JSON")

    def piece_values(self) -> dict[str, Any]:
        """The values for a `PieceRequest`, without those that are null or left out."""
        values = {field.name: getattr(self, field.name) for field in dataclasses.fields(PieceRequest)}
        return {name: value for name, value in values.items() if value is not None}


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
        place: int = Field(
            default=0, ge=0, le=limits.primer_steps, description="place in its bar, in steps, of the first step"
        )
        primer: Annotated[
            Any,
            PlainValidator(lambda value: from_pitches("primer", value, limits.primer_steps)),
            WithJsonSchema(pitches_schema(limits.primer_steps)),
        ] = Field(
            default=None,
            description="what the piece continues: the MIDI pitches that sound at each step, negative if struck again",
        )

    return Piece


@functools.cache
def piece_schema(limits: Limits, is_stream: bool = False) -> dict[str, Any]:
    """The JSON schema of `piece_fields`."""
    schema = piece_fields(limits, is_stream).model_json_schema()
    for field in schema["properties"].values():
        del field["title"]
        if field.get("default", ...) is None:  # null is not allowed in each of them
            del field["default"]
    return schema


def read_fields(values: Mapping[str, Any], limits: Limits, is_stream: bool = False) -> PieceFields:
    """The fields of a request, from the values in JSON or a form.

    Raises:
        InvalidRequestError: A field is unknown or its value is not allowed; the message names both.

    >>> read_fields({"steps": 8, "seed": 3}, Limits()).piece_values()["seed"]
    3
    """
    properties = piece_schema(limits, is_stream)["properties"]
    for name in values:  # before pydantic, which would collect an error for each of thousands of unknown fields
        if name not in properties:
            raise InvalidRequestError(f"fields must be among {', '.join(properties)}. Received: {name}")
    try:
        return piece_fields(limits, is_stream).model_validate(values)
    except pydantic.ValidationError as error:
        [problem, *_] = error.errors(include_url=False)
        name = str(problem["loc"][0])
        if problem["type"] == "value_error":  # of `parse_meter`
            allowed = str(problem["ctx"]["error"]).partition(" Received:")[0]
        else:
            allowed = f"{name} must be {allowed_values(properties[name])}."
        raise InvalidRequestError(f"{allowed} Received: {name}={format_value(problem['input'])}") from error


def allowed_values(schema: Mapping[str, Any]) -> str:
    """What the JSON schema of a field allows, in words.

    >>> allowed_values({"type": "integer", "minimum": 1, "maximum": 8})
    'a whole number >= 1 and <= 8'
    """
    schema = schema.get("anyOf", [schema])[0]  # the other option is null
    if "enum" in schema:
        return "one of " + ", ".join(schema["enum"])
    bounds = [f"{sign} {schema[key]}" for key, sign in _SIGNS.items() if key in schema]
    return f"{_TYPES[schema['type']]} {' and '.join(bounds)}"


def bounds(schema: Mapping[str, Any]) -> list[float]:
    """The lowest and highest value of a number; just above a bound that is exclusive.

    >>> bounds({"type": "number", "exclusiveMinimum": 0.0, "maximum": 1.0})
    [0.01, 1.0]
    """
    schema = schema.get("anyOf", [schema])[0]
    return [schema["minimum"] if "minimum" in schema else schema["exclusiveMinimum"] + 0.01, schema["maximum"]]
