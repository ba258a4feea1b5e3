"""From records to training batches: windows a second, ours beside what TensorFlow's guides lead one to write."""

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.harness import Experiment, Side
from benchmarks.rows import Row
from benchmarks.worker import Stopwatch, tensorflow_as_ours

NAMES = ("pipelines", "epochs")
STEPS, BATCH, PITCHES = 128, 64, 84  # of a window; windows a batch; the default model's
WINDOW_BYTES = 2 * STEPS * PITCHES * 4  # inputs and targets, float32
STEADY_SECONDS = 1.0  # of a measurement of batches that keep coming


def _steady(batches: Iterator) -> float:
    """Windows a second of an endless iterator that is running already."""
    watch, seconds, count = Stopwatch(), 0.0, 0
    while seconds < STEADY_SECONDS:
        next(batches)
        seconds, count = seconds + watch.lap(), count + 1
    return count * BATCH / seconds


def _forget(paths: list[Path]) -> None:
    """Drops files from the system's cache, so that they must come from the disk."""
    for path in paths:
        descriptor = os.open(path, os.O_RDONLY)
        os.fsync(descriptor)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(descriptor)


def ours(records: str) -> Iterator[dict[str, float]]:
    """Windows a second of our pipeline: while it runs, and of one epoch with loading and tracing, cold and warm."""
    tensorflow_as_ours()
    from pianoroll_tf.config import DatasetConfig
    from pianoroll_tf.data.pipeline import batches_per_epoch, load_corpus, make_dataset

    config = DatasetConfig(window_steps=STEPS, batch_size=BATCH)
    corpus = load_corpus(records, "train")
    batches = iter(make_dataset(corpus, config, seed=0))
    for _ in range(100):
        next(batches)
    files = sorted(Path(records).iterdir())

    def epoch() -> float:
        watch = Stopwatch()
        again = load_corpus(records, "train")
        count = batches_per_epoch(again, config)
        for _ in make_dataset(again, config, seed=0).take(count):
            pass
        return count * BATCH / watch.lap()

    yield {"batches_an_epoch": batches_per_epoch(corpus, config), "bytes": sum(path.stat().st_size for path in files)}
    while True:
        steady = _steady(batches)
        found = {"steady": steady, "gigabytes": steady * WINDOW_BYTES / 1e9}
        _forget(files)
        yield found | {"cold": epoch(), "warm": epoch()}


def _pieces(records: str) -> list[np.ndarray]:
    """The training pieces as dense rolls, each after one silent step, float32 [steps + 1, 84]."""
    from pianoroll_tf.data.loading import load_corpus

    corpus = load_corpus(records, "train")
    dense = np.zeros((len(corpus.counts), PITCHES), np.float32)
    dense[np.repeat(np.arange(len(corpus.counts)), corpus.counts), corpus.cells & 127] = 1
    return [np.pad(piece, ((1, 0), (0, 0))) for piece in np.split(dense, corpus.piece_offsets[1:-1])]


def _windows(pieces: list[np.ndarray], seed: int) -> Iterator[np.ndarray]:
    """Windows of T + 1 steps in random order, padded at the end."""
    places = [(piece, start) for piece in pieces for start in range(0, len(piece) - 1, STEPS)]
    for index in np.random.default_rng(seed).permutation(len(places)):
        piece, start = places[index]
        window = piece[start : start + STEPS + 1]
        yield np.pad(window, ((0, STEPS + 1 - len(window)), (0, 0)))


def from_generator(records: str) -> Iterator[dict[str, float]]:
    """A Python generator of windows over the same pieces, dense in memory, behind `from_generator`."""
    import tensorflow as tf

    pieces = _pieces(records)

    def windows():
        for epoch in range(1_000_000):
            for window in _windows(pieces, epoch):
                yield window[:-1], window[1:]

    spec = tf.TensorSpec((STEPS, PITCHES), tf.float32)
    dataset = tf.data.Dataset.from_generator(windows, output_signature=(spec, spec))
    batches = iter(dataset.batch(BATCH).prefetch(tf.data.AUTOTUNE))
    next(batches)
    yield {}
    while True:
        yield {"steady": _steady(batches)}


