"""Creates tf.data pipelines: training windows with random starts, and evaluation of every step once, in order.

A stage processes a whole batch. Every piece is preceded by one silent step, so a window of T targets is cut as T + 1
frames: `inputs` are the first T of them and `targets` the last T. Batches are dicts:

    inputs, targets   uint8 [batch, T, 84], states of the cells: 0 silent, 1 held, 2 struck
    clock             int32 [batch, T], code of each target's step (`data.clock`)
    ends              float32 [batch, T], 1 where the target is the last step of its piece
    mask              float32 [batch, T], 1 on the steps of the piece and 0 on the padding, which is at the end
"""

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from pianoroll_tf.config import NUM_PITCHES, DatasetConfig
from pianoroll_tf.data.frames import Frames, dense, pitch_range, transpose
from pianoroll_tf.data.lanes import plan_lanes
from pianoroll_tf.data.loading import Corpus
from pianoroll_tf.data.loading import load_corpus as load_corpus  # for those who import both from here
from pianoroll_tf.data.stream import Stream
from pianoroll_tf.data.streaming import evaluation_windows, plain, training_windows
from pianoroll_tf.data.windows import piece_tensors, plan_epoch, uniform_integer, windows_of_pieces

MIN_BATCH_SIZE, MAX_BATCH_SIZE = 4, 64  # bounds if the batch size is not set
BATCHES_PER_EPOCH = 32  # about, if the batch size is not set

_PARALLEL_BATCHES = 2  # fixed, as with the autotuner, deleting an iterator can take seconds
_PREFETCH_BATCHES = 4


def windows_per_epoch(corpus: Corpus | Stream, config: DatasetConfig) -> int:
    """Number of windows of an epoch, in which every step of the corpus occurs once."""
    return int(windows_of_pieces(corpus.piece_steps, config.window_steps).sum())


