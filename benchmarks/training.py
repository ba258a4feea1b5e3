"""Training the default model: windows a second, ours beside stock Keras and PyTorch, same sizes and same batches."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from benchmarks.harness import Experiment, Side
from benchmarks.machine import multiplies_bfloat16
from benchmarks.rows import Row
from benchmarks.worker import MissingPeerError, Stopwatch, tensorflow_as_ours, torch_as_tuned

DENSITY = 0.037  # share of sounding cells, that of the classical files
BATCHES = 4  # different ones, taken in turn
LEARNING_RATE = 2e-3
SIZES = {"batch": 64, "time": 128, "units": 256, "filters": 128, "kernel": 5, "pitches": 84}
ONEDNN = {"TF_ENABLE_ONEDNN_OPTS": "1"}  # what the package sets for itself, and TensorFlow not for every CPU
CAUSES = {
    "keras_onednn": "where the rest of a step goes stands in profile.md: mostly into the products, near their own peak",
    "torch": (
        "1.5 times its speed would be some four fifths of the arithmetic of a large product, and a step is not only"
        " products: profile.md"
    ),
}
NO_BFLOAT16 = "this CPU has neither AMX nor AVX512-BF16, so bfloat16 can only be slower"

# The network of the peers: independent cells of a plain roll, and nothing that they do not do
PLAIN = {"head": "independent", "articulation": False, "clock": False, "dropout": 0.0, "input_noise": 0.0}


def flop_of_step(batch: int, time: int, units: int, filters: int, kernel: int, pitches: int) -> float:
    """Floating point operations of the matrix products of one training step.

    A product forward, and as much again for the gradient of the weights and for that of the input; the first layer's
    input needs no gradient.
    """
    rows = 2 * batch * time
    first = rows * kernel * pitches * filters
    others = rows * (filters * 3 * units + units * 3 * units + units * pitches)
    return 2 * first + 3 * others


def batches(batch: int, time: int, pitches: int, **_: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Inputs and targets, float32 [batch, time, pitch]; independent cells: what they say does not change the time."""
    rng = np.random.default_rng(0)
    cells = (rng.random((BATCHES, batch, time + 1, pitches)) < DENSITY).astype(np.float32)
    return [(part[:, :-1].copy(), part[:, 1:].copy()) for part in cells]


def _measured(train, sizes: dict[str, int], steps: int) -> Iterator[dict[str, Any]]:
    """Measures `train(steps)`, which trains so many steps and returns when they are done."""
    train(min(3, steps))  # traces, and warms up
    yield {"flop_of_step": flop_of_step(**sizes)}
    while True:
        watch = Stopwatch()
        train(steps)
        seconds = watch.lap() / steps
        found = {"windows": sizes["batch"] / seconds, "milliseconds": 1000 * seconds}
        yield found | {"gigaflops": flop_of_step(**sizes) / seconds / 1e9}


def _dataset(sizes: dict[str, int]):
    """The batches for ever, in memory; without autotuning, whose thread `fit` may wait seconds for at its end."""
    import tensorflow as tf

    inputs, targets = (np.concatenate(part) for part in zip(*batches(**sizes), strict=True))
    dataset = tf.data.Dataset.from_tensor_slices((inputs, targets)).batch(sizes["batch"], drop_remainder=True)
    options = tf.data.Options()
    options.autotune.enabled = False
    return dataset.cache().repeat().prefetch(2).with_options(options)


def _fit(model, dataset) -> Callable[[int], Any]:
    """Training by Keras's `fit`, as a function of the number of steps."""
    return lambda count: model.fit(dataset, steps_per_epoch=count, shuffle=False, verbose=0)


def as_ours(inputs, targets):
    """A batch of the peers as our plain network takes it: inputs by name, and one decision more, "ends here?"."""
    import tensorflow as tf

    cells = {"inputs": tf.cast(inputs, tf.uint8), "targets": tf.cast(targets, tf.uint8)}
    return cells | {"clock": tf.zeros(tf.shape(inputs)[:2], tf.int32)}, tf.pad(targets, [[0, 0], [0, 0], [0, 1]])


def ours(sizes: dict[str, int], steps: int, precision: str = "float32") -> Iterator[dict[str, Any]]:
    """Our network, loss and optimizer in `fit`, without what the peers do not do either (dropout, clipping)."""
    tensorflow_as_ours()
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