def per_example(records: str, scratch: str, unit: str) -> Iterator[dict[str, float]]:
    """Sparse Examples, parsed one by one and made dense by `tf.sparse.to_dense`; from disk, cold and warm.

    Args:
        records: Where the pieces are.
        scratch: Folder for the Examples.
        unit: "piece", cut by `window` after parsing, as in TensorFlow's music tutorial; "window", cut before writing.
    """
    import tensorflow as tf

    path = Path(scratch) / f"{unit}.tfrecord"
    pieces = _pieces(records)
    _write_sparse(path, pieces if unit == "piece" else list(_windows(pieces, seed=0)))
    count = len(list(_windows(pieces, seed=0)))
    many = tf.io.VarLenFeature(tf.int64)
    spec = {"step": many, "pitch": many, "steps": tf.io.FixedLenFeature([], tf.int64)}

    def parse(serialized):
        example = tf.io.parse_single_example(serialized, spec)
        cells = tf.stack([example["step"].values, example["pitch"].values], axis=1)
        shape = tf.stack([example["steps"], PITCHES])
        return tf.sparse.to_dense(tf.sparse.SparseTensor(cells, tf.ones(tf.shape(cells)[:1]), shape))

    def cut(roll):
        windows = tf.data.Dataset.from_tensor_slices(roll).window(STEPS + 1, shift=STEPS)
        return windows.flat_map(lambda steps: steps.batch(STEPS + 1))

    def dataset():
        rolls = tf.data.TFRecordDataset(str(path)).map(parse, tf.data.AUTOTUNE)
        windows = (rolls.flat_map(cut) if unit == "piece" else rolls).shuffle(1000)
        padded = windows.padded_batch(BATCH, [STEPS + 1, PITCHES])
        return padded.map(lambda batch: (batch[:, :-1], batch[:, 1:]), tf.data.AUTOTUNE).prefetch(tf.data.AUTOTUNE)

    batches = iter(dataset().repeat())
    for _ in range(20):
        next(batches)

    def epoch() -> float:
        watch = Stopwatch()
        for _ in dataset():
            pass
        return count / watch.lap()

    yield {"windows": count, "bytes": path.stat().st_size}
    while True:
        found = {"steady": _steady(batches)}
        _forget([path])
        yield found | {"cold": epoch(), "warm": epoch()}


def _write_sparse(path: Path, rolls: list[np.ndarray]) -> None:
    import tensorflow as tf

    with tf.io.TFRecordWriter(str(path)) as writer:
        for roll in rolls:
            step, pitch = np.nonzero(roll)
            lists = {"step": step, "pitch": pitch, "steps": [len(roll)]}
            feature = {name: tf.train.Feature(int64_list=tf.train.Int64List(value=x)) for name, x in lists.items()}
            writer.write(tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString())


def epoch_ends(records: str, way: str, steps: int = 150, epochs: int = 3) -> Iterator[dict[str, float]]:
    """Seconds of an epoch of `fit` that are none of its steps: from one epoch's last step to the next one's first.

    Args:
        records: Where the pieces are.
        way: "one_iterator", ours, endless with `steps_per_epoch`; "iterator_an_epoch", a finite autotuned dataset.
        steps: Steps of an epoch; with so small a model some seconds.
        epochs: Epochs of a measurement.
    """
    tf = tensorflow_as_ours()
    import keras

    from pianoroll_tf.config import DatasetConfig, LossConfig, ModelConfig
    from pianoroll_tf.data.pipeline import load_corpus, make_dataset
    from pianoroll_tf.modeling.losses import make_loss
    from pianoroll_tf.modeling.network import build_model
    from pianoroll_tf.modeling.training import fit_batch

    model = build_model(ModelConfig(conv_filters=8, gru_units=8))
    model.compile("adam", make_loss(LossConfig()), jit_compile=False)
    config = DatasetConfig(window_steps=STEPS, batch_size=BATCH)
    dataset = make_dataset(load_corpus(records, "train"), config, seed=0).map(fit_batch)
    if way == "iterator_an_epoch":
        options = tf.data.Options()
        options.autotune.enabled = True
        dataset = dataset.take(steps).map(lambda *parts: parts, tf.data.AUTOTUNE).with_options(options)
    clock = _Clock()

    def fit() -> dict[str, float]:
        clock.between, clock.within = [], []
        each = steps if way == "one_iterator" else None
        model.fit(dataset, epochs=epochs, steps_per_epoch=each, verbose=0, callbacks=[clock.callback(keras)])
        return {"between": float(np.mean(clock.between)), "steps": float(np.mean(clock.within))}

    fit()
    yield {}
    while True:
        yield fit()


