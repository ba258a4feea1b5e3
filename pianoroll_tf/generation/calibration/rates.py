"""Measured rates of onsets, sustained cells and re-strikes, and a search for log-odds shifts that set them.

A target, like a measurement, is a vector: the rates of `KINDS`, then, on a grid of beats, the share of struck notes at
each position in the beat. Shifts are in the same order.
"""

import math
from collections.abc import Callable, Sequence

import numpy as np

from pianoroll_tf.generation.sampling_options import KINDS

MAX_TRIALS, TOLERANCE = 6, 0.04  # of a search
FIRST_STEP, MAX_MOVE = 1.2, 1.0  # initial step size, relative to the log-odds; largest move of a shift
MAX_SHIFT = 6.0
SHARE_WEIGHT = 4.0  # an error of 0.01 in the share of a position counts as 4 % of a rate
RATE_FLOOR = 1e-5


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


def clipped(shares: Sequence[float]) -> np.ndarray:
    """Shares within `RATE_FLOOR` and 1 - `RATE_FLOOR`, float64."""
    return np.clip(shares, RATE_FLOOR, 1 - RATE_FLOOR)


def log_odds(shares: np.ndarray) -> np.ndarray:
    """Log-odds of shares."""
    return np.log(shares) - np.log1p(-shares)


def error(measured: np.ndarray, target: np.ndarray) -> float:
    """Largest absolute log-ratio of the rates of onsets, releases and re-strikes, or weighted error of a share.

    >>> round(error(np.array([0.01, 0.8, 0.1]), np.array([0.01, 0.9, 0.1])), 3)  # twice as many releases
    0.693
    """
    kinds = len(KINDS)
    ratio = np.minimum(measured, 1 - measured)[:kinds] / np.minimum(target, 1 - target)[:kinds]
    shares = SHARE_WEIGHT * np.abs(measured - target)[kinds:]
    return float(max(np.abs(np.log(ratio)).max(), shares.max(initial=0.0)))


def needed_shifts(measured: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Shifts that turn the measured rates into the target: differences of log-odds, log-ratios of shares.

    The log-ratios of shares leave the number of struck notes unchanged, as they only redistribute it.
    """
    kinds = len(KINDS)
    by_kind = log_odds(target[:kinds]) - log_odds(measured[:kinds])
    return np.concatenate([by_kind, np.log(target[kinds:] / measured[kinds:])])


def match(
    trial: Callable[[tuple[float, ...]], np.ndarray], target: np.ndarray, start: Sequence[float] = ()
) -> tuple[float, ...]:
    """Finds shifts with which the rates of a trial equal the target.

    Each trial moves the best shifts so far by a multiple of `needed_shifts`. That is exact where all decisions of a
    kind have the same log-odds and are independent, and a search direction otherwise. The step size is halved when a
    trial overshoots: repetitive music responds to small shifts with large changes. `start` has the shifts of the first
    trial; default: all 0.
    """
    best, known, step = math.inf, np.array(start or np.zeros(len(target)), float), FIRST_STEP
    shifts, move = known, np.zeros(len(target))
    for _ in range(MAX_TRIALS):
        measured = trial(tuple(shifts.tolist()))
        off, needed = error(measured, target), needed_shifts(measured, target)
        if off >= best or needed @ move < 0:  # overshoot
            step /= 2
        if off < best:
            best, known, move = off, shifts, needed
        if best < TOLERANCE:
            break
        shifts = np.clip(known + np.clip(step * move, -MAX_MOVE, MAX_MOVE), -MAX_SHIFT, MAX_SHIFT)
    return tuple(known.tolist())
