"""Training of the default model: windows per second, compared with stock Keras and PyTorch on the same batches."""

import dataclasses
import itertools
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.harness import Experiment, Variant
from benchmarks.machine import multiplies_bfloat16
from benchmarks.results_table import Row
from benchmarks.worker import MissingPeerError, Stopwatch, import_tensorflow, import_torch

DENSITY = 0.037  # share of sounding cells, as in the classical files
BATCHES = 4  # different batches, used in turn
HEADS = ("independent", "nade")
WARM_UP = 5  # steps of a training that are not measured
LEARNING_RATE = 2e-3
SIZES = {"batch": 64, "time": 128, "units": 256, "filters": 128, "kernel": 5, "pitches": 84}
ONEDNN = {"TF_ENABLE_ONEDNN_OPTS": "1"}  # set by the package, and not by TensorFlow on every CPU
NO_BFLOAT16 = "this CPU has neither AMX nor AVX512-BF16, so bfloat16 can only be slower"

# The network of the peers: independent cells of a plain roll, without anything that the peers do not do
PLAIN = {"head": "independent", "articulation": False, "clock": False, "dropout": 0.0, "input_noise": 0.0}


def flop_of_step(batch: int, time: int, units: int, filters: int, kernel: int, pitches: int) -> float:
    """Floating point operations of the matrix products of one training step.

    One product forward, one for the gradient of the weights and one for that of the input, which the first layer does
    not need.
    """
    rows = 2 * batch * time
    first = rows * kernel * pitches * filters
    others = rows * (filters * 3 * units + units * 3 * units + units * pitches)
    return 2 * first + 3 * others


