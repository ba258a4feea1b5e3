"""Rates of onsets, sustained cells and re-strikes in music, and a search for log-odds shifts that set them."""

import math
from collections.abc import Callable, Sequence

import numpy as np

from pianoroll_tf.generation.shaping import KINDS

MATCHES, MATCHED = 6, 0.04  # most trials of a search; error at which it stops
FIRST_STEP, LARGEST_MOVE = (
    1.2,
    1.0,
)  # initial step size, relative to the log-odds; largest move of a shift
LARGEST_SHIFT = 6.0
RATE_FLOOR = 1e-5


def rates(cells: np.ndarray, first: int = 0) -> np.ndarray:
    """Empirical probability of each of `KINDS`, float64 [3], clipped to `RATE_FLOOR` and 1 - `RATE_FLOOR`.

    Args:
        cells: 0 silent, 1 held, 2 struck, [rows, steps, 84], each row preceded by silence.
        first: First step that is counted.

    >>> cells = np.zeros((1, 4, 84), np.uint8)
    >>> cells[0, :3, 0] = 2, 1, 2  # one onset of 334 chances, then held and re-struck, then let go
    >>> rates(cells).round(3).tolist()
    [0.003, 0.667, 0.5]
    """
    sounds = cells != 0
    before = np.zeros_like(sounds)
    before[:, 1:] = sounds[:, :-1]
    sounds, before, struck = sounds[:, first:], before[:, first:], cells[:, first:] == 2
    kept = sounds & before
    counts = [
        ((sounds & ~before).sum(), (~before).sum()),
        (kept.sum(), before.sum()),
        ((kept & struck).sum(), kept.sum()),
    ]
    return clipped([part / max(whole, 1) for part, whole in counts])


def clipped(shares: Sequence[float]) -> np.ndarray:
    """Shares within `RATE_FLOOR` and 1 - `RATE_FLOOR`, float64."""
    return np.clip(shares, RATE_FLOOR, 1 - RATE_FLOOR)


def log_odds(shares: np.ndarray) -> np.ndarray:
    """Log-odds of shares."""
    return np.log(shares) - np.log1p(-shares)


def error(found: np.ndarray, wanted: np.ndarray) -> float:
    """Largest absolute log-ratio of the rates of onsets, releases and re-strikes.

    >>> round(error(np.array([0.01, 0.8, 0.1]), np.array([0.01, 0.9, 0.1])), 3)  # twice as many releases
    0.693
    """
    seldom = np.minimum(found, 1 - found) / np.minimum(wanted, 1 - wanted)
    return float(np.abs(np.log(seldom)).max())


def match(
    trial: Callable[[tuple[float, ...]], np.ndarray], wanted: np.ndarray, start: Sequence[float] = (0.0,) * len(KINDS)
) -> tuple[float, ...]:
    """Finds shifts with which the rates of a trial equal the target rates.

    Each trial moves the best shifts so far by a multiple of the difference in log-odds between target and measured
    rates. That is exact where all decisions of a kind have the same log-odds and are independent, and a search
    direction otherwise. The step size is halved when a trial overshoots: repetitive music responds to small shifts with
    large changes.

    Args:
        trial: Function of the shifts of `KINDS` to the rates, [3].
        wanted: Target rates, [3].
        start: Shifts of the first trial.
    """
    best, known, step = math.inf, np.array(start, float), FIRST_STEP
    shifts, move = known, np.zeros(len(KINDS))
    for _ in range(MATCHES):
        found = trial(tuple(shifts.tolist()))
        off = error(found, wanted)
        needed = log_odds(wanted) - log_odds(found)
        if off >= best or needed @ move < 0:  # overshoot
            step /= 2
        if off < best:
            best, known, move = off, shifts, needed
        if best < MATCHED:
            break
        shifts = np.clip(known + np.clip(step * move, -LARGEST_MOVE, LARGEST_MOVE), -LARGEST_SHIFT, LARGEST_SHIFT)
    return tuple(known.tolist())
