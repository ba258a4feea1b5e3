"""Plans the windows of a training epoch."""

import numpy as np
import tensorflow as tf

from pianoroll_tf.config import DatasetConfig
from pianoroll_tf.data.loading import Corpus

_ALGORITHM = "philox"  # the same numbers on every device


def windows_of_pieces(steps: np.ndarray, window_steps: int) -> np.ndarray:
    """Number of windows of each piece of `steps` in an epoch, int64 [pieces].

    A piece of up to T steps is one window. A longer one of n steps is tiled from a random phase, so that each of its
    steps is in one window per epoch. It has ceil(n / T) windows, and one more if the phase could otherwise vary by less
    than T / 2: pieces of exactly 2 T steps, common on the grid of beats, would always be cut at the same steps.

    >>> windows_of_pieces(np.array([1, 128, 129, 256, 300]), 128).tolist()
    [1, 1, 2, 3, 3]
    """
    long = -(-(steps + window_steps // 2) // window_steps)
    return np.where(steps <= window_steps, np.minimum(steps, 1), long)


def piece_tensors(corpus: Corpus, config: DatasetConfig) -> dict[str, tf.Tensor]:
    """Facts about each piece that `plan_epoch` needs, int64 [pieces] each."""
    return {
        "begin": tf.constant(corpus.piece_offsets[:-1]),
        "end": tf.constant(corpus.piece_offsets[1:]),
        **tilings(corpus.piece_steps, config.window_steps),
    }


def tilings(steps: np.ndarray, window_steps: int) -> dict[str, tf.Tensor]:
    """Number of windows of pieces of `steps` steps, and the bounds of their phases, int64 [pieces] each."""
    windows = windows_of_pieces(steps, window_steps)
    slack = windows * window_steps - steps  # steps by which the tiling is longer than the piece
    long = steps > window_steps
    return {
        "windows": tf.constant(windows),
        # Bounds with which neither the first nor the last window is empty:
        "lowest_phase": tf.constant(np.where(long, np.maximum(slack - window_steps + 1, 0), 0)),
        "highest_phase": tf.constant(np.where(long, np.minimum(slack, window_steps - 1), 0)),
    }


def plan_epoch(epoch: tf.Tensor, seed: int, pieces: dict[str, tf.Tensor], window_steps: int) -> dict[str, tf.Tensor]:
    """Windows of an epoch in random order: `start` and `end`, `begin` and `last` of the piece, a random `draw`."""
    phase = draw_phases(epoch, seed, pieces)
    windows = tile(pieces, phase, window_steps)
    windows["draw"] = window_draws(epoch, seed, tf.size(windows["begin"]))
    return shuffle_windows(windows, epoch_seed(epoch, seed, 2))


def epoch_seed(epoch: tf.Tensor, seed: int, use: int) -> tf.Tensor:
    """The seed of one of the three uses of random numbers in an epoch, int64 [2]: phases, draws, order."""
    return tf.stack([tf.constant(seed, tf.int64), 3 * epoch + use])


def draw_phases(epoch: tf.Tensor, seed: int, pieces: dict[str, tf.Tensor]) -> tf.Tensor:
    """By how many steps the tiling of each piece begins before it, int64 [pieces]."""
    low, high = pieces["lowest_phase"], pieces["highest_phase"]
    draw = tf.random.stateless_uniform(tf.shape(low), epoch_seed(epoch, seed, 0), alg=_ALGORITHM)
    return low + uniform_integer(draw, high - low + 1)


def window_draws(epoch: tf.Tensor, seed: int, windows: tf.Tensor) -> tf.Tensor:
    """A random number in [0, 1) for each window, in the order of the pieces, float32 [windows]."""
    return tf.random.stateless_uniform([windows], epoch_seed(epoch, seed, 1), alg=_ALGORITHM)


def tile(pieces: dict[str, tf.Tensor], phase: tf.Tensor, window_steps: int) -> dict[str, tf.Tensor]:
    """The windows of pieces with `begin`, `end` and `windows`, in order: `begin`, `start`, `end`, `last`."""
    piece = tf.repeat(tf.range(tf.size(phase)), pieces["windows"])
    number = tf.range(tf.size(piece, tf.int64)) - tf.gather(tf.cumsum(pieces["windows"], exclusive=True), piece)
    begin, end = tf.gather(pieces["begin"], piece), tf.gather(pieces["end"], piece)
    start = begin + number * window_steps - tf.gather(phase, piece)
    return {
        "begin": begin,
        "start": tf.maximum(start, begin),
        "end": tf.minimum(start + window_steps, end),
        "last": end,
    }


def shuffle_windows(windows: dict[str, tf.Tensor], seed: tf.Tensor) -> dict[str, tf.Tensor]:
    """The windows in an order that is a function of the seed, int64 [2]."""
    order = shuffled(tf.size(windows["begin"]), seed)
    return {name: tf.gather(values, order) for name, values in windows.items()}


def shuffled(count: tf.Tensor | int, seed: tf.Tensor) -> tf.Tensor:
    """The numbers 0..count - 1 in an order that is a function of the seed, int64 [2]."""
    return tf.random.experimental.stateless_shuffle(tf.range(count), seed, alg=_ALGORITHM)


def uniform_integer(draw: tf.Tensor, count: tf.Tensor) -> tf.Tensor:
    """Integers 0..count - 1 from uniform draws in [0, 1), int64."""
    return tf.minimum(tf.cast(draw * tf.cast(count, tf.float32), tf.int64), count - 1)
