"""What makes two files the same music: the digest of a roll, and a fingerprint that no grid or key changes."""

import hashlib

import numpy as np

from pianoroll_tf.data.midi import Notes
from pianoroll_tf.data.roll import SparseRoll

STEPS_PER_QUARTER = 4  # of the fingerprint, whatever the records' grid
_PITCHES = 128


def roll_digest(roll: SparseRoll) -> str:
    """sha256 of a roll, hex: pieces are the same music where it is the same."""
    digest = hashlib.sha256(len(roll.counts).to_bytes(8, "little"))
    for array in (roll.counts, roll.cells):
        digest.update(array.tobytes())
    return digest.hexdigest()


def fingerprint(notes: Notes) -> str:
    """sha256 of which pitches begin when, hex, as intervals above the lowest pitch and sixteenths after the first note.

    So it is the same for every grid, resolution, tempo, title, velocity, length of notes and transposition.

    Args:
        notes: At least one.
    """
    place = np.floor(notes.quarters(notes.start_ticks - notes.start_ticks.min()) * STEPS_PER_QUARTER + 0.5)
    keys = np.unique(place.astype(np.int64) * _PITCHES + notes.pitch - notes.pitch.min())
    return hashlib.sha256(keys.astype("<i8").tobytes()).hexdigest()
