"""From records to training batches: windows per second of our pipeline and of those in TensorFlow's guides."""

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.harness import Experiment, Variant
from benchmarks.results_table import Row
from benchmarks.worker import Stopwatch, import_tensorflow

NAMES = ("pipelines", "epochs")
STEPS, BATCH, PITCHES = 128, 64, 84  # steps per window, windows per batch, and pitches of the default model
BYTES_PER_WINDOW = 2 * STEPS * PITCHES * 4  # inputs and targets, float32
STEADY_SECONDS = 1.0  # of a measurement of a running pipeline


def _steady(batches: Iterator) -> float:
    """Windows per second of an endless iterator that is already running."""
    watch, seconds, count = Stopwatch(), 0.0, 0
    while seconds < STEADY_SECONDS:
        next(batches)
        seconds, count = seconds + watch.lap(), count + 1
    return count * BATCH / seconds


def _drop_from_cache(paths: list[Path]) -> None:
    """Drops files from the system's cache, so that they are read from the disk."""
    for path in paths:
        descriptor = os.open(path, os.O_RDONLY)
        os.fsync(descriptor)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(descriptor)


def ours(records: str) -> Iterator[dict[str, float]]:
    """Windows per second of our pipeline: while it runs, and of one epoch with loading and tracing, cold and warm."""
    import_tensorflow()
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
        speeds = {"steady": steady, "gigabytes": steady * BYTES_PER_WINDOW / 1e9}
        _drop_from_cache(files)
        yield speeds | {"cold": epoch(), "warm": epoch()}


def _pieces(records: str) -> list[np.ndarray]:
    """The training pieces as dense rolls, each preceded by one silent step, float32 [steps + 1, 84]."""
    from pianoroll_tf.data.loading import load_corpus

    corpus = load_corpus(records, "train")
    dense = np.zeros((len(corpus.counts), PITCHES), np.float32)
    dense[np.repeat(np.arange(len(corpus.counts)), corpus.counts), corpus.cells & 127] = 1
    return [np.pad(piece, ((1, 0), (0, 0))) for piece in np.split(dense, corpus.piece_offsets[1:-1])]


def _windows(pieces: list[np.ndarray], seed: int) -> Iterator[np.ndarray]:
    """Windows of T + 1 steps in random order, padded at the end."""
    starts = [(piece, start) for piece in pieces for start in range(0, len(piece) - 1, STEPS)]
    for index in np.random.default_rng(seed).permutation(len(starts)):
        piece, start = starts[index]
        window = piece[start : start + STEPS + 1]
        yield np.pad(window, ((0, STEPS + 1 - len(window)), (0, 0)))


def from_generator(records: str) -> Iterator[dict[str, float]]:
    """`from_generator` with a Python generator of windows of the same pieces, dense in memory."""
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
        records: Folder of records.
        scratch: Folder for the Examples.
        unit: What an Example holds: "piece", split by `window` after parsing, as in TensorFlow's music tutorial; or
            "window", split before writing.
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
        speeds = {"steady": _steady(batches)}
        _drop_from_cache([path])
        yield speeds | {"cold": epoch(), "warm": epoch()}


def _write_sparse(path: Path, rolls: list[np.ndarray]) -> None:
    import tensorflow as tf

    with tf.io.TFRecordWriter(str(path)) as writer:
        for roll in rolls:
            step, pitch = np.nonzero(roll)
            lists = {"step": step, "pitch": pitch, "steps": [len(roll)]}
            feature = {name: tf.train.Feature(int64_list=tf.train.Int64List(value=x)) for name, x in lists.items()}
            writer.write(tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString())


def epoch_ends(records: str, way: str, steps: int = 150, epochs: int = 3) -> Iterator[dict[str, float]]:
    """Seconds from the last step of an epoch of `fit` to the first step of the next.

    Args:
        records: Folder of records.
        way: "one_iterator", ours: endless, with `steps_per_epoch`; or "iterator_an_epoch", a finite autotuned dataset.
        steps: Steps per epoch, which take a few seconds with the very small model.
        epochs: Epochs per measurement.
    """
    tf = import_tensorflow()
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
        steps_per_epoch = steps if way == "one_iterator" else None
        model.fit(dataset, epochs=epochs, steps_per_epoch=steps_per_epoch, verbose=0, callbacks=[clock.callback(keras)])
        return {"between": float(np.mean(clock.between)), "steps": float(np.mean(clock.within))}

    fit()
    yield {}
    while True:
        yield fit()


class _Clock:
    """Records the seconds between epochs, from last step to first step, and within epochs, from first step to last."""

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


def experiments(fixtures) -> Iterator[Experiment]:
    """`pipelines` and `epochs`."""
    records = {"records": fixtures.records}
    variants = {
        "ours": Variant(function="benchmarks.rows.pipelines:ours", arguments=records),
        "from_generator": Variant(function="benchmarks.rows.pipelines:from_generator", arguments=records),
    }
    scratch = fixtures.folder("sparse")
    for unit in ("piece", "window"):
        arguments = records | {"scratch": scratch, "unit": unit}
        variants[f"per_{unit}"] = Variant(function="benchmarks.rows.pipelines:per_example", arguments=arguments)
    yield Experiment(name="pipelines", variants=variants, repeats=fixtures.repeats(5))
    ways = ("one_iterator", "iterator_an_epoch")
    variants = {
        way: Variant(function="benchmarks.rows.pipelines:epoch_ends", arguments=records | {"way": way}) for way in ways
    }
    yield Experiment(name="epochs", variants=variants, repeats=fixtures.repeats(2))


def rows() -> list[Row]:
    """Their rows of the table."""
    note = (
        "running: batches of a running pipeline; cold and warm: one epoch, with checks, loading, tracing"
        " and all batches; cold: after the files were dropped from the system's cache (posix_fadvise)"
    )
    sparse = {
        "per_piece": "an Example a piece, `tf.sparse.to_dense`, `window`",
        "per_window": "an Example a window, cut before, `tf.sparse.to_dense`",
    }
    peers = {"from_generator": "`from_generator`", **sparse}
    rows = [_row("running", "steady", *peer, goal=20, note=note) for peer in peers.items()]
    for name, metric in (("an epoch from disk, cold", "cold"), ("an epoch from disk, warm", "warm")):
        rows += [_row(name, metric, *peer, note=note) for peer in sparse.items()]
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
        note="float32 inputs and targets, each written once, decoded from the bits in memory",
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
    return [*rows, written, beside_training, ends]


def _row(name: str, metric: str, peer: str, peer_name: str, **others) -> Row:
    references = {"ours": f"pipelines/ours.{metric}", "peers": (f"pipelines/{peer}.{metric}",)}
    return Row(name=f"pipeline, {name}", unit="windows/s", peer_name=peer_name, **references, **others)