def batches(batch: int, time: int, pitches: int, **_: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Random inputs and targets, float32 [batch, time, pitch]; their content does not change the time of a step."""
    rng = np.random.default_rng(0)
    cells = (rng.random((BATCHES, batch, time + 1, pitches)) < DENSITY).astype(np.float32)
    return [(part[:, :-1].copy(), part[:, 1:].copy()) for part in cells]


def _measured(train, sizes: dict[str, int], steps: int) -> Iterator[dict[str, Any]]:
    """Measures `train(steps)`, which returns after that many training steps."""
    train(min(3, steps))  # traces, and warms up
    yield {"flop_of_step": flop_of_step(**sizes)}
    while True:
        watch = Stopwatch()
        train(steps)
        seconds = watch.lap() / steps
        speed = {"windows": sizes["batch"] / seconds, "milliseconds": 1000 * seconds}
        yield speed | {"gigaflops": flop_of_step(**sizes) / seconds / 1e9}


def _dataset(sizes: dict[str, int]):
    """Repeats the batches, in memory; without autotuning, for whose thread `fit` may wait seconds at its end."""
    import tensorflow as tf

    inputs, targets = (np.concatenate(part) for part in zip(*batches(**sizes), strict=True))
    dataset = tf.data.Dataset.from_tensor_slices((inputs, targets)).batch(sizes["batch"], drop_remainder=True)
    options = tf.data.Options()
    options.autotune.enabled = False
    return dataset.cache().repeat().prefetch(2).with_options(options)


def _fit(model, dataset) -> Callable[[int], Any]:
    """Returns a function of the number of steps that trains by Keras's `fit`."""
    return lambda count: model.fit(dataset, steps_per_epoch=count, shuffle=False, verbose=0)


def as_ours(inputs, targets):
    """A batch of the peers as our plain network expects it: inputs by name, and the decision "the piece ends here"."""
    import tensorflow as tf

    cells = {"inputs": tf.cast(inputs, tf.uint8), "targets": tf.cast(targets, tf.uint8)}
    return cells | {"clock": tf.zeros(tf.shape(inputs)[:2], tf.int32)}, tf.pad(targets, [[0, 0], [0, 0], [0, 1]])


def ours(sizes: dict[str, int], steps: int, precision: str = "float32") -> Iterator[dict[str, Any]]:
    """Our network, loss and optimizer in `fit`, without what the peers do not do (dropout, clipping)."""
    import_tensorflow()
    from pianoroll_tf.config import LossConfig, ModelConfig, OptimizerConfig
    from pianoroll_tf.modeling.losses import make_loss
    from pianoroll_tf.modeling.network import build_model
    from pianoroll_tf.modeling.optimizers import make_optimizer

    if precision == "bfloat16" and not multiplies_bfloat16():
        raise MissingPeerError(NO_BFLOAT16)
    shape = {"conv_filters": sizes["filters"], "conv_kernel": sizes["kernel"], "gru_units": sizes["units"]}
    model = build_model(ModelConfig(**PLAIN, **shape), precision=precision)
    settings = OptimizerConfig(learning_rate=LEARNING_RATE, clip_norm=0.0, schedule="constant", warmup_steps=0)
    model.compile(make_optimizer(settings, 1_000_000), make_loss(LossConfig()), jit_compile=False)
    dataset = _dataset(sizes).map(as_ours)
    yield from _measured(_fit(model, dataset), sizes, steps)


def bare_step(records: str, steps: int, head: str = "nade", precision: str = "auto") -> Iterator[dict[str, Any]]:
    """The training step of `train` alone, on batches that are in memory: no pipeline, no `fit`, no callbacks."""
    tf = import_tensorflow()
    from pianoroll_tf.data.pipeline import load_corpus, make_dataset
    from pianoroll_tf.modeling.training import compiled_model, fit_batch

    tf.config.experimental.enable_op_determinism()
    config = default_run(records, head, precision)
    model = compiled_model(config, 100, tf.distribute.get_strategy())
    dataset = make_dataset(load_corpus(records, "train"), config.dataset, seed=0).map(fit_batch)
    batches = iter(dataset.take(BATCHES).cache().repeat().prefetch(2))
    step = model.make_train_function() or model.train_function

    def train(count: int) -> None:
        for _ in range(count):
            result = step(batches)
        float(result["loss"])

    yield from _measured(train, SIZES, steps)


def default_run(records: str, head: str, precision: str = "auto"):
    """The configuration of a run with the default settings and batches of 64 windows."""
    from pianoroll_tf.config import DatasetConfig, ModelConfig, RunConfig, TrainingConfig
    from pianoroll_tf.modeling.run_folder import data_facts

    made, data = data_facts(records)
    return RunConfig(
        records=made,
        data=data,
        model=ModelConfig(head=head),
        dataset=DatasetConfig(batch_size=SIZES["batch"]),
        training=TrainingConfig(precision=precision),
    )


def command(records: str, scratch: str, steps: int, head: str = "nade") -> Iterator[dict[str, Any]]:
    """`train` with its default settings: pipeline, `fit` and all callbacks; within an epoch, after its first steps."""
    import_tensorflow()
    import keras

    from pianoroll_tf.modeling.training import train

    class Clock(keras.callbacks.Callback):
        """Seconds of the steps after the first `WARM_UP`."""

        def on_train_batch_end(self, batch, logs=None) -> None:
            if batch + 1 == WARM_UP:
                self.watch = Stopwatch()
            elif batch + 1 == WARM_UP + steps:
                self.seconds = self.watch.lap() / steps

    config = default_run(records, head)
    training = dataclasses.replace(config.training, epochs=1, steps_per_epoch=WARM_UP + steps)
    config = dataclasses.replace(config, training=training)
    yield {"flop_of_step": flop_of_step(**SIZES)}
    for number in itertools.count():
        clock = Clock()
        folder = Path(scratch) / f"run-{number}"
        train(config, folder, quiet=True, extra_callbacks=[clock])
        shutil.rmtree(folder)
        yield {"windows": SIZES["batch"] / clock.seconds, "milliseconds": 1000 * clock.seconds}


def stock_keras(sizes: dict[str, int], steps: int) -> Iterator[dict[str, Any]]:
    """Keras's layers in `fit`, float32; without XLA, which is slower on a CPU."""
    import keras

    layers = [
        keras.Input((None, sizes["pitches"])),
        keras.layers.Conv1D(sizes["filters"], sizes["kernel"], padding="causal", activation="relu"),
        keras.layers.GRU(sizes["units"], return_sequences=True),
        keras.layers.Dense(sizes["pitches"]),
    ]
    model = keras.Sequential(layers)
    loss = keras.losses.BinaryCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(LEARNING_RATE), loss, jit_compile=False)
    dataset = _dataset(sizes)
    yield from _measured(_fit(model, dataset), sizes, steps)


def torch_layers(torch, sizes: dict[str, int]) -> tuple:
    """The layers of the same sizes in PyTorch: convolution, GRU, dense."""
    convolution = torch.nn.Conv1d(sizes["pitches"], sizes["filters"], sizes["kernel"])
    recurrent = torch.nn.GRU(sizes["filters"], sizes["units"], batch_first=True)
    return convolution, recurrent, torch.nn.Linear(sizes["units"], sizes["pitches"])


