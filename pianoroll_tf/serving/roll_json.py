"""A piano-roll as JSON has it, the MIDI pitches that sound at each step, and as an array."""

from typing import Any

import numpy as np

from pianoroll_tf.config import HIGHEST_PITCH, LOWEST_PITCH, NUM_PITCHES
from pianoroll_tf.serving.refusals import bad
from pianoroll_tf.serving.strict_json import shown, type_name


def to_pitches(roll: np.ndarray) -> list[list[int]]:
    """The MIDI pitches of each step of a dense roll [steps, 84], ascending.

    >>> to_pitches(np.eye(84, dtype=np.uint8)[:2])
    [[24], [25]]
    """
    steps, columns = np.nonzero(roll)
    ends = np.cumsum(np.bincount(steps, minlength=len(roll))).tolist()
    pitches = (columns + LOWEST_PITCH).tolist()
    return [pitches[first:last] for first, last in zip([0, *ends], ends, strict=False)]


def from_pitches(name: str, value: Any, most_steps: int) -> np.ndarray:
    """The dense roll, uint8 [steps, 84], of lists of MIDI pitches.

    Args:
        name: The field, for errors.
        value: What JSON had for it.
        most_steps: Longest that is allowed.

    Raises:
        Refusal: 400, if it is not such lists.

    >>> from_pitches("primer", [[24], []], most_steps=2).sum(axis=1).tolist()
    [1, 0]
    """
    allowed = f"a list of at most {most_steps} steps, each a list of MIDI pitches"
    if not isinstance(value, list):
        raise bad(f"{name} must be {allowed}. Received: {type_name(value)}")
    if len(value) > most_steps:
        raise bad(f"{name} must be {allowed}. Received: {len(value)} steps")
    roll = np.zeros((len(value), NUM_PITCHES), np.uint8)
    for step, pitches in enumerate(value):
        if not isinstance(pitches, list):
            raise bad(f"{name}[{step}] must be a list of MIDI pitches. Received: {type_name(pitches)}")
        if len(pitches) > NUM_PITCHES:
            raise bad(f"{name}[{step}] must have at most {NUM_PITCHES} pitches. Received: {len(pitches)} pitches")
        for pitch in pitches:
            if type(pitch) is not int or not LOWEST_PITCH <= pitch <= HIGHEST_PITCH:
                allowed = f"a whole number >= {LOWEST_PITCH} and <= {HIGHEST_PITCH}"
                raise bad(f"pitches in {name}[{step}] must be {allowed}. Received: {shown(pitch)}")
            roll[step, pitch - LOWEST_PITCH] = 1
    return roll