class _Clock:
    """Seconds between the last step of an epoch and the first of the next, and from its first step to its last."""

    def __init__(self) -> None:
        self.between: list[float] = []
        self.within: list[float] = []

    def callback(self, keras):
        watch, clock, first = Stopwatch(), self, True

        class Callback(keras.callbacks.Callback):
            def on_train_batch_begin(self, batch, logs=None):
                nonlocal first
                if batch == 0 and not first:
                    clock.between.append(watch.lap())

            def on_epoch_end(self, epoch, logs=None):
                nonlocal first
                clock.within.append(watch.lap())
                first = False

        return Callback()


def experiments(materials) -> Iterator[Experiment]:
    """`pipelines` and `epochs`."""
    records = {"records": materials.records}
    sides = {
        "ours": Side(function="benchmarks.pipelines:ours", arguments=records),
        "from_generator": Side(function="benchmarks.pipelines:from_generator", arguments=records),
    }
    scratch = materials.folder("sparse")
    for unit in ("piece", "window"):
        arguments = records | {"scratch": scratch, "unit": unit}
        sides[f"per_{unit}"] = Side(function="benchmarks.pipelines:per_example", arguments=arguments)
    yield Experiment(name="pipelines", sides=sides, repeats=materials.repeats(5))
    ways = ("one_iterator", "iterator_an_epoch")
    sides = {way: Side(function="benchmarks.pipelines:epoch_ends", arguments=records | {"way": way}) for way in ways}
    yield Experiment(name="epochs", sides=sides, repeats=materials.repeats(2))


def rows() -> list[Row]:
    """Their lines of the table."""
    note = (
        "running: batches that keep coming; cold and warm: one epoch, with checking, loading, tracing"
        " and all batches; cold: after the files were dropped from the system's cache (posix_fadvise)"
    )
    sparse = {
        "per_piece": "an Example a piece, `tf.sparse.to_dense`, `window`",
        "per_window": "an Example a window, cut before, `tf.sparse.to_dense`",
    }
    peers = {"from_generator": "`from_generator`", **sparse}
    cause = (
        "20 times this peer, which parses what was cut and thinned out before, would be 18 to 21 GB/s of float32"
        " windows, more than one and a half times what the copy of memory reaches here"
    )
    found = [_row("running", "steady", *peer, goal=20, note=note, cause=cause) for peer in peers.items()]
    for name, metric in (("an epoch from disk, cold", "cold"), ("an epoch from disk, warm", "warm")):
        found += [_row(name, metric, *peer, note=note) for peer in sparse.items()]
    beside_training = Row(
        name="pipeline beside training",
        unit="windows/s",
        ours="pipelines/ours.steady",
        peers=("training/ours.windows",),
        peer_name="training the default model",
        goal=10,
    )
    written = Row(
        name="pipeline, bytes of its windows",
        unit="GB/s",
        ours="pipelines/ours.gigabytes",
        limit="limits/memory.gigabytes",
        limit_name="copy of memory, one thread",
        note="float32 inputs and targets, each written once from the records' bits",
    )
    ends = Row(
        name="an epoch's end, time without a step",
        unit="s",
        ours="epochs/one_iterator.between",
        peers=("epochs/iterator_an_epoch.between",),
        peer_name="a finite autotuned dataset, an iterator an epoch",
        more=False,
        at_most=0.1,
        note="`fit` of a very small model, no validation: from the last step of an epoch to the first of the next",
    )
    return [*found, written, beside_training, ends]


def _row(name: str, metric: str, peer: str, words: str, **more) -> Row:
    references = {"ours": f"pipelines/ours.{metric}", "peers": (f"pipelines/{peer}.{metric}",)}
    return Row(name=f"pipeline, {name}", unit="windows/s", peer_name=words, **references, **more)
