"""Decides whether a model's music needs density control, and finds the shift and gain of the governor."""

import bisect
import functools
import math
from collections.abc import Callable

import numpy as np

# Largest relative error of the mean density; ratios to the density of the data beyond which a piece has run away or
# faded, and the largest share of such pieces.
MAX_MEAN_ERROR, MAX_DENSITY_RATIO, MIN_DENSITY_RATIO, MAX_STRAY_SHARE = 0.1, 3.0, 0.1, 0.05
GAINS = (0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0)
MAX_SPREAD = 0.08  # one of the 128 windows of a trial that runs away to twice the density exceeds it
TOLERANCE = 0.01  # relative error of the mean density, for the search for the shift
MAX_SHIFT, ROUNDS = 3.0, 8
WINDOWS = 2  # of the trials for a gain


def needs_governor(densities: np.ndarray, density: float) -> bool:
    """Whether the densities [rows] of pieces, generated without the governor, differ from the `density` of the data.

    >>> needs_governor(np.array([0.03, 0.05, 0.04]), 0.04), needs_governor(np.array([0.03, 0.2, 0.0]), 0.04)
    (False, True)
    """
    ratio = densities / density
    stray = np.mean((ratio > MAX_DENSITY_RATIO) | (ratio < MIN_DENSITY_RATIO))
    return bool(abs(ratio.mean() - 1) > MAX_MEAN_ERROR or stray > MAX_STRAY_SHARE)


def spread(densities: np.ndarray, density: float) -> float:
    """Root mean square of (density of a window / `density` - 1)."""
    return math.sqrt(np.mean((densities / density - 1) ** 2))


def search(trial: Callable[[float, float, int], np.ndarray], density: float) -> tuple[float, float, float]:
    """Finds the smallest of `GAINS` with which the spread is small, and the shift that sets the mean to `density`.

    The spread falls as the gain rises, so the gain is found by bisection. The search for a shift starts from that of
    the previous gain and uses the first window only. `trial` is a function of (shift, gain, number of windows) to
    densities [rows, windows]; the result is (shift, gain, spread).
    """
    shift = 0.0

    @functools.cache
    def settings(gain: float) -> tuple[float, float, float]:
        nonlocal shift
        shift = find_shift(lambda shift: float(trial(shift, gain, 1).mean()), density, shift)
        return shift, gain, spread(trial(shift, gain, WINDOWS), density)

    index = bisect.bisect_left(GAINS, True, hi=len(GAINS) - 1, key=lambda gain: settings(gain)[2] <= MAX_SPREAD)
    return settings(GAINS[index])


def find_shift(trial: Callable[[float], float], density: float, start: float = 0.0) -> float:
    """Finds the shift with which the mean density of the first window, that of a trial, is nearest to `density`.

    Only the first window counts, because the drift of the governor corrects the later ones. The log-density rises about
    as fast as the shift; if it rises faster, the bracket is halved.

    >>> shift = find_shift(lambda shift: 0.04 * math.exp(shift), 0.05)
    >>> round(math.exp(shift), 2)
    1.25
    """
    low, high = -MAX_SHIFT, MAX_SHIFT
    tried = []
    shift = start
    for _ in range(ROUNDS):
        error = math.log(max(trial(shift), 1e-9) / density)
        tried.append((abs(error), shift))
        if abs(error) < TOLERANCE:
            break
        low, high = (shift, high) if error < 0 else (low, shift)
        straight = shift - error
        shift = straight if low < straight < high else (low + high) / 2
    return min(tried)[1]