def batches_per_epoch(corpus: Corpus | Stream, config: DatasetConfig) -> int:
    """Number of batches that hold the windows of an epoch; the last one may hold windows of the next epoch too."""
    return -(-windows_per_epoch(corpus, config) // batch_size(corpus, config))


def batch_size(corpus: Corpus | Stream, config: DatasetConfig) -> int:
    """Windows per batch: as set, else a power of two from 4 to 64, nearest to a 32nd of the windows of an epoch.

    So an epoch of a small corpus has many steps too.
    """
    if config.batch_size is not None:
        return config.batch_size
    nearest = 2 ** round(np.log2(max(windows_per_epoch(corpus, config) / BATCHES_PER_EPOCH, 1)))
    return int(np.clip(nearest, MIN_BATCH_SIZE, MAX_BATCH_SIZE))


def make_dataset(
    corpus: Corpus | Stream,
    config: DatasetConfig,
    seed: int,
    first_batch: int = 0,
    share: tuple[int, int] | None = None,
) -> tf.data.Dataset:
    """Creates an endless dataset of training batches; batch k is a function of (corpus, config, seed, k) alone.

    Order and phases of the windows differ from epoch to epoch. Those of a stream are shuffled in groups
    (`data.groups`); if it has one group, its batches are those of the same pieces in memory. The
    transposition of a window is uniform over those shifts of -transpose..+transpose that keep all its pitches inside
    the roll. The dataset begins with batch `first_batch`.

    Args:
        corpus: The pieces.
        config: Settings of windows and batches.
        seed: Seed of order, phases and transposition.
        first_batch: Number of the first batch, counted from the start of the run.
        share: (w, n): only the rows w::n of each batch, for worker w of n; None: all.

    Returns:
        Dataset of dicts, described in the docstring of this module. Where only a share of the rows is made, another
        key, `mask_mean`, float32 [], is the mean of the mask over the whole batch.

    Raises:
        ValueError: The corpus has no steps.
    """
    windows = windows_per_epoch(corpus, config)
    if windows == 0:
        raise ValueError(f"the split must have at least one step. Received: steps={corpus.steps}")
    size = batch_size(corpus, config)
    cut: Callable[[dict], dict] = dict  # a stream's windows are cut already
    if isinstance(corpus, Stream):
        planned = training_windows(corpus, config, seed, first_batch * size, size)
    else:
        planned, cut = _planned_windows(corpus, config, seed, first_batch * size), _cutter(corpus, config)

    def batch(windows: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        more = {}
        if share is not None:
            steps = tf.reduce_sum(windows["end"] - windows["start"])
            more["mask_mean"] = tf.cast(steps, tf.float32) / (size * config.window_steps)
            windows = {name: values[share[0] :: share[1]] for name, values in windows.items()}
        windows = cut(windows)
        if config.transpose:
            codes = windows["codes"]
            windows["codes"] = transpose(codes, _shifts(codes, windows["draw"], config.transpose))
        return _batch(windows, config.window_steps) | more

    return _batches(planned.rebatch(size, drop_remainder=True), batch)


def _planned_windows(corpus: Corpus, config: DatasetConfig, seed: int, first_window: int) -> tf.data.Dataset:
    """The windows of one epoch after the other, from number `first_window` on."""
    first_epoch, skip = divmod(first_window, windows_per_epoch(corpus, config))
    pieces = piece_tensors(corpus, config)

    def plan(number: tf.Tensor, epoch: tf.Tensor) -> dict[str, tf.Tensor]:
        windows = plan_epoch(epoch, seed, pieces, config.window_steps)
        return {name: values[tf.where(number == 0, skip, 0) :] for name, values in windows.items()}

    return tf.data.Dataset.range(first_epoch, np.iinfo(np.int64).max).enumerate().map(plain(plan))


def _cutter(corpus: Corpus, config: DatasetConfig) -> Callable[[dict], dict]:
    """The function that adds to windows of a corpus in memory what is cut from it: `codes` and `clock`."""
    frames = Frames.of(corpus, config.window_steps)
    return lambda windows: windows | {"codes": frames.cut(windows), "clock": frames.clock(windows)}


def evaluation_dataset(
    corpus: Corpus | Stream, config: DatasetConfig, share: tuple[int, int] | None = None
) -> tf.data.Dataset:
    """Creates a dataset with every step of every piece exactly once, in order, without augmentation.

    Pieces are assigned to lanes, the longest first, each to the lane that is free first. There are as many lanes as fit
    into the length of the longest piece, but at most `batch_size`, or 64 if that is not set. The batches of a stream
    are those of the same pieces in memory.

    Args:
        corpus: The pieces.
        config: Settings of windows and batches.
        share: (w, n): only the lanes w::n, which may be none, for worker w of n; None: all.

    Returns:
        Dataset of dicts, described in the docstring of this module, with another key, `reset`, bool [batch]: whether a
        piece begins in the lane; otherwise it continues where the same lane of the batch before ended.
    """
    cut: Callable[[dict], dict] = dict
    if isinstance(corpus, Stream):
        planned = evaluation_windows(corpus, config)
    else:
        planned = tf.data.Dataset.from_tensor_slices(plan_lanes(corpus, config))
        cut = _cutter(corpus, config)

    def batch(windows: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        if share is not None:
            windows = {name: values[share[0] :: share[1]] for name, values in windows.items()}
        return _batch(cut(windows), config.window_steps) | {"reset": windows["reset"]}

    return _batches(planned, batch)


def _batches(windows: tf.data.Dataset, batch: Callable) -> tf.data.Dataset:
    """The batches that the last stage makes of windows, some of them ahead of their use."""
    options = tf.data.Options()
    options.autotune.enabled = False
    options.deterministic = True
    dataset = windows.map(plain(batch), _PARALLEL_BATCHES, deterministic=True)
    return dataset.prefetch(_PREFETCH_BATCHES).with_options(options)


def _shifts(codes: tf.Tensor, draw: tf.Tensor, maximum: int) -> tf.Tensor:
    """One shift per window, from those of -maximum..+maximum that keep all its cells inside the roll, int32 [batch]."""
    lowest, highest = pitch_range(codes)
    down = -tf.minimum(maximum, lowest)
    up = tf.minimum(maximum, NUM_PITCHES - 1 - tf.maximum(highest, 0))
    return down + tf.cast(uniform_integer(draw, tf.cast(up - down + 1, tf.int64)), tf.int32)


def _batch(windows: dict[str, tf.Tensor], window_steps: int) -> dict[str, tf.Tensor]:
    """Creates a batch from windows, with their codes of T + 1 frames and their clock."""
    cells = dense(windows["codes"])
    step = windows["start"][:, None] + tf.range(window_steps, dtype=tf.int64)
    return {
        "inputs": cells[:, :-1],
        "targets": cells[:, 1:],
        "clock": windows["clock"],
        "ends": tf.cast(step == windows["last"][:, None] - 1, tf.float32),
        "mask": tf.sequence_mask(windows["end"] - windows["start"], window_steps, tf.float32),
    }
