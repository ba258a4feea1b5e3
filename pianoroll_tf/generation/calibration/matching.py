"""Search for shifts of log-odds with which music has the wanted rates."""

import math
from collections.abc import Callable, Sequence

import numpy as np

from pianoroll_tf.generation.calibration.rates import Rates, log_odds, releases
from pianoroll_tf.generation.sampling_options import KINDS

MAX_TRIALS, TOLERANCE = 6, 0.04  # of a search that starts near its end
MAX_FIRST_TRIALS = 12  # of the first search, whose shifts are the start of all others
FIRST_STEP, MAX_MOVE = 1.2, 1.0  # initial step size, relative to the log-odds; largest move of a shift
MAX_SHIFT = 6.0
SHARE_WEIGHT = 4.0  # an error of 0.01 in the share of a position or a length counts as 4 % of a rate


def error(measured: Rates, target: Rates) -> float:
    """Largest absolute log-ratio of the rates of onsets, releases and re-strikes, or weighted error of a share.

    >>> one, other = Rates(np.array([0.01, 0.8, 0.1])), Rates(np.array([0.01, 0.9, 0.1]))
    >>> round(error(one, other), 3)  # twice as many releases
    0.693
    """
    ratio = np.minimum(measured.kinds, 1 - measured.kinds) / np.minimum(target.kinds, 1 - target.kinds)
    shares = [SHARE_WEIGHT * np.abs(one - other) for one, other in zip(measured[1:], target[1:], strict=True)]
    return float(max(np.abs(np.log(ratio)).max(), *(share.max(initial=0.0) for share in shares)))


def needed_shifts(measured: Rates, target: Rates) -> np.ndarray:
    """Shifts that turn the measured rates into the target: differences of log-odds, log-ratios of shares.

    The log-ratios of shares leave the number of struck notes unchanged, as they only redistribute it. The shift of a
    length is added to that of all sustained cells, so it is the difference to that.
    """
    kinds = log_odds(target.kinds) - log_odds(measured.kinds)
    sustain = log_odds(releases(measured.lengths)) - log_odds(releases(target.lengths))
    positions = np.log(target.positions / measured.positions)
    return np.concatenate([kinds, positions, sustain - kinds[KINDS.index("hold")]])


def match(
    trial: Callable[[tuple[float, ...]], Rates],
    target: Rates,
    start: Sequence[float] = (),
    max_trials: int = MAX_TRIALS,
) -> tuple[float, ...]:
    """Finds shifts with which the rates of a trial equal the target.

    After each trial, every shift moves by a multiple of its `needed_shifts`. That is exact where all decisions of a
    kind have the same log-odds and are independent, and a direction otherwise. The multiple is halved for each shift
    that has overshot: repetitive music responds to small shifts with large changes, and shifts depend on one another.

    Args:
        trial: Function of shifts to the rates of music with these shifts.
        target: The wanted rates.
        start: Shifts of the first trial; default: all 0.
        max_trials: Trials after which the best shifts so far are returned.
    """
    count = sum(map(len, target))
    shifts = np.array(start or np.zeros(count), float)
    best, known, steps, before = math.inf, shifts, np.full(count, FIRST_STEP), np.zeros(count)
    for _ in range(max_trials):
        measured = trial(tuple(shifts.tolist()))
        off, needed = error(measured, target), needed_shifts(measured, target)
        if off < best:
            best, known = off, shifts
        if best < TOLERANCE:
            break
        steps[needed * before < 0] /= 2  # overshoot
        before = needed
        shifts = np.clip(shifts + np.clip(steps * needed, -MAX_MOVE, MAX_MOVE), -MAX_SHIFT, MAX_SHIFT)
    return tuple(known.tolist())
