"""Digests that identify music: of a roll, and a fingerprint that does not depend on the grid or the key."""

import hashlib

import numpy as np

from pianoroll_tf.data.midi import Notes
from pianoroll_tf.data.roll import SparseRoll

STEPS_PER_QUARTER = 4  # resolution of the fingerprint on any grid
_PITCHES = 128


def roll_digest(roll: SparseRoll) -> str:
    """sha256 of a roll, hex; pieces with the same digest are duplicates."""
    digest = hashlib.sha256(len(roll.counts).to_bytes(8, "little"))
    for array in (roll.counts, roll.cells):
        digest.update(array.tobytes())
    return digest.hexdigest()


def fingerprint(notes: Notes) -> str:
    """sha256 of all onsets, hex: intervals above the lowest pitch, at sixteenths after the first note.

    So it does not depend on grid, resolution, tempo, title, velocities, lengths of notes and transposition.

    Args:
        notes: At least one note.
    """
    place = np.floor(notes.quarters(notes.start_ticks - notes.start_ticks.min()) * STEPS_PER_QUARTER + 0.5)
    keys = np.unique(place.astype(np.int64) * _PITCHES + notes.pitch - notes.pitch.min())
    return hashlib.sha256(keys.astype("<i8").tobytes()).hexdigest()
