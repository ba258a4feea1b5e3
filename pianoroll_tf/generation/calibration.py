"""Sets the governor of a trained model: the least gain, and the shift, with which its music is as dense as its data."""

import bisect
import dataclasses
import functools
import math
from collections.abc import Callable

import numpy as np
import tensorflow as tf

from pianoroll_tf.config import NUM_PITCHES, LossConfig
from pianoroll_tf.generation.endpoints import sample_rows
from pianoroll_tf.generation.governor import Governor

ROWS, WINDOWS, WINDOW_STEPS = 64, 2, 512  # a trial: pieces from nothing, each of so many windows of so many steps
SEED = 2**40  # no seed a person is likely to type
GAINS = (0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0)
LARGEST_SPREAD = 0.08  # one of the 128 windows of a trial that runs away to twice the density exceeds it
CLOSE = 0.01  # relative error of the mean density at which the search for the shift ends
LARGEST_SHIFT, ROUNDS = 3.0, 8


@dataclasses.dataclass(frozen=True)
class Calibration:
    """What calibration found; densities are shares of active cells.

    Attributes:
        shift: Setting of the governor.
        gain: Setting of the governor.
        uncorrected: Mean density of the model's music without it.
        corrected: Mean density with it, over the first window.
        spread: Root mean square of (density of a window / density of the data - 1).
    """

    shift: float
    gain: float
    uncorrected: float
    corrected: float
    spread: float


def calibrate(
    model, loss: LossConfig, density: float, hold: float = 0.0, rows: int = ROWS, window_steps: int = WINDOW_STEPS
) -> Calibration:
    """Generates pieces from nothing and sets the governor by them; the same seeds in every trial.

    Args:
        model: Made by `build_model`.
        loss: The loss it was trained with.
        density: Share of active cells to reach, that of the training data, > 0.
        hold: Setting of the governor.
        rows: Pieces a trial.
        window_steps: Length of a window.

    Returns:
        A `Calibration`.
    """
    signature = [tf.TensorSpec([], tf.float32), tf.TensorSpec([], tf.float32), tf.TensorSpec([], tf.int32)]
    nothing = tf.zeros([rows, 0, NUM_PITCHES], tf.uint8)

    @tf.function(input_signature=signature, autograph=False)
    def generate(shift, gain, steps):
        governor = Governor(shift=shift, gain=gain, notes=density * NUM_PITCHES, hold=hold)
        return sample_rows(model, loss, governor, nothing, steps, SEED)

    def trial(shift: float, gain: float, windows: int) -> np.ndarray:
        roll = generate(tf.constant(shift), tf.constant(gain), tf.constant(windows * window_steps)).numpy()
        return roll.reshape(rows, windows, -1).mean(axis=-1)

    return search(trial, density)


def search(trial: Callable[[float, float, int], np.ndarray], density: float) -> Calibration:
    """The least of `GAINS` that keeps pieces together, with the shift that brings their mean to `density`.

    The spread falls as the gain rises, so the least gain is found by bisection. The search for a shift begins at that
    of the gain before, and hears the first window only.

    Args:
        trial: Function of (shift, gain, number of windows) to densities [rows, windows].
        density: To reach.
    """
    uncorrected = float(trial(0.0, 0.0, WINDOWS).mean())
    shift = 0.0

    @functools.cache
    def found(gain: float) -> Calibration:
        nonlocal shift
        shift = find_shift(lambda shift: float(trial(shift, gain, 1).mean()), density, shift)
        densities = trial(shift, gain, WINDOWS)
        spread = math.sqrt(np.mean((densities / density - 1) ** 2))
        return Calibration(shift, gain, uncorrected, float(densities[:, 0].mean()), spread)

    least = bisect.bisect_left(GAINS, True, hi=len(GAINS) - 1, key=lambda gain: found(gain).spread <= LARGEST_SPREAD)
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
