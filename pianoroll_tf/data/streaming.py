"""The windows of a stream as tf.data: cut from one group of pieces after the other, while the next group is read."""

import atexit
import contextlib
import time
from collections.abc import Callable, Iterator

import numpy as np
import tensorflow as tf

from pianoroll_tf.config import DatasetConfig
from pianoroll_tf.data.frames import GROUPS, Frames, clock_of, pack
from pianoroll_tf.data.groups import Groups
from pianoroll_tf.data.lanes import assign_lanes
from pianoroll_tf.data.loading import Corpus
from pianoroll_tf.data.stream import Stream

_AHEAD = 1  # groups that are read ahead
_POLL_SECONDS = 0.005
_LAST_CALL_SECONDS = 0.05  # after which TensorFlow's threads ask for no other group
_WINDOWS = {"begin": tf.int64, "start": tf.int64, "end": tf.int64, "last": tf.int64}


def training_windows(
    stream: Stream, config: DatasetConfig, seed: int, first_window: int, block: int
) -> tf.data.Dataset:
    """Windows in the order of `groups.Groups`, endless, from number `first_window` on.

    Returns:
        Dataset of up to `block` windows at a time: `codes`, `clock` by `frames.Frames`; `start`, `end`, `last`, `draw`.
    """
    groups = Groups(stream.piece_steps, stream.index.shard, config, seed, stream.buffer_steps)
    first, skip = groups.position(first_window)

    def load(number: int) -> tuple[Corpus, dict[str, np.ndarray]]:
        pieces, windows = groups.group(int(number))
        return stream.read(pieces), {name: each[skip if number == first else 0 :] for name, each in windows.items()}

    numbers = tf.data.Dataset.range(first, np.iinfo(np.int64).max)
    return _cut(numbers, load, _WINDOWS | {"draw": tf.float32}, [None], config.window_steps, block)


def evaluation_windows(stream: Stream, config: DatasetConfig) -> tf.data.Dataset:
    """The windows of each batch of an evaluation, as `lanes.plan_lanes` plans them, with `reset` in place of `draw`."""
    lanes = assign_lanes(stream.piece_steps, config)
    batches = max(stream.buffer_steps // (lanes.count * config.window_steps), 1)  # of a group

    def load(number: int) -> tuple[Corpus, dict[str, np.ndarray]]:
        begin = int(number) * batches
        end = min(begin + batches, lanes.batches)
        pieces = lanes.pieces(begin, end)
        corpus = stream.read(pieces)
        windows = lanes.windows(begin, end, pieces, corpus.piece_offsets)
        return corpus, {name: each.reshape(-1) for name, each in windows.items()}

    numbers = tf.data.Dataset.range(-(-lanes.batches // batches))
    return _cut(numbers, load, _WINDOWS | {"reset": tf.bool}, [lanes.count], config.window_steps, lanes.count)


def _cut(
    numbers: tf.data.Dataset,
    load: Callable[[int], tuple[Corpus, dict[str, np.ndarray]]],
    types: dict[str, tf.DType],
    shape: list[int | None],
    window_steps: int,
    block: int,
) -> tf.data.Dataset:
    """Loads groups by their numbers and cuts their windows, of which `types` has the parts, `block` at a time."""

    def arrays(number: int) -> list[np.ndarray]:
        with _READING():
            corpus, windows = load(number)
            return [pack(corpus), clock_of(corpus), *(windows[name] for name in types)]

    def group(number: tf.Tensor) -> tuple[tf.Tensor, ...]:
        # A function of the number alone: "stateful" would turn off all reading ahead in the deterministic mode.
        codes, clock, *windows = tf.numpy_function(
            arrays, [number], [tf.int16, tf.int32, *types.values()], stateful=False
        )
        named = {name: tf.ensure_shape(each, [None]) for name, each in zip(types, windows, strict=True)}
        return tf.ensure_shape(codes, [None, 2, GROUPS]), tf.ensure_shape(clock, [None]), named

    def blocks(codes: tf.Tensor, clock: tf.Tensor, windows: dict[str, tf.Tensor]) -> tf.data.Dataset:
        def cut(begin: tf.Tensor) -> dict[str, tf.Tensor]:
            chosen = {name: tf.ensure_shape(each[begin : begin + block], shape) for name, each in windows.items()}
            frames = Frames(codes, clock, window_steps)
            return chosen | {"codes": frames.cut(chosen), "clock": frames.clock(chosen)}

        return tf.data.Dataset.range(0, tf.size(windows["start"], tf.int64), block).map(plain(cut))

    return numbers.map(plain(group)).prefetch(_AHEAD).flat_map(plain(blocks))


class _Reading:
    """What TensorFlow's threads do in Python until the interpreter exits.

    An interpreter that is being finalized never gives its lock to such a thread, while it deletes the iterator, which
    waits for the thread: the process would never end. No lock is held within the context: the garbage collector, which
    may run in any thread, deletes iterators too, and would wait for a thread that waits for that lock.
    """

    def __init__(self) -> None:
        self._readers: set[object] = set()  # adding and removing are atomic
        self._is_used = self._is_closed = False

    @contextlib.contextmanager
    def __call__(self) -> Iterator[None]:
        """A context for reading one group; RuntimeError once the interpreter exits."""
        if not self._is_used:
            self._is_used = True
            atexit.register(self.close)
        reader = object()
        self._readers.add(reader)
        try:
            if self._is_closed:
                raise RuntimeError("the interpreter exits")
            yield
        finally:
            self._readers.discard(reader)

    def close(self) -> None:
        """Waits for the groups that are being read; no other one will be."""
        self._is_closed = True
        while self._readers:
            time.sleep(_POLL_SECONDS)
        time.sleep(_LAST_CALL_SECONDS)


_READING = _Reading()


def plain(stage: Callable) -> Callable:
    """Keeps AutoGraph from converting a stage, which has no Python control flow; that would take a second."""
    return tf.autograph.experimental.do_not_convert(stage)
