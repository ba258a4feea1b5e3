"""Velocities of notes: of the cells of a roll, and their sums by metrical strength, of which accents are made."""

from collections.abc import Sequence

import numpy as np

from pianoroll_tf.config import HIGHEST_PITCH, LOWEST_PITCH, NUM_PITCHES, RecordsConfig
from pianoroll_tf.data.clock import Meter, meter_spans
from pianoroll_tf.data.roll import STRUCK, STRUCK_BIT, SparseRoll, as_states, notes_to_steps

STRENGTHS = ("bar", "beat", "half of a beat", "between")  # metrical strength of a step, the strongest first
BEAT = 1  # the strength of every step on the grid of seconds


def struck_velocities(notes, config: RecordsConfig) -> np.ndarray:
    """The velocity of each struck cell of the roll of some notes; of several notes in a cell, that of the loudest.

    Args:
        notes: `midi.Notes` with velocities.
        config: The grid.

    Returns:
        uint8 [struck cells], 1..127, in the order of `SparseRoll.cells`: by step, then pitch.
    """
    inside = (notes.pitch >= LOWEST_PITCH) & (notes.pitch <= HIGHEST_PITCH)
    start, _ = notes_to_steps(notes, config)
    # The loudest note of a cell comes last
    keys = np.sort((start[inside] * NUM_PITCHES + notes.pitch[inside] - LOWEST_PITCH) * 128 + notes.velocity[inside])
    last = np.flatnonzero(np.diff(keys // 128, append=-1))
    return (keys[last] % 128).clip(1).astype(np.uint8)


def dense_velocities(roll: SparseRoll, velocities: np.ndarray) -> np.ndarray:
    """Velocities of the struck cells of a roll as a matrix, uint8 [steps, 84]: 0 where no note is struck.

    >>> roll = SparseRoll(np.array([1, 1], np.uint8), np.array([36 + 128, 36], np.uint8))
    >>> dense_velocities(roll, np.array([90], np.uint8))[:, 36].tolist()
    [90, 0]
    """
    dense = np.zeros((len(roll.counts), NUM_PITCHES), np.uint8)
    struck = roll.cells >= STRUCK_BIT
    dense[roll.steps[struck], roll.columns[struck]] = velocities
    return dense


def strengths(meters: Sequence[tuple[int, Meter]], steps: int, steps_per_beat: int | None) -> np.ndarray:
    """The metrical strength of each step, as an index of `STRENGTHS`, int64 [steps].

    Args:
        meters: (first step, time signature), ascending; a bar begins at each. The first may be before step 0.
        steps: Length of the piece.
        steps_per_beat: Steps per quarter note; None: on the grid of seconds every step is a `BEAT`.

    >>> strengths([(0, Meter(3, 4))], 13, 4).tolist()
    [0, 3, 2, 3, 1, 3, 2, 3, 1, 3, 2, 3, 0]
    >>> strengths([(0, Meter(6, 8))], 12, 4).tolist()  # beats of three eighths
    [0, 3, 2, 3, 2, 3, 1, 3, 2, 3, 2, 3]
    """
    found = np.full(steps, BEAT)
    if steps_per_beat is None:
        return found
    for begin, end, meter in meter_spans(meters, steps):
        first, last = max(begin, 0), min(end, steps)
        place = np.arange(first - begin, last - begin) % meter.bar_steps(steps_per_beat)
        position, unit = place * meter.denominator, 4 * steps_per_beat  # of the note value that the signature names
        beat = 3 * unit if meter.compound else unit
        half = 2 * position % unit == 0 if not meter.compound else position % unit == 0
        found[first:last] = np.select([place == 0, position % beat == 0, half], [0, 1, 2], 3)
    return found


def velocity_sums(roll: np.ndarray, velocities: np.ndarray, strength: np.ndarray) -> np.ndarray:
    """Numbers of notes and sums of their velocities, by voice and metrical strength.

    Args:
        roll: [steps, 84], in any form that `as_states` reads.
        velocities: uint8 [steps, 84]; notes with 0 are not counted.
        strength: int64 [steps], from `strengths`.

    Returns:
        int64 [2, 4, 2]: below the highest sounding pitch or the highest itself, strength, number and sum.
    """
    step, column = np.nonzero((as_states(roll) == STRUCK) & (velocities > 0))
    highest = _highest(roll)
    return _sums(column == highest[step], strength[step], velocities[step, column])


def piece_velocity_sums(roll: SparseRoll, velocities: np.ndarray, strength: np.ndarray) -> tuple[int, ...]:
    """`velocity_sums` of a sparse roll as 16 numbers; none if all velocities are the same, which says nothing."""
    if not len(velocities) or velocities.min() == velocities.max():
        return ()
    struck = roll.cells >= STRUCK_BIT
    is_highest = np.zeros(len(struck), bool)
    is_highest[np.cumsum(roll.counts, dtype=np.int64)[roll.counts > 0] - 1] = True
    return tuple(_sums(is_highest[struck], strength[roll.steps[struck]], velocities).ravel().tolist())


def _sums(highest: np.ndarray, strength: np.ndarray, velocity: np.ndarray) -> np.ndarray:
    group = highest * len(STRENGTHS) + strength
    size = 2 * len(STRENGTHS)
    counts, sums = np.bincount(group, minlength=size), np.bincount(group, velocity, size)
    return np.stack([counts, sums.astype(np.int64)], axis=1).reshape(2, len(STRENGTHS), 2)


def _highest(roll: np.ndarray) -> np.ndarray:
    """The column of the highest sounding pitch of each step, int64 [steps]; the last column where none sounds."""
    return NUM_PITCHES - 1 - (np.asarray(roll) != 0)[:, ::-1].argmax(axis=1)


def is_highest(roll: np.ndarray, step: np.ndarray, column: np.ndarray) -> np.ndarray:
    """Whether notes that begin at `step` in `column` are the highest that sound there, bool [notes]."""
    return column == _highest(roll)[step]