def command(records: str, steps: int, head: str = "nade") -> Iterator[dict[str, Any]]:
    """The default training as the command runs it: pipeline, dropout, clipping, schedule, deterministic operations."""
    tf = tensorflow_as_ours()
    from pianoroll_tf.config import DatasetConfig, ModelConfig, RunConfig
    from pianoroll_tf.data.pipeline import load_corpus, make_dataset
    from pianoroll_tf.modeling.run_folder import data_facts
    from pianoroll_tf.modeling.training import compiled_model, fit_batch

    tf.config.experimental.enable_op_determinism()
    made, data = data_facts(records)
    config = RunConfig(
        records=made, data=data, model=ModelConfig(head=head), dataset=DatasetConfig(batch_size=SIZES["batch"])
    )
    model = compiled_model(config, 100, tf.distribute.get_strategy())
    dataset = make_dataset(load_corpus(records, "train"), config.dataset, seed=0).map(fit_batch)
    yield from _measured(_fit(model, dataset), SIZES, steps)


def stock_keras(sizes: dict[str, int], steps: int) -> Iterator[dict[str, Any]]:
    """Keras's own layers in `fit`, float32; without XLA, with which it is slower on a CPU."""
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
    """PyTorch's layers of the same sizes: convolution, GRU, dense."""
    convolution = torch.nn.Conv1d(sizes["pitches"], sizes["filters"], sizes["kernel"])
    recurrent = torch.nn.GRU(sizes["filters"], sizes["units"], batch_first=True)
    return convolution, recurrent, torch.nn.Linear(sizes["units"], sizes["pitches"])


def pytorch(sizes: dict[str, int], steps: int, precision: str = "float32") -> Iterator[dict[str, Any]]:
    """PyTorch with Adam, denormals flushed; bfloat16 by its autocast."""
    torch = torch_as_tuned()
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


def experiments(materials) -> Iterator[Experiment]:
    """The experiment `training`."""
    steps = {"steps": 4 if materials.quick else 12}
    shared = {"sizes": SIZES, **steps}
    sides = {
        "ours": Side(function="benchmarks.training:ours", arguments=shared),
        "keras": Side(function="benchmarks.training:stock_keras", arguments=shared),
        "keras_onednn": Side(function="benchmarks.training:stock_keras", arguments=shared, environment=ONEDNN),
        "torch": Side(function="benchmarks.training:pytorch", arguments=shared),
        "command": Side(function="benchmarks.training:command", arguments={"records": materials.records, **steps}),
    }
    for name, function in (("ours", "ours"), ("torch", "pytorch")):
        arguments = shared | {"precision": "bfloat16"}
        sides[f"{name}_bfloat16"] = Side(function=f"benchmarks.training:{function}", arguments=arguments)
    yield Experiment(name="training", sides=sides, repeats=materials.repeats(5))


def rows() -> list[Row]:
    """Its lines of the table."""
    note = (
        "Conv1D 128×5 → GRU 256 → 84, batch 64 × 128, Adam, without dropout and clipping, the same batches from memory;"
        " PyTorch with denormals flushed; ours and Keras in `fit`"
    )
    peers = {
        "keras": "stock Keras, float32",
        "keras_onednn": "stock Keras, float32, told to use oneDNN as ours is",
        "torch": "PyTorch, float32",
    }
    found = []
    for peer, words in peers.items():
        for side, name, goal in (("ours", "float32", 1.5), ("ours_bfloat16", "bfloat16", 2.5)):
            found.append(
                Row(
                    name=f"training, {name}",
                    unit="windows/s",
                    ours=f"training/{side}.windows",
                    peers=(f"training/{peer}.windows",),
                    peer_name=words,
                    goal=goal,
                    note=note,
                    cause=CAUSES.get(peer, ""),
                )
            )
    for side, kind in (("ours", "float32"), ("ours_bfloat16", "bfloat16")):
        found.append(
            Row(
                name=f"training, arithmetic reached in {kind}",
                unit="GFLOP/s",
                ours=f"training/{side}.gigaflops",
                limit=f"limits/tensorflow.{kind}",
                limit_name=f"large {kind} product",
                note="of the matrix products alone, 17.3 GFLOP a step",
            )
        )
    whole = "with pipeline, dropout, clipping, schedule and deterministic operations, which the peer is without"
    references = {"ours": "training/command.windows", "peers": ("training/keras.windows",)}
    found.append(
        Row(name="training as `train` runs it", unit="windows/s", peer_name=peers["keras"], note=whole, **references)
    )
    return found
