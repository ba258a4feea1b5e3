"""Piano-rolls as arrays and as JSON, which lists the MIDI pitches that sound at each step.

A pitch that is struck again while it sounds is a negative number: [[60], [-60, 64], [60]] is a C that is struck twice,
and an E.
"""

from typing import Any

import numpy as np

from pianoroll_tf.config import HIGHEST_PITCH, LOWEST_PITCH, NUM_PITCHES
from pianoroll_tf.data.roll import HELD, STRUCK, as_states
from pianoroll_tf.serving.refusals import InvalidRequestError
from pianoroll_tf.serving.strict_json import format_value, type_name


def to_pitches(roll: np.ndarray, previous: np.ndarray | None = None) -> list[list[int]]:
    """The MIDI pitches of each step of a dense roll [steps, 84], ascending, negative where they are struck again.

    The roll (0 silent, 1 held, 2 struck) continues `previous`, [steps >= 0, 84], if that is given.

    >>> to_pitches(np.array([[2, 0], [2, 2], [1, 0]], np.uint8))
    [[24], [-24, 25], [24]]
    """
    steps, columns = np.nonzero(roll)
    ends = np.cumsum(np.bincount(steps, minlength=len(roll))).tolist()
    last = np.zeros_like(roll[:1]) if previous is None or not len(previous) else previous[-1:]
    again = (roll == STRUCK) & (np.concatenate([last, roll])[: len(roll)] != 0)
    pitches = np.where(again[steps, columns], -(columns + LOWEST_PITCH), columns + LOWEST_PITCH).tolist()
    return [pitches[first:last] for first, last in zip([0, *ends], ends, strict=False)]


def from_pitches(name: str, value: Any, max_steps: int) -> np.ndarray:
    """The dense roll, uint8 [steps, 84] of 0 silent, 1 held and 2 struck, of the lists of pitches in a JSON field.

    Raises:
        InvalidRequestError: The value is not a list of lists of pitches, or longer than `max_steps`.

    >>> from_pitches("primer", [[24], [-24], [24], []], max_steps=4)[:, 0].tolist()
    [2, 2, 1, 0]
    """
    allowed = f"a list of at most {max_steps} steps, each a list of MIDI pitches"
    if not isinstance(value, list):
        raise InvalidRequestError(f"{name} must be {allowed}. Received: {type_name(value)}")
    if len(value) > max_steps:
        raise InvalidRequestError(f"{name} must be {allowed}. Received: {len(value)} steps")
    roll = np.zeros((len(value), NUM_PITCHES), np.uint8)
    for step, pitches in enumerate(value):
        place = f"{name}[{step}]"
        if not isinstance(pitches, list):
            raise InvalidRequestError(f"{place} must be a list of MIDI pitches. Received: {type_name(pitches)}")
        if len(pitches) > NUM_PITCHES:
            raise InvalidRequestError(
                f"{place} must have at most {NUM_PITCHES} pitches. Received: {len(pitches)} pitches"
            )
        for pitch in pitches:
            if type(pitch) is not int or not LOWEST_PITCH <= abs(pitch) <= HIGHEST_PITCH:
                allowed = f"a whole number >= {LOWEST_PITCH} and <= {HIGHEST_PITCH}, or its negative"
                raise InvalidRequestError(f"pitches in {place} must be {allowed}. Received: {format_value(pitch)}")
            roll[step, abs(pitch) - LOWEST_PITCH] = HELD if pitch > 0 else STRUCK
    return as_states(roll)


def pitches_schema(max_steps: int) -> dict[str, Any]:
    """The JSON schema of what `from_pitches` accepts."""
    pitch = [
        {"minimum": LOWEST_PITCH, "maximum": HIGHEST_PITCH},
        {"minimum": -HIGHEST_PITCH, "maximum": -LOWEST_PITCH},
    ]
    step = {"type": "array", "maxItems": NUM_PITCHES, "items": {"type": "integer", "anyOf": pitch}}
    return {"type": "array", "maxItems": max_steps, "items": step}
