"""A sketch of a piece: a few hashes of its passages, from which the resemblance of two pieces is estimated.

A passage is `CHORDS` chords in a row, all their pitches, whatever their rhythm, tempo and key. The sketch has the
smallest hashes of all passages (Broder, On the resemblance and containment of documents, 1997). So it hardly changes
with other repeats, a few other notes, or rubato.
"""

import numpy as np

from pianoroll_tf.config import HIGHEST_PITCH, LOWEST_PITCH, NUM_PITCHES

CHORDS = 6  # of a passage
MIN_PASSAGES = 16  # a piece with fewer is not compared
SIZE = 128  # hashes of a sketch: the standard error of a resemblance of 1/4 is 0.04
CHORD_SECONDS = 0.03  # notes that are struck within this time of each other belong to one chord
_INTERVALS, _MOVES = np.random.Generator(np.random.PCG64(1)).integers(0, 2**64, (2, 2 * NUM_PITCHES), np.uint64)
_FACTOR = np.uint64(0x9E3779B97F4A7C15)


def sketch(notes) -> str:
    """The sketch of a piece, `midi.Notes`, in hex; empty if it is too short. Notes outside MIDI 24..107 are ignored."""
    inside = (notes.pitch >= LOWEST_PITCH) & (notes.pitch <= HIGHEST_PITCH)
    notes_by_time = sorted_unique(notes.start_ticks[inside] * 128 + notes.pitch[inside])
    pitch = notes_by_time % 128
    begins = np.diff(notes.seconds(notes_by_time // 128), prepend=-np.inf) > CHORD_SECONDS
    first = np.flatnonzero(begins)
    if len(first) < CHORDS + MIN_PASSAGES:
        return ""
    lowest = np.minimum.reduceat(pitch, first)
    above = pitch - lowest[np.cumsum(begins) - 1]
    chords = _mix(np.add.reduceat(_INTERVALS[above], first)[1:] + _MOVES[np.diff(lowest) + NUM_PITCHES])
    passages = np.zeros(len(chords) - CHORDS + 1, np.uint64)
    for index in range(CHORDS):
        passages = passages * _FACTOR + chords[index : index + len(passages)]
    hashes = sorted_unique((_mix(passages) >> np.uint64(32)).astype(np.uint32))
    return hashes[:SIZE].astype("<u4").tobytes().hex() if len(hashes) >= MIN_PASSAGES else ""


def sorted_unique(values: np.ndarray) -> np.ndarray:
    """The values in ascending order, each once; np.unique does the same by a hash table, which takes longer.

    >>> sorted_unique(np.array([3, 1, 3])).tolist()
    [1, 3]
    """
    values = np.sort(values)
    return values[np.append(True, values[1:] != values[:-1])[: len(values)]]


def _mix(values: np.ndarray) -> np.ndarray:
    """Spreads uint64 evenly (the finalizer of SplitMix64)."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


def hashes_of(text: str) -> np.ndarray:
    """The hashes of a sketch, uint32 [up to `SIZE`], ascending."""
    return np.frombuffer(bytes.fromhex(text), "<u4")


def resemblance(first: str, second: str) -> float:
    """Estimates the share of passages that two pieces have in common, of all that either has: 0 to 1.

    >>> resemblance("01000000" "02000000", "02000000" "03000000")
    0.3333333333333333
    """
    one, other = hashes_of(first), hashes_of(second)
    smallest = np.union1d(one, other)[:SIZE]
    return float(np.mean(np.isin(smallest, one) & np.isin(smallest, other)))
