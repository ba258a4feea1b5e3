"""Training on GPUs: windows per second by head, precision, batch size and number of GPUs, and of stock Keras.

Usage: python -m benchmarks.gpu [--repeats 5] [--cpu]

A window is 128 steps. All variants are those of `train`, in the deterministic mode, on the same batches from memory;
stock Keras has the layers of the independent head, without dropout and clipping. The variants are measured in turn.
"""

import argparse
import dataclasses
import itertools
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from benchmarks.rows.training import DENSITY, SIZES, stock_keras
from benchmarks.worker import import_tensorflow
from pianoroll_tf import cli
from pianoroll_tf.errors import UsageError

HEADS = ("independent", "nade")
PRECISIONS = ("float32", "bfloat16")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Case:
    """One row of the table."""

    head: str
    precision: str = "float32"
    batch: int = 64  # windows, over all devices
    devices: int = 1
    dense: bool = True  # of the nade head: `modeling.nade_dense`, otherwise gathered rows

    @property
    def name(self) -> str:
        """Its words in the table.

        >>> Case(head="nade", devices=2, dense=False).name
        'nade head, gathered rows, float32, batch 64, 2 devices'
        """
        gathered = ", gathered rows" if self.head == "nade" and not self.dense else ""
        several = f", {self.devices} devices" if self.devices > 1 else ""
        return f"{self.head} head{gathered}, {self.precision}, batch {self.batch}{several}"


def cases(devices: int, batches: tuple[int, ...], bfloat16: bool) -> list[Case]:
    """The rows: every head, precision and batch size on one device; both ways of the nade head; more devices.

    >>> len(cases(2, (64, 256), bfloat16=True))
    11
    """
    precisions = PRECISIONS if bfloat16 else PRECISIONS[:1]
    rows = [Case(head=h, precision=p, batch=b) for h, p, b in itertools.product(HEADS, precisions, batches)]
    rows.append(Case(head="nade", batch=batches[0], dense=False))
    counts = [2**power for power in range(1, 10) if 2**power <= devices]
    return rows + [Case(head=h, batch=batches[-1] * count, devices=count) for count in counts for h in HEADS]


def main(argv: list[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    parser = cli.make_parser("benchmarks.gpu", __doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5, help="measurements of each row")
    parser.add_argument("--steps", type=int, default=30, help="training steps of a measurement")
    parser.add_argument("--batch", type=int, nargs="+", default=[64, 256, 1024], help="windows per batch and device")
    parser.add_argument("--cpu", action="store_true", help="measure the CPU, to try the program without a GPU")
    return cli.run(_measure, parser, argv)


def _measure(args: argparse.Namespace) -> None:
    """Measures and prints the table."""
    tf = import_tensorflow()
    from pianoroll_tf.modeling.precision import has_bfloat16

    kind = "CPU" if args.cpu else "GPU"
    devices = [device.name for device in tf.config.list_logical_devices(kind)]
    if not devices:
        raise UsageError("TensorFlow must find a GPU (--cpu measures the CPU in its place). Received: none")
    tf.config.experimental.enable_op_determinism()
    _print_machine(tf, kind)
    rows = cases(len(devices), tuple(args.batch), has_bfloat16())
    measured: dict[str, Iterator[float]] = {case.name: _windows(tf, case, devices, args.steps) for case in rows}
    peer = SIZES | {"batch": args.batch[0]}
    measured[f"stock Keras, float32, batch {args.batch[0]}"] = _speeds(stock_keras(peer, args.steps))
    values: dict[str, list[float]] = {name: [] for name in measured}
    for _, (name, source) in itertools.product(range(args.repeats), measured.items()):
        values[name].append(next(source))
    _print_table(values)


def _windows(tf: Any, case: Case, devices: list[str], steps: int) -> Iterator[float]:
    """Windows per second of a case, endlessly."""
    from pianoroll_tf.config import ModelConfig, RunConfig, TrainingConfig
    from pianoroll_tf.modeling.network import head_of
    from pianoroll_tf.modeling.training import compiled_model, fit_batch

    several = case.devices > 1
    strategy = tf.distribute.MirroredStrategy(devices[: case.devices]) if several else tf.distribute.get_strategy()
    settings = TrainingConfig(precision=case.precision)
    model = compiled_model(RunConfig(model=ModelConfig(head=case.head), training=settings), 10_000, strategy)
    if case.head == "nade":
        head_of(model).use_dense = case.dense
    dataset = _batches(tf, case.batch).map(fit_batch)
    fit: Callable = model.fit
    fit(dataset, steps_per_epoch=3, shuffle=False, verbose=0)  # traces, and warms up
    while True:
        begin = time.perf_counter()
        fit(dataset, steps_per_epoch=steps, shuffle=False, verbose=0)
        yield case.batch * steps / (time.perf_counter() - begin)


def _batches(tf: Any, batch: int) -> Any:
    """Endless batches of `data.pipeline.make_dataset`, the same ones for every case of a batch size."""
    rng, time_steps = np.random.default_rng(0), SIZES["time"]
    cells = (rng.random((batch, time_steps + 1, SIZES["pitches"])) < DENSITY).astype(np.uint8)
    cells *= rng.integers(1, 3, cells.shape, np.uint8)
    one = {
        "inputs": cells[:, :-1],
        "targets": cells[:, 1:],
        "clock": np.zeros((batch, time_steps), np.int32),
        "ends": np.zeros((batch, time_steps), np.float32),
        "mask": np.ones((batch, time_steps), np.float32),
    }
    return tf.data.Dataset.from_tensors(one).cache().repeat().prefetch(2)


def _speeds(source: Iterator[dict[str, Any]]) -> Iterator[float]:
    """The windows per second of a variant of `benchmarks.rows.training`."""
    next(source)  # its facts
    return (values["windows"] for values in source)


def _print_machine(tf: Any, kind: str) -> None:
    for device in tf.config.list_physical_devices(kind):
        details = tf.config.experimental.get_device_details(device) if kind == "GPU" else {}
        print(f"{device.name}: {details.get('device_name', kind)}; TensorFlow {tf.__version__}")


def _print_table(values: dict[str, list[float]]) -> None:
    """Prints median and range of each row, in Markdown; ratios are those to stock Keras."""
    *_, peer = (statistics.median(speeds) for speeds in values.values())
    print("\n| training | windows/s | × stock Keras |\n| --- | --- | --- |")
    for name, speeds in values.items():
        middle = statistics.median(speeds)
        print(f"| {name} | {middle:,.0f} ({min(speeds):,.0f} to {max(speeds):,.0f}) | {middle / peer:.2f} |")


if __name__ == "__main__":
    sys.exit(main())
