"""Measured rates of onsets, sustained cells and re-strikes, shares of positions in the beat and of lengths of notes.

Shifts are a vector: those of `KINDS`, then, on a grid of beats, those of struck notes at each position in the beat,
then those of pitches held for 1, 2, 3, … steps. The parts of `Rates` are in the same order.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from pianoroll_tf.generation.sampling_options import KINDS

RATE_FLOOR = 1e-5


class Rates(NamedTuple):
    """A measurement of music, or a target; float64 arrays.

    Attributes:
        kinds: Probability of each of `KINDS`, [3].
        positions: Share of struck notes at each position in the beat, [positions >= 0].
        lengths: Share of held notes of 1, 2, 3, … steps among all of them, [lengths >= 0].
    """

    kinds: np.ndarray
    positions: np.ndarray = np.zeros(0)
    lengths: np.ndarray = np.zeros(0)

    def of_kinds(self) -> "Rates":
        """The rates of `KINDS` alone."""
        return Rates(self.kinds)


def split(shifts, steps_per_beat: int | None):
    """The parts of shifts, an array or tensor [..., shifts]: of `KINDS`, positions in the beat, lengths.

    >>> [part.tolist() for part in split(np.arange(8), 2)]
    [[0, 1, 2], [3, 4], [5, 6, 7]]
    """
    kinds = len(KINDS)
    lengths = kinds + (steps_per_beat or 0)
    return shifts[..., :kinds], shifts[..., kinds:lengths], shifts[..., lengths:]


def rates(cells: np.ndarray, first: int = 0) -> np.ndarray:
    """Empirical probability of each of `KINDS` from step `first` on, float64 [3], clipped by `RATE_FLOOR`.

    `cells`: 0 silent, 1 held, 2 struck, [rows, steps, 84], each row preceded by silence.

    >>> cells = np.zeros((1, 4, 84), np.uint8)
    >>> cells[0, :3, 0] = 2, 1, 2  # one onset of 334 chances, then held and re-struck, then let go
    >>> rates(cells).round(3).tolist()
    [0.003, 0.667, 0.5]
    """
    sounds = np.pad(cells != 0, [[0, 0], [1, 0], [0, 0]])
    before, sounds, struck = sounds[:, first:-1], sounds[:, first + 1 :], cells[:, first:] == 2
    kept = sounds & before
    parts = (sounds & ~before).sum(), kept.sum(), (kept & struck).sum()
    wholes = (~before).sum(), before.sum(), kept.sum()
    return clipped([part / max(whole, 1) for part, whole in zip(parts, wholes, strict=True)])


def position_shares(cells: np.ndarray, positions: np.ndarray, count: int, first: int = 0) -> np.ndarray:
    """Share of struck notes at each of `count` positions in the beat, float64 [count], clipped as `rates`.

    `positions`: position of each step, [steps]; `cells` and `first` as in `rates`.

    >>> cells = np.zeros((1, 4, 84), np.uint8)
    >>> cells[0, :, 0] = 2, 1, 2, 2
    >>> position_shares(cells, np.array([0, 1, 0, 1]), 2).round(3).tolist()
    [0.667, 0.333]
    """
    struck = (cells[:, first:] == 2).sum(axis=(0, 2))
    measured = np.bincount(positions[first:], struck, count)
    return clipped(measured / max(measured.sum(), 1))


def length_shares(cells: np.ndarray, count: int, first: int = 0) -> np.ndarray:
    """Share of held notes of 1, 2, …, `count` steps among all held notes, float64 [count], clipped as `rates`.

    A held note is a pitch that sounds without a break, whether it is struck again or not. The shares follow from the
    probabilities of a release after each number of steps, so notes that begin before `first` or outlast the cells count
    for the steps they have. `cells` and `first` as in `rates`.

    >>> cells = np.zeros((1, 4, 84), np.uint8)
    >>> cells[0, :, 0] = 2, 0, 2, 1
    >>> cells[0, :, 1] = 2, 1, 0, 0
    >>> length_shares(cells, 2).round(3).tolist()  # one of three is released after one step, one of one after two
    [0.333, 0.667]
    """
    sounds = np.pad(cells != 0, [[0, 0], [1, 0], [0, 0]])
    shares, remaining = [], 1.0
    begun = sounds.copy()  # whether a note sounds for `length` steps at this step
    begun[:, 1:] &= ~sounds[:, :-1]
    for _ in range(count):
        at_risk = begun[:, first:-1].sum()
        begun[:, 1:] = begun[:, :-1] & sounds[:, 1:]
        begun[:, 0] = False
        released = (at_risk - begun[:, first + 1 :].sum()) / max(at_risk, 1)
        shares.append(remaining * released)
        remaining *= 1 - released
    return clipped(shares)


def releases(lengths: np.ndarray) -> np.ndarray:
    """Probability of a release after 1, 2, 3, … steps, from the shares of lengths; clipped as `rates`.

    >>> releases(np.array([0.6, 0.2, 0.1])).round(3).tolist()
    [0.6, 0.5, 0.5]
    """
    longer = 1 - np.cumsum(lengths) + lengths
    return clipped(lengths / np.maximum(longer, RATE_FLOOR))


def clipped(shares: Sequence[float]) -> np.ndarray:
    """Shares within `RATE_FLOOR` and 1 - `RATE_FLOOR`, float64."""
    return np.clip(shares, RATE_FLOOR, 1 - RATE_FLOOR)


def log_odds(shares: np.ndarray) -> np.ndarray:
    """Log-odds of shares."""
    return np.log(shares) - np.log1p(-shares)
