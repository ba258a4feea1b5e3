"""What a request for music asks for, checked field by field."""

import dataclasses
import math
import re
import secrets
from collections.abc import Mapping
from typing import Any

import numpy as np

from pianoroll_tf.config import NUM_PITCHES, SamplingConfig
from pianoroll_tf.data.clock import Meter, parse_meter
from pianoroll_tf.serving.refusals import bad
from pianoroll_tf.serving.roll_json import from_pitches
from pianoroll_tf.serving.settings import Limits
from pianoroll_tf.serving.strict_json import shown

STEPS = 256  # what the page proposes: 16 bars of 4/4, or 32 s at 8 steps per second
TEMPOS = (10.0, 1000.0)  # quarters per minute, lowest and highest
LARGEST_SEED = 2**53 - 1  # a browser's numbers are exact up to here
LARGEST_VERSION = 2**53 - 1  # some name versions by the second they were made in
OUTPUTS = ("midi", "roll")
FIELDS = ("version", "steps", "seed", "temperature", "top_p", "density", "meter", "tempo", "place", "primer", "output")
SETTINGS = {field.name: field for field in dataclasses.fields(SamplingConfig) if field.name != "seed"}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Asked:
    """A request for one piece.

    Attributes:
        version: Of the model; none: the default.
        steps: To draw; 0: without an end; None: until the model ends the piece.
        seed: Of the random numbers.
        temperature: As in `SamplingConfig`, and so are `top_p` and `density`.
        meter: Time signature; None: that of the primer's file, or the most frequent of the training data.
        tempo: Quarters per minute of what is played on a grid of beats; None: likewise, the median.
        place: Place in its bar, in steps, of the primer's first step, or of the music's where there is no primer.
        primer: 0 silent, 1 held, 2 struck, uint8 [primer_steps >= 0, 84].
        output: "midi" or "roll".
    """

    version: int | None = None
    steps: int | None = None
    seed: int = 0
    temperature: float = SamplingConfig.temperature
    top_p: float = SamplingConfig.top_p
    density: float = SamplingConfig.density
    meter: Meter | None = None
    tempo: float | None = None
    place: int = 0
    primer: np.ndarray = dataclasses.field(default_factory=lambda: np.zeros((0, NUM_PITCHES), np.uint8))
    output: str = "midi"


def ask(fields: Mapping[str, Any], limits: Limits, endless: bool = False, primer: np.ndarray | None = None) -> Asked:
    """The request that the fields of a body make.

    Args:
        fields: From JSON, or numbers of a form.
        limits: Of the server.
        endless: Whether 0 steps are allowed, for music without an end.
        primer: From a MIDI file.

    Raises:
        Refusal: 400, naming the field and what it may be.

    >>> ask({"steps": 8, "seed": 3}, Limits()).seed
    3
    """
    unknown = [name for name in fields if name not in FIELDS]
    if unknown:
        raise bad(f"fields must be among {', '.join(FIELDS)}. Received: {unknown[0]}")
    values: dict[str, Any] = {} if "seed" in fields else {"seed": secrets.randbelow(LARGEST_SEED + 1)}
    ranges = {
        "version": (0, LARGEST_VERSION),
        "steps": (0 if endless else 1, limits.most_steps),
        "seed": (0, LARGEST_SEED),
        "place": (0, limits.primer_steps),
    }
    values |= {name: _whole(name, fields[name], *ranges[name]) for name in ranges if name in fields}
    values |= {name: number(name, fields[name]) for name in SETTINGS if fields.get(name) is not None}
    if "output" in fields and fields["output"] not in OUTPUTS:
        raise bad(f"output must be one of {', '.join(OUTPUTS)}. Received: {shown(fields['output'])}")
    if "primer" in fields:
        primer = from_pitches("primer", fields["primer"], limits.primer_steps)
    values |= {name: read(fields[name]) for name, read in CLOCK.items() if fields.get(name) is not None}
    values |= {"output": fields["output"]} if "output" in fields else {}
    return Asked(**values | ({} if primer is None else {"primer": primer}))


def form_fields(texts: Mapping[str, str]) -> dict[str, Any]:
    """The fields of a form, whose values are all texts: numbers where they are written as JSON writes numbers.

    >>> form_fields({"steps": "8", "temperature": "1.5", "density": "", "output": "roll"})
    {'steps': 8, 'temperature': 1.5, 'output': 'roll'}
    """
    fields: dict[str, Any] = {}
    for name, text in texts.items():
        if re.fullmatch(r"-?\d{1,20}", text, re.ASCII):
            fields[name] = int(text)
        elif re.fullmatch(r"-?\d{1,20}(\.\d{1,30})?([eE][-+]?\d{1,3})?", text, re.ASCII):
            fields[name] = float(text)
        elif text:
            fields[name] = text
    return fields


def _meter(value: Any) -> Meter:
    """A time signature from a text such as "3/4"."""
    try:
        return parse_meter(value if isinstance(value, str) else "")
    except ValueError as error:
        allowed = str(error).partition(" Received:")[0]
        raise bad(f"{allowed} Received: meter={shown(value)}") from error


def _tempo(value: Any) -> float:
    low, high = TEMPOS
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise bad(f"tempo must be a number >= {low:g} and <= {high:g}. Received: tempo={shown(value)}")
    return float(value)


CLOCK = {"meter": _meter, "tempo": _tempo}


def _whole(name: str, value: Any, low: int, high: int) -> int:
    if type(value) is not int or not low <= value <= high:
        raise bad(f"{name} must be a whole number >= {low} and <= {high}. Received: {name}={shown(value)}")
    return value


def number(name: str, value: Any) -> float:
    """One of the sampling settings; `SamplingConfig` knows its range.

    Raises:
        Refusal: 400, naming it and its range.
    """
    if type(value) is int and abs(value) > LARGEST_SEED:
        value = math.inf if value > 0 else -math.inf  # the check of its range knows floats
    try:
        return float(getattr(SamplingConfig(**{name: value}), name))
    except ValueError as error:
        allowed = str(error).partition(" Received:")[0]
        raise bad(f"{allowed} Received: {name}={shown(value)}") from error
