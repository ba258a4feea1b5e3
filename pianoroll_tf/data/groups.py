"""The windows of an epoch in groups, each of which fits into memory: an order that is a function of seed and epoch.

The records of each shard are divided into runs of a few neighbours, read in one go. An epoch takes the runs of all
shards in random order and cuts this order into groups of about equal numbers of steps. The windows of a group are
shuffled. Phases and transpositions are those of `windows.plan_epoch`, and so is the order if there is one group.
"""

import dataclasses

import numpy as np
import tensorflow as tf

from pianoroll_tf.config import DatasetConfig
from pianoroll_tf.data.windows import (
    draw_phases,
    epoch_seed,
    shuffle_windows,
    shuffled,
    tile,
    tilings,
    window_draws,
)

RUN_RECORDS = 8  # neighbours in a shard that are read together
_GROUP_SEED = 1 << 40  # apart from the seeds of `epoch_seed` in any epoch


@dataclasses.dataclass(frozen=True)
class Epoch:
    """What is drawn for an epoch as a whole."""

    number: int
    group: np.ndarray  # int32 [pieces], the group of each piece
    phase: np.ndarray  # int32 [pieces]
    draw: np.ndarray  # float32 [windows], in the order of the pieces


class Groups:
    """Plans the groups of every epoch.

    Args:
        piece_steps: int64 [pieces].
        shard: int32 [pieces], the shard of each piece, ascending.
        config: Sizes of the windows.
        seed: Seed of the training.
        buffer_steps: About how many steps a group has.
    """

    def __init__(
        self, piece_steps: np.ndarray, shard: np.ndarray, config: DatasetConfig, seed: int, buffer_steps: int
    ) -> None:
        self.piece_steps, self._seed, self._window_steps = piece_steps, seed, config.window_steps
        with tf.device("CPU"):
            self._tilings = tilings(piece_steps, config.window_steps)
        self._windows = self._tilings["windows"].numpy()
        self._first_window = np.cumsum(self._windows) - self._windows  # of each piece, in the order of the pieces
        self._run = _runs(shard)
        self._run_steps = np.bincount(self._run, piece_steps).astype(np.int64)
        self.count = max(-(-int(piece_steps.sum()) // buffer_steps), 1)  # groups of an epoch
        self.windows = int(self._windows.sum())  # of an epoch
        self._last: Epoch | None = None

    def epoch(self, number: int) -> Epoch:
        """The draws of an epoch; the last one is kept."""
        last = self._last
        if last is not None and last.number == number:
            return last
        with tf.device("CPU"):
            epoch = tf.constant(number, tf.int64)
            order = shuffled(len(self._run_steps), tf.stack([tf.constant(self._seed, tf.int64), -1 - epoch])).numpy()
            phase = draw_phases(epoch, self._seed, self._tilings).numpy().astype(np.int32)
            draw = window_draws(epoch, self._seed, self.windows).numpy()
        steps = self._run_steps[order]
        middle = np.cumsum(steps) - (steps + 1) // 2  # below the sum, so that the group is below the count
        group = np.empty(len(order), np.int32)
        group[order] = middle * self.count // max(int(steps.sum()), 1)
        self._last = Epoch(number, group[self._run], phase, draw)
        return self._last

    def position(self, window: int) -> tuple[int, int]:
        """Where a window of the endless order is.

        Returns:
            (Number of its group, counted from the first epoch; its number in the group.)
        """
        epoch, window = divmod(window, self.windows)
        sizes = np.bincount(self.epoch(epoch).group, self._windows, minlength=self.count).astype(np.int64)
        ends = np.cumsum(sizes)
        group = int(np.searchsorted(ends, window, side="right"))
        return epoch * self.count + group, window - int(ends[group] - sizes[group])

    def group(self, number: int) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """The pieces of a group, and its windows in their order.

        Args:
            number: Number of the group, counted from the first epoch.

        Returns:
            Numbers of the pieces, ascending; `begin`, `start`, `end`, `last` (int64) and `draw` (float32) of the
            windows, as from `windows.plan_epoch` for a corpus of these pieces alone.
        """
        number, group = divmod(number, self.count)
        epoch = self.epoch(number)
        pieces = np.flatnonzero(epoch.group == group)
        ends, counts = np.cumsum(self.piece_steps[pieces]), self._windows[pieces]
        first = self._first_window[pieces] - (np.cumsum(counts) - counts)
        with tf.device("CPU"):
            chosen = {"begin": ends - self.piece_steps[pieces], "end": ends, "windows": counts}
            chosen = {name: tf.constant(values) for name, values in chosen.items()}
            windows = tile(chosen, tf.constant(epoch.phase[pieces].astype(np.int64)), self._window_steps)
            draw = epoch.draw[np.arange(counts.sum()) + np.repeat(first, counts)]
            seed = epoch_seed(tf.constant(number, tf.int64), self._seed, 2)
            seed += tf.constant([0, _GROUP_SEED * group], tf.int64)
            windows = shuffle_windows({**windows, "draw": tf.constant(draw)}, seed)
        return pieces, {name: values.numpy() for name, values in windows.items()}


def _runs(shard: np.ndarray) -> np.ndarray:
    """The run of each piece, int64 [pieces], ascending.

    >>> _runs(np.array([0] * 9 + [1] * 3)).tolist()
    [0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 2, 2]
    """
    first = np.searchsorted(shard, shard)  # piece of the same shard
    begins = (np.arange(len(shard)) - first) % RUN_RECORDS == 0
    return np.cumsum(begins) - 1
