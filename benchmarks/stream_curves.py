"""Compares the validation curves of runs whose data are in memory with those of a stream of many groups, over seeds.

Usage: python -m benchmarks.stream_curves RECORDS [--groups 20] [--seeds 5] [--epochs 6]

Each seed trains a small model (Conv 32 -> GRU 64, independent head) both ways. A stream shuffles the windows of a group
at a time, so its order is less random than that of memory; the question is whether the losses show it. The two runs of
a seed have the same initial weights and a different order; so have two seeds, whose spread is printed beside.
"""

import argparse
import contextlib
import statistics
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

from pianoroll_tf import cli
from pianoroll_tf.data.records import read_manifest

SMALL = {"conv_filters": 32, "gru_units": 64, "head": "independent"}


def main(argv: list[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    parser = cli.make_parser("benchmarks.stream_curves", (__doc__ or "").partition("\n")[0])
    parser.add_argument("records", type=Path, help="folder of records")
    parser.add_argument("--groups", type=int, default=20, help="groups of an epoch of the stream (default: 20)")
    parser.add_argument("--seeds", type=int, default=5, help="runs of each way (default: 5)")
    parser.add_argument("--epochs", type=int, default=6, help="epochs of a run (default: 6)")
    return cli.run(_compare, parser, argv)


def _compare(args: argparse.Namespace) -> None:
    """Trains all runs, and prints the mean curves and the differences."""
    curves: dict[str, list[list[float]]] = {"no": [], "yes": []}
    with tempfile.TemporaryDirectory() as scratch, _group_size(args.records, args.groups):
        for seed in range(args.seeds):
            for stream, runs in curves.items():
                runs.append(_curve(args, seed, stream, Path(scratch) / f"{stream}-{seed}"))
    print(table(curves["no"], curves["yes"]))


@contextlib.contextmanager
def _group_size(records: Path, groups: int) -> Iterator[None]:
    """Within the context, an epoch of a stream of these records has so many groups."""
    from pianoroll_tf.data import stream

    steps = -(-read_manifest(records)["splits"]["train"]["steps"] // groups)
    with mock.patch.object(stream, "BUFFER_STEPS", steps):
        yield


def _curve(args: argparse.Namespace, seed: int, stream: str, folder: Path) -> list[float]:
    """Validation NLL after each epoch, nats per step."""
    from pianoroll_tf.config import DatasetConfig, ModelConfig, RunConfig, TrainingConfig
    from pianoroll_tf.modeling.run_folder import data_facts
    from pianoroll_tf.modeling.training import train

    records, data = data_facts(args.records)
    config = RunConfig(
        records=records,
        data=data,
        dataset=DatasetConfig(stream=stream),
        model=ModelConfig(**SMALL),
        training=TrainingConfig(epochs=args.epochs, seed=seed, patience=0, precision="float32"),
    )
    return [row["val_nll"] for row in train(config, folder, quiet=True).rows]


def table(memory: list[list[float]], stream: list[list[float]]) -> str:
    """A Markdown table by epoch: means over seeds, mean difference with its standard error, spread over seeds.

    >>> print(table([[2.0], [4.0]], [[2.5], [4.5]]))
    | epoch | memory | stream | stream - memory | standard error | deviation of seeds in memory |
    | --- | --- | --- | --- | --- | --- |
    | 1 | 3.0000 | 3.5000 | +0.5000 | 0.0000 | 1.4142 |
    """
    titles = "epoch | memory | stream | stream - memory | standard error | deviation of seeds in memory"
    lines = [f"| {titles} |", "| --- | --- | --- | --- | --- | --- |"]
    for epoch, (one, other) in enumerate(zip(zip(*memory, strict=True), zip(*stream, strict=True), strict=True), 1):
        differences = [b - a for a, b in zip(one, other, strict=True)]
        error = statistics.stdev(differences) / len(differences) ** 0.5
        means = f"{statistics.mean(one):.4f} | {statistics.mean(other):.4f} | {statistics.mean(differences):+.4f}"
        lines.append(f"| {epoch} | {means} | {error:.4f} | {statistics.stdev(one):.4f} |")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
