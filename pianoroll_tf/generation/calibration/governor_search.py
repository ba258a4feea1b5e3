"""Whether a model's music needs the governor of density, and the settings of that governor."""

import bisect
import functools
import math
from collections.abc import Callable

import numpy as np

# Relative error of the mean density that is let pass, density of a piece over that of the data from which it has run
# away or faded, and the share of pieces that may.
MEAN_ERROR, RUNAWAY, FADED, STRAY_PIECES = 0.1, 3.0, 0.1, 0.05
GAINS = (0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0)
LARGEST_SPREAD = 0.08  # one of the 128 windows of a trial that runs away to twice the density exceeds it
CLOSE = 0.01  # relative error of the mean density at which the search for the shift ends
LARGEST_SHIFT, ROUNDS = 3.0, 8
WINDOWS = 2  # of the trials of a gain


def needs_governor(densities: np.ndarray, density: float) -> bool:
    """Whether pieces of these densities [rows], drawn freely, are not those of data of `density`.

    >>> needs_governor(np.array([0.03, 0.05, 0.04]), 0.04), needs_governor(np.array([0.03, 0.2, 0.0]), 0.04)
    (False, True)
    """
    ratio = densities / density
    stray = np.mean((ratio > RUNAWAY) | (ratio < FADED))
    return bool(abs(ratio.mean() - 1) > MEAN_ERROR or stray > STRAY_PIECES)


def spread(densities: np.ndarray, density: float) -> float:
    """Root mean square of (density of a window / `density` - 1)."""
    return math.sqrt(np.mean((densities / density - 1) ** 2))


def search(trial: Callable[[float, float, int], np.ndarray], density: float) -> tuple[float, float, float]:
    """The least of `GAINS` that keeps pieces together, with the shift that brings their mean to `density`.

    The spread falls as the gain rises, so the least gain is found by bisection. The search for a shift begins at that
    of the gain before, and hears the first window only.

    Args:
        trial: Function of (shift, gain, number of windows) to densities [rows, windows].
        density: To reach.

    Returns:
        (shift, gain, spread).
    """
    shift = 0.0

    @functools.cache
    def found(gain: float) -> tuple[float, float, float]:
        nonlocal shift
        shift = find_shift(lambda shift: float(trial(shift, gain, 1).mean()), density, shift)
        return shift, gain, spread(trial(shift, gain, WINDOWS), density)

    least = bisect.bisect_left(GAINS, True, hi=len(GAINS) - 1, key=lambda gain: found(gain)[2] <= LARGEST_SPREAD)
    return found(GAINS[least])


def find_shift(trial: Callable[[float], float], density: float, start: float = 0.0) -> float:
    """The shift with which the mean density of the first window is nearest to `density`.

    Only the first window counts, because the governor's drift brings the later ones to the data's density.
    Log-density rises with the shift, about as fast; where it rises faster, the bracket is halved.

    Args:
        trial: Function of the shift to the mean density.
        density: To reach.
        start: Shift to try first.

    >>> shift = find_shift(lambda shift: 0.04 * math.exp(shift), 0.05)
    >>> round(math.exp(shift), 2)
    1.25
    """
    low, high = -LARGEST_SHIFT, LARGEST_SHIFT
    tried = []
    shift = start
    for _ in range(ROUNDS):
        error = math.log(max(trial(shift), 1e-9) / density)
        tried.append((abs(error), shift))
        if abs(error) < CLOSE:
            break
        low, high = (shift, high) if error < 0 else (low, shift)
        straight = shift - error
        shift = straight if low < straight < high else (low + high) / 2
    return min(tried)[1]