def pytorch(sizes: dict[str, int], steps: int, precision: str = "float32") -> Iterator[dict[str, Any]]:
    """PyTorch with Adam and denormals flushed; bfloat16 by autocast."""
    torch = import_torch()
    if precision == "bfloat16" and not multiplies_bfloat16():
        raise MissingPeerError(NO_BFLOAT16)
    convolution, recurrent, dense = layers = torch_layers(torch, sizes)
    optimizer = torch.optim.Adam([weight for layer in layers for weight in layer.parameters()], lr=LEARNING_RATE)
    criterion = torch.nn.BCEWithLogitsLoss()
    data = [tuple(map(torch.from_numpy, pair)) for pair in batches(**sizes)]

    def forward(inputs):
        padded = torch.nn.functional.pad(inputs.transpose(1, 2), (sizes["kernel"] - 1, 0))
        return dense(recurrent(torch.relu(convolution(padded)).transpose(1, 2))[0])

    def train(count: int) -> None:
        for step in range(count):
            inputs, targets = data[step % len(data)]
            optimizer.zero_grad()
            with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16"):
                logits = forward(inputs)
            criterion(logits.float(), targets).backward()
            optimizer.step()

    yield from _measured(train, sizes, steps)


def experiments(fixtures) -> Iterator[Experiment]:
    """The experiment `training`."""
    steps = {"steps": 4 if fixtures.quick else 12}
    shared = {"sizes": SIZES, **steps}
    variants = {
        "ours": Variant(function="benchmarks.rows.training:ours", arguments=shared),
        "keras": Variant(function="benchmarks.rows.training:stock_keras", arguments=shared),
        "keras_onednn": Variant(function="benchmarks.rows.training:stock_keras", arguments=shared, environment=ONEDNN),
        "torch": Variant(function="benchmarks.rows.training:pytorch", arguments=shared),
    }
    for head in HEADS:
        arguments = {"records": fixtures.records, "head": head, **steps}
        variants[f"bare_{head}"] = Variant(function="benchmarks.rows.training:bare_step", arguments=arguments)
        arguments = arguments | {"scratch": fixtures.folder(f"training_{head}")}
        variants[f"train_{head}"] = Variant(function="benchmarks.rows.training:command", arguments=arguments)
    for name, function in (("ours", "ours"), ("torch", "pytorch")):
        arguments = shared | {"precision": "bfloat16"}
        variants[f"{name}_bfloat16"] = Variant(function=f"benchmarks.rows.training:{function}", arguments=arguments)
    yield Experiment(name="training", variants=variants, repeats=fixtures.repeats(5))


def rows() -> list[Row]:
    """Its rows of the table."""
    note = (
        "Conv1D 128×5 → GRU 256 → 84, batch 64 × 128, Adam, without dropout and clipping, the same batches from memory;"
        " PyTorch with denormals flushed; ours and Keras in `fit`"
    )
    peers = {
        "keras": "stock Keras, float32",
        "keras_onednn": "stock Keras, float32, with oneDNN as ours",
        "torch": "PyTorch, float32",
    }
    rows = []
    for peer, words in peers.items():
        for variant, name, goal in (("ours", "float32", 1.5), ("ours_bfloat16", "bfloat16", 2.4)):
            rows.append(
                Row(
                    name=f"training, {name}",
                    unit="windows/s",
                    ours=f"training/{variant}.windows",
                    peers=(f"training/{peer}.windows",),
                    peer_name=words,
                    goal=goal,
                    note=note,
                )
            )
    for variant, kind in (("ours", "float32"), ("ours_bfloat16", "bfloat16")):
        rows.append(
            Row(
                name=f"training, arithmetic reached in {kind}",
                unit="GFLOP/s",
                ours=f"training/{variant}.gigaflops",
                limit=f"limits/tensorflow.{kind}",
                limit_name=f"large {kind} product",
                note="of the matrix products alone, 17.3 GFLOP per step",
            )
        )
    note = (
        "within an epoch: with pipeline, dropout, clipping, schedule, callbacks and deterministic operations; the bare"
        " step is the same compiled step on batches from memory, stock Keras has none of these"
    )
    compared = [("independent", "keras", peers["keras"], None)]
    compared += [(head, f"bare_{head}", "the bare step", 0.95) for head in HEADS]
    for head, peer, words, goal in compared:
        rows.append(
            Row(
                name=f"training as `train` runs it, {head} head",
                unit="windows/s",
                ours=f"training/train_{head}.windows",
                peers=(f"training/{peer}.windows",),
                peer_name=words,
                goal=goal,
                note=note,
            )
        )
    return rows
