"""Onset rates by metrical position: moving averages along a piece, and their 95th percentile over a corpus."""

from collections.abc import Sequence

import numpy as np

from pianoroll_tf.data.clock import Meter, clock_codes

MEMORY_STEPS, MEMORY_BEATS = 64, 16  # time constant of the averages: 4 bars of 4/4; 8 s at 8 steps per second
UNUSUAL = 0.05  # share of the steps at a position whose average is above the percentile
_BLOCK = 256  # values that are averaged at once; so that (1 - 1/16)^256 is well within the range of float64
_BINS_PER_ONSET, _MAX_ONSETS = 64, 84


def positions_in_beat(meters: Sequence[tuple[int, Meter]], steps: int, count: int) -> np.ndarray:
    """Position of each step within its quarter note, int64 [steps], 0 to count - 1.

    Args:
        meters: (first step, time signature), ascending, as for `clock.meter_spans`.
        steps: Length of the piece.
        count: Steps per quarter note; 1 on the grid of seconds.

    >>> positions_in_beat([(0, Meter(3, 8))], 8, 4).tolist()  # a bar of 6 steps
    [0, 1, 2, 3, 0, 1, 0, 1]
    """
    return clock_codes(meters, steps, count).astype(np.int64) % count


def onset_weight(count: int) -> float:
    """Weight of a new value in the moving average of one of `count` positions; count is 1 on the grid of seconds."""
    return 1 / MEMORY_BEATS if count > 1 else 1 / MEMORY_STEPS


def onset_averages(onsets: np.ndarray, places: np.ndarray, count: int) -> np.ndarray:
    """Moving average of onsets at the position of each step: y += (onsets - y) * onset_weight(count), from y = 0.

    Args:
        onsets: Struck notes of each step, [..., steps].
        places: Position of each step, by `positions_in_beat`, [steps].
        count: Number of positions.

    Returns:
        float64 [..., steps]; each average includes its own step.

    >>> onset_averages(np.array([4, 0, 4, 0]), np.array([0, 1, 0, 1]), 2).tolist()
    [0.25, 0.0, 0.484375, 0.0]
    """
    found = np.zeros(onsets.shape)
    for place in range(count):
        here = places == place
        found[..., here] = _average(onsets[..., here].astype(float), onset_weight(count))
    return found


def _average(values: np.ndarray, weight: float) -> np.ndarray:
    """y[k] = y[k - 1] + weight * (x[k] - y[k - 1]) along the last axis, block by block."""
    found, before = np.empty_like(values), np.zeros(values.shape[:-1])
    decay = (1 - weight) ** np.arange(1, _BLOCK + 1)
    for first in range(0, values.shape[-1], _BLOCK):
        block = values[..., first : first + _BLOCK]
        powers = decay[: block.shape[-1]]
        averages = powers * (before[..., np.newaxis] + weight * np.cumsum(block / powers, axis=-1))
        found[..., first : first + _BLOCK] = averages
        before = averages[..., -1]
    return found


class UsualOnsets:
    """The 95th percentile of the moving average at each of `count` positions, gathered piece by piece."""

    def __init__(self, count: int) -> None:
        self._histogram = np.zeros((count, _BINS_PER_ONSET * _MAX_ONSETS + 1), np.int64)

    def add(self, onsets: np.ndarray, places: np.ndarray) -> None:
        """Adds a piece: number of onsets and position of each step, [steps] each."""
        count, bins = self._histogram.shape
        averages = np.ceil(onset_averages(onsets, places, count) * _BINS_PER_ONSET - 1e-6).astype(np.int64)
        flat = np.bincount(places * bins + averages, minlength=count * bins)
        self._histogram += flat.reshape(count, bins)

    def counts(self) -> list[tuple[int, int]]:
        """The gathered histogram: (bin, number of steps in it), ascending, without empty bins."""
        flat = self._histogram.ravel()
        filled = np.flatnonzero(flat)
        return list(zip(filled.tolist(), flat[filled].tolist(), strict=True))

    def add_counts(self, counts: Sequence[tuple[int, int]]) -> None:
        """Adds the pieces of which another one of as many positions has these `counts`.

        >>> one, other = UsualOnsets(1), UsualOnsets(1)
        >>> one.add(np.ones(10000, int), np.zeros(10000, int))
        >>> other.add_counts(one.counts())
        >>> other.found()
        [1.0]
        """
        for place, steps in counts:
            self._histogram.flat[place] += steps

    def found(self) -> list[float]:
        """Onsets per step, [positions], rounded up to 1/64; 0 at a position that occurred nowhere.

        >>> usual = UsualOnsets(1)
        >>> usual.add(np.ones(10000, int), np.zeros(10000, int))  # rises from 0 to 1
        >>> usual.found()
        [1.0]
        """
        up_to = self._histogram.cumsum(axis=1)  # column b counts steps in bin b or below
        total = up_to[:, -1:]
        return ((total - up_to <= UNUSUAL * total).argmax(axis=1) / _BINS_PER_ONSET).tolist()
