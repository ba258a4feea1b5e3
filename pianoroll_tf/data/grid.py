"""Chooses the grid of a corpus: beats if the beats of its files carry a metre, else seconds.

The beats of a file carry a metre if its onsets, rounded to steps of a quarter note, concentrate on some positions in
the quarter and if the pattern of onsets recurs one bar later. Neither is the case for a free performance recorded
without a click, whose tempo map does not follow the music.
"""

from collections.abc import Iterable, Sequence

import numpy as np

from pianoroll_tf.data.clock import Meter
from pianoroll_tf.data.roll import SparseRoll

# Measured at 4 steps per quarter: classical piano 0.46 and 0.68, POP909 0.52 and 0.65, Nottingham 0.72 and 0.81; the
# same files with the seconds of 120 quarters per minute taken for beats 0.26 and 0.00, POP909 0.29 and 0.01
MIN_CONCENTRATION = 1.4  # relative to onsets spread evenly over the positions
MIN_RECURRENCE = 0.15


def evidence(roll: SparseRoll, meters: Sequence[tuple[int, Meter]], steps_per_beat: int) -> tuple[float, ...]:
    """Statistics of the onsets of a piece on the grid of beats, which `decide` sums over pieces.

    Returns:
        Covariance of the number of onsets of a step, minus its mean over a bar around the step, with that of the step
        one bar later, summed over steps; variance of that number, summed over the same steps; and the number of onsets
        at each position in the quarter.

    >>> four = SparseRoll(np.array([1, 0] * 4, np.uint8), np.array([128] * 4, np.uint8))  # an onset every second step
    >>> evidence(four, (), 2)[2:]
    (4, 0)
    """
    count = roll.onset_counts().astype(np.float64)
    places = np.bincount(np.arange(len(count)) % steps_per_beat, count, steps_per_beat)
    bar = (meters[0][1] if meters else Meter()).bar_steps(steps_per_beat)
    centred = count - np.convolve(count, np.full(bar, 1 / bar), "same")[: len(count)]
    now, later = centred[:-bar], centred[bar:]
    variance = (float(now @ now) + float(later @ later)) / 2
    return (round(float(now @ later), 6), round(variance, 6), *places.astype(int).tolist())


def decide(pieces: Iterable[Sequence[float]]) -> tuple[str, str]:
    """Chooses the grid of a corpus, "beats" or "seconds", from the evidence of its pieces, in any order.

    Returns:
        (grid, its reason in words).

    >>> decide([(60.0, 100.0, 50, 5, 40, 5)])[0], decide([(1.0, 100.0, 27, 25, 24, 24)])[0]
    ('beats', 'seconds')
    """
    best, onsets, count, covariance, variance = 0.0, 0.0, 1, 0.0, 0.0
    for recurrence, spread, *places in pieces:
        # The best position differs by piece, as a first beat need not lie on a beat of the file.
        best, onsets, count = best + max(places), onsets + sum(places), len(places)
        covariance, variance = covariance + recurrence, variance + spread
    concentration = best / max(onsets, 1)
    correlation = covariance / variance if variance else 0.0
    # With one step per quarter all onsets have the same position, and only the recurrence can tell.
    metric = (count == 1 or concentration >= MIN_CONCENTRATION / count) and correlation >= MIN_RECURRENCE
    return "beats" if metric else "seconds", (
        f"the files' beats carry {'a' if metric else 'no'} metre: {round(concentration, 4):.0%} of the onsets lie on "
        f"one place in the beat, and their number correlates with that one bar later by {round(correlation, 4):.2f}"
    )
