"""Plans the windows of a training epoch, and the lanes of an evaluation."""

import numpy as np
import tensorflow as tf

from pianoroll_tf.config import DatasetConfig
from pianoroll_tf.data.loading import Corpus

MAX_LANES = 64  # of an evaluation if the batch size is not set
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
    windows = windows_of_pieces(corpus.piece_steps, config.window_steps)
    slack = windows * config.window_steps - corpus.piece_steps  # steps by which the tiling is longer than the piece
    long = corpus.piece_steps > config.window_steps
    return {
        "begin": tf.constant(corpus.piece_offsets[:-1]),
        "end": tf.constant(corpus.piece_offsets[1:]),
        "windows": tf.constant(windows),
        # Bounds with which neither the first nor the last window is empty:
        "lowest_phase": tf.constant(np.where(long, np.maximum(slack - config.window_steps + 1, 0), 0)),
        "highest_phase": tf.constant(np.where(long, np.minimum(slack, config.window_steps - 1), 0)),
    }


def plan_epoch(epoch: tf.Tensor, seed: int, pieces: dict[str, tf.Tensor], window_steps: int) -> dict[str, tf.Tensor]:
    """Windows of an epoch in random order: `start` and `end`, `begin` and `last` of the piece, a random `draw`."""
    seeds = [tf.stack([tf.constant(seed, tf.int64), 3 * epoch + use]) for use in range(3)]
    low, high = pieces["lowest_phase"], pieces["highest_phase"]
    phase = low + uniform_integer(tf.random.stateless_uniform(tf.shape(low), seeds[0], alg=_ALGORITHM), high - low + 1)
    piece = tf.repeat(tf.range(tf.size(phase)), pieces["windows"])
    number = tf.range(tf.size(piece, tf.int64)) - tf.gather(tf.cumsum(pieces["windows"], exclusive=True), piece)
    begin, end = tf.gather(pieces["begin"], piece), tf.gather(pieces["end"], piece)
    start = begin + number * window_steps - tf.gather(phase, piece)
    windows = {
        "begin": begin,
        "start": tf.maximum(start, begin),
        "end": tf.minimum(start + window_steps, end),
        "last": end,
        "draw": tf.random.stateless_uniform(tf.shape(piece), seeds[1], alg=_ALGORITHM),
    }
    order = tf.random.experimental.stateless_shuffle(tf.range(tf.size(piece)), seeds[2], alg=_ALGORITHM)
    return {name: tf.gather(values, order) for name, values in windows.items()}


def uniform_integer(draw: tf.Tensor, count: tf.Tensor) -> tf.Tensor:
    """Integers 0..count - 1 from uniform draws in [0, 1), int64."""
    return tf.minimum(tf.cast(draw * tf.cast(count, tf.float32), tf.int64), count - 1)


def plan_lanes(corpus: Corpus, config: DatasetConfig) -> dict[str, np.ndarray]:
    """Windows [batches, lanes] that hold every piece once: begin, start, end, last (int64) and reset (bool)."""
    length = -(-corpus.piece_steps // config.window_steps)  # windows
    longest = max(int(length.max(initial=0)), 1)
    count = int(np.clip(-(-length.sum() // longest), 1, config.batch_size or MAX_LANES))
    lanes: list[list[tuple[int, int, int, int, bool]]] = [[] for _ in range(count)]
    for piece in np.argsort(-length, kind="stable"):
        begin, end = (int(offset) for offset in corpus.piece_offsets[piece : piece + 2])
        lane = min(lanes, key=len)
        for start in range(begin, end, config.window_steps):
            lane.append((begin, start, min(start + config.window_steps, end), end, start == begin))
    batches = max(len(lane) for lane in lanes)
    table = np.array([lane + [(0, 0, 0, 0, True)] * (batches - len(lane)) for lane in lanes], np.int64)
    begins, starts, ends, lasts, resets = table.reshape(len(lanes), batches, 5).transpose(2, 1, 0)
    return {"begin": begins, "start": starts, "end": ends, "last": lasts, "reset": resets.astype(bool)}
