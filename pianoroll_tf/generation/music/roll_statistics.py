"""Statistics of a piano-roll: density, polyphony, silence, note lengths, scale."""

import dataclasses

import numpy as np
import pretty_midi

from pianoroll_tf.config import LOWEST_PITCH, NUM_PITCHES
from pianoroll_tf.data.roll import from_dense, onsets, roll_to_notes

MAJOR = (0, 2, 4, 5, 7, 9, 11)  # semitones above the tonic


@dataclasses.dataclass(frozen=True)
class RollStatistics:
    """Statistics of one roll; pitches are MIDI numbers, None for silence.

    Attributes:
        density: Share of active cells.
        polyphony: Mean number of pitches over the steps in which any sounds; 0 for silence.
        empty_steps: Share of steps in which none sounds.
        longest_note: Steps of the longest run of one pitch.
    """

    density: float
    polyphony: float
    empty_steps: float
    longest_note: int
    lowest_pitch: int | None
    highest_pitch: int | None


def roll_statistics(roll: np.ndarray) -> RollStatistics:
    """Computes the statistics of a roll, nonzero where a pitch sounds; ValueError unless it is [steps >= 1, 84].

    >>> roll = np.zeros((4, 84), np.uint8)
    >>> roll[0:3, 36] = 1  # middle C for three steps, then silence
    >>> roll[1, 40] = 1
    >>> facts = roll_statistics(roll)
    >>> facts.longest_note, facts.lowest_pitch, facts.highest_pitch, facts.empty_steps
    (3, 60, 64, 0.25)
    """
    active = np.asarray(roll) != 0
    if active.ndim != 2 or active.shape[0] < 1 or active.shape[1] != NUM_PITCHES:
        raise ValueError(f"roll must be of shape [steps >= 1, {NUM_PITCHES}]. Received: shape={active.shape}")
    counts = active.sum(axis=1)
    sounding = counts > 0
    pitches = np.flatnonzero(active.any(axis=0)) + LOWEST_PITCH
    return RollStatistics(
        density=float(active.mean()),
        polyphony=float(counts[sounding].mean()) if sounding.any() else 0.0,
        empty_steps=float(1 - sounding.mean()),
        longest_note=int(from_dense(active).hold_lengths().max(initial=0)),
        lowest_pitch=int(pitches[0]) if len(pitches) else None,
        highest_pitch=int(pitches[-1]) if len(pitches) else None,
    )


def in_words(roll: np.ndarray, steps_per_second: float) -> str:
    """The statistics of a roll as a text.

    >>> roll = np.zeros((8, 84), np.uint8)
    >>> roll[0:6, 36] = roll[0:2, 40] = 1
    >>> in_words(roll, steps_per_second=2)
    '1.2% of the cells active, 1.3 pitches at once, C4 to E4, 25% of the steps silent, longest note 3.0 s'
    """
    facts = roll_statistics(roll)
    if facts.lowest_pitch is None or facts.highest_pitch is None:
        return "silent"
    low, high = (pretty_midi.note_number_to_name(pitch) for pitch in (facts.lowest_pitch, facts.highest_pitch))
    return (
        f"{facts.density:.1%} of the cells active, {facts.polyphony:.1f} pitches at once, {low} to {high}, "
        f"{facts.empty_steps:.0%} of the steps silent, longest note {facts.longest_note / steps_per_second:.1f} s"
    )


def note_lengths(roll: np.ndarray) -> np.ndarray:
    """Steps of each note of a roll [steps, 84], int64 [notes]; a struck cell (2) begins a note."""
    start, end, _ = roll_to_notes(roll)
    return end - start


def onset_intervals(roll: np.ndarray) -> np.ndarray:
    """Steps from each step in which a note begins to the next such step, int64 [intervals].

    >>> onset_intervals(np.array([[1, 0], [1, 0], [0, 1], [1, 1]], bool)).tolist()  # notes begin at steps 0, 2 and 3
    [2, 1]
    """
    return np.diff(np.flatnonzero(onsets(roll).any(axis=1)))


def scale_consistency(roll: np.ndarray) -> float | None:
    """Share of active cells in the best of the twelve major scales (and their relative minors); None for silence.

    A chromatic cluster of twelve has 7/12.

    >>> roll = np.zeros((4, 84), np.uint8)
    >>> roll[range(4), [0, 4, 7, 1]] = 1  # C, E, G, C sharp
    >>> scale_consistency(roll)
    0.75
    """
    classes = pitch_classes((np.asarray(roll) != 0).sum(axis=0))
    best = max(classes[(tonic + np.array(MAJOR)) % 12].sum() for tonic in range(12))
    return float(best / classes.sum()) if classes.any() else None


def pitch_classes(counts: np.ndarray) -> np.ndarray:
    """Counts by pitch, [84], added up by pitch class, [12]; class 0 is C.

    >>> pitch_classes(np.arange(84))[:2].tolist()  # 0 + 12 + … + 72, and seven more
    [252, 259]
    """
    return np.roll(np.reshape(counts, (-1, 12)).sum(axis=0), LOWEST_PITCH % 12)
