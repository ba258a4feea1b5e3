"""A request for one piece of music, as the engine takes it."""

import dataclasses

import numpy as np

from pianoroll_tf.config import NUM_PITCHES, SamplingConfig
from pianoroll_tf.data.clock import Meter


@dataclasses.dataclass(frozen=True, kw_only=True)
class PieceRequest:
    """A request for one piece; its values are within the ranges that the server allows.

    Attributes:
        steps: Length of the piece; 0: it never ends; None: until the model ends it.
        seed: Of the random numbers.
        temperature: As in `SamplingConfig`, and so are `top_p` and `density`.
        meter: Time signature.
        tempo: Quarter notes per minute.
        place: Place in its bar, in steps, of the primer's first step, or of the music's if there is no primer.
        primer: 0 silent, 1 held, 2 struck, uint8 [primer_steps >= 0, 84].
    """

    steps: int | None = None
    seed: int = 0
    temperature: float = SamplingConfig.temperature
    top_p: float = SamplingConfig.top_p
    density: float = SamplingConfig.density
    meter: Meter = dataclasses.field(default_factory=Meter)
    tempo: float = 120.0
    place: int = 0
    primer: np.ndarray = dataclasses.field(default_factory=lambda: np.zeros((0, NUM_PITCHES), np.uint8))
