"""Profiles a training step: a table of the time of its parts, each compared with the float32 peak of the same process.

Usage: python -m benchmarks.profile_training [--recurrent keras_gru] [--threads 2]

The profiler's times of operations are added up; by default on one thread, so that they do not overlap.
"""

import argparse
import collections
import importlib
import os
import re
import statistics
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.rows.training import PLAIN, SIZES, as_ours, batches, flop_of_step

# Part -> regular expression for the names of its operations; the first part that matches counts
PARTS = {
    "dropout": "dropout",
    "convolution": "conv_1",
    "logits and loss": "logits|loss",
    "GRU: product of the inputs": "gru_forward/(BiasAdd|MatMul)",
    "GRU: recurrent product, forward": r"gru_forward.*/while(_\d+)?/(BiasAdd|MatMul)",
    "GRU: other work of the steps, forward": "gru_forward.*/while",
    "GRU: recurrent product, backward": r"gru_backward.*/while(_\d+)?/MatMul",
    "GRU: other work of the steps, backward": "gru_backward.*/while",
    "GRU: gradients of inputs and weights": "gru_gradients.*MatMul",
    "GRU: the rest, such as stacking; all of Keras's": "gru_|transpose",
    "optimizer": "adam|clip|norm",
}
OTHER = "other"
CONTAINERS = ("Execute", "ExecutorState", "Run")  # in the names of events that contain operations


def flop_of_parts(batch: int, time: int, units: int, filters: int, kernel: int, pitches: int) -> dict[str, float]:
    """Floating point operations of the matrix products of each part of a step."""
    rows = 2 * batch * time
    recurrent, inputs = rows * 3 * units * units, rows * 3 * units * filters
    return {
        "convolution": 2 * rows * kernel * pitches * filters,
        "GRU: recurrent product, forward": recurrent,
        "GRU: recurrent product, backward": recurrent,
        "GRU: product of the inputs": inputs,
        "GRU: gradients of inputs and weights": recurrent + 2 * inputs,
        "logits and loss": 3 * rows * units * pitches,
    }


def main(argv: list[str] | None = None) -> int:
    """Profiles training steps, and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0], allow_abbrev=False)
    parser.add_argument("--recurrent", default="gru", help="entry of the table of recurrent layers")
    parser.add_argument("--threads", type=int, default=1, help="threads of TensorFlow (0: as many as cores)")
    parser.add_argument("--steps", type=int, default=10, help="training steps that are averaged")
    args = parser.parse_args(argv)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    importlib.import_module("pianoroll_tf")  # before TensorFlow, because it chooses oneDNN
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(args.threads)
    tf.config.threading.set_inter_op_parallelism_threads(args.threads)
    step = _training_step(args.recurrent)
    peak = float32_peak()
    operations, wall = _profile(step, args.steps)
    print(
        f"recurrent={args.recurrent}, threads={args.threads}: a step takes {1000 * wall:.0f} ms of wall time, ", end=""
    )
    print(f"{flop_of_step(**SIZES) / wall / 1e9:.0f} of {peak / 1e9:.0f} GFLOP/s of a large float32 product\n")
    _report(_by_part(operations), flop_of_parts(**SIZES), peak)
    return 0


def _training_step(recurrent: str):
    """Returns a function that runs one compiled training step of `fit` for the default model."""
    import tensorflow as tf

    from pianoroll_tf.config import ModelConfig, RunConfig, TrainingConfig
    from pianoroll_tf.modeling.training import compiled_model

    tf.config.experimental.enable_op_determinism()
    training = TrainingConfig(precision="float32")
    config = RunConfig(model=ModelConfig(**PLAIN, recurrent=recurrent), training=training)
    model = compiled_model(config, 1000, tf.distribute.get_strategy())
    inputs, targets = batches(**SIZES)[0]
    dataset = tf.data.Dataset.from_tensors((*as_ours(inputs, targets), tf.ones(inputs.shape[:2]))).repeat()
    model.make_train_function()
    train, iterator = model.train_function, iter(dataset)
    for _ in range(5):
        train(iterator)
    return lambda: train(iterator)


def float32_peak(size: int = 2048, times: int = 8) -> float:
    """Floating point operations per second of the fastest of several large float32 products."""
    import tensorflow as tf

    left = tf.random.stateless_normal([size, size], seed=(0, 0))
    multiply = tf.function(lambda value: tf.reduce_sum(tf.matmul(value, left)))
    multiply(left)
    seconds = []
    for _ in range(times):
        begin = time.perf_counter()
        multiply(left).numpy()
        seconds.append(time.perf_counter() - begin)
    return 2 * size**3 / min(seconds)


def _profile(step, steps: int) -> tuple[dict[str, float], float]:
    """Seconds per step of each operation by name, from its median, and of the wall clock without the profiler."""
    import tensorflow as tf
    from tensorflow.tsl.profiler.protobuf import xplane_pb2

    walls = []
    for _ in range(steps):
        begin = time.perf_counter()
        step()
        walls.append(time.perf_counter() - begin)
    durations: dict[str, list[float]] = collections.defaultdict(list)
    with tempfile.TemporaryDirectory() as folder:
        with tf.profiler.experimental.Profile(folder):
            for _ in range(steps):
                step()
        for path in Path(folder).rglob("*.xplane.pb"):
            space = xplane_pb2.XSpace.FromString(path.read_bytes())
            for plane in (plane for plane in space.planes if "CPU" in plane.name):
                for event in (event for line in plane.lines for event in line.events):
                    durations[plane.event_metadata[event.metadata_id].name].append(event.duration_ps / 1e12)
    return {name: statistics.median(times) * len(times) / steps for name, times in durations.items()}, min(walls)


def _by_part(operations: dict[str, float]) -> dict[str, float]:
    """Seconds of each part."""
    parts = dict.fromkeys([*PARTS, OTHER], 0.0)
    for name, seconds in operations.items():
        path, _, _ = name.rpartition(":")
        if not path or any(word in name for word in CONTAINERS):
            continue
        part = next((part for part, pattern in PARTS.items() if re.search(pattern, path)), OTHER)
        parts[part] += seconds
    return parts


def _report(parts: dict[str, float], flop: dict[str, float], peak: float) -> None:
    """Prints the table."""
    print("| part | ms | share of the time | share of float32 peak |\n| --- | ---: | ---: | ---: |")
    total = sum(parts.values())
    for part, seconds in parts.items():
        share = f"{flop[part] / seconds / peak:.0%}" if part in flop and seconds else ""
        print(f"| {part} | {1000 * seconds:.1f} | {seconds / total:.0%} | {share} |")
    print(f"| all | {1000 * total:.1f} | | {sum(flop.values()) / total / peak:.0%} |")


if __name__ == "__main__":
    sys.exit(main())
