"""Compares a training split in memory with the same split as a stream: windows per second and peak memory.

Usage: python -m benchmarks.stream RECORDS --times 100

The training split of RECORDS is written `--times` times, each copy transposed a little and cut by some steps, to a
temporary folder, which is removed afterwards. Both ways are measured in turn, each in its own process.
"""

import argparse
import hashlib
import json
import resource
import statistics
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.harness import Experiment, Variant, measure
from benchmarks.worker import Stopwatch, import_tensorflow
from pianoroll_tf.config import NUM_PITCHES
from pianoroll_tf.data.records import (
    MANIFEST,
    PieceRecord,
    decode_piece,
    encode_piece,
    read_manifest,
    shard_name,
    write_manifest,
)
from pianoroll_tf.data.roll import STRUCK_BIT, SparseRoll
from pianoroll_tf.data.tfrecord import frame, read_records

SECONDS = 5.0  # of a measurement
SHARDS = 16


def changed(piece: PieceRecord, copy: int) -> PieceRecord:
    """A piece without its last `copy % 16` steps, transposed by up to 3 semitones where its pitches allow it."""
    counts = piece.roll.counts[: max(len(piece.roll.counts) - copy % 16, 1)]
    cells = piece.roll.cells[: counts.sum(dtype=np.int64)]
    columns, shift = (cells % STRUCK_BIT).astype(np.int64), copy % 7 - 3
    if len(cells) and columns.min() + shift >= 0 and columns.max() + shift < NUM_PITCHES:
        cells = (cells.astype(np.int64) + shift).astype(np.uint8)
    meters = tuple(change for change in piece.meters if change[0] < len(counts))
    return PieceRecord(SparseRoll(counts, cells), piece.sha256, meters, piece.microseconds)


def write_copies(records: Path, folder: Path, times: int) -> None:
    """Writes the training split so many times; the other splits are empty."""
    manifest = read_manifest(records)
    entry = manifest["splits"]["train"]
    pieces = []
    for shard in entry["shards"]:
        with (records / shard["name"]).open("rb") as file:
            pieces += [decode_piece(record) for record in read_records(file)]
    steps = cells = 0
    shards = []
    for index in range(SHARDS):
        name, digest, count = shard_name("train", index, SHARDS), hashlib.sha256(), 0
        with (folder / name).open("wb") as file:
            for copy in range(index, times, SHARDS):
                for piece in (changed(piece, copy) for piece in pieces):
                    framed = frame(encode_piece(piece))
                    digest.update(framed)
                    file.write(framed)
                    count, steps, cells = count + 1, steps + len(piece.roll.counts), cells + len(piece.roll.cells)
            shards.append({"name": name, "pieces": count, "bytes": file.tell(), "sha256": digest.hexdigest()})
    entry |= {"pieces": times * len(pieces), "steps": steps, "active_cells": cells, "shards": shards}
    for other in ("val", "test"):
        manifest["splits"][other] |= {"pieces": 0, "steps": 0, "shards": []}
    with (folder / MANIFEST).open("wb") as file:
        write_manifest(file, manifest, [])


def reading(records: str, stream: bool, train: bool) -> Iterator[dict[str, Any]]:
    """Windows per second of the batches alone, or of the default training with them, and peak memory in MB."""
    tf = import_tensorflow()
    from pianoroll_tf.config import DatasetConfig, RunConfig
    from pianoroll_tf.data.opening import open_split
    from pianoroll_tf.data.pipeline import make_dataset, windows_per_epoch
    from pianoroll_tf.modeling.run_folder import data_facts
    from pianoroll_tf.modeling.training import compiled_model, fit_batch

    config = DatasetConfig(batch_size=64)
    watch = Stopwatch()
    split = open_split(records, "train", stream)
    facts = {"open_seconds": watch.lap(), "windows": windows_per_epoch(split, config), "steps": split.steps}
    tf.config.experimental.enable_op_determinism()
    batches = iter(make_dataset(split, config, seed=0).map(fit_batch))
    next(batches)
    facts["first_batch_seconds"] = watch.lap()
    step = None
    if train:
        made, data = data_facts(records)
        model = compiled_model(RunConfig(records=made, data=data, dataset=config), 100, tf.distribute.get_strategy())
        step = model.make_train_function() or model.train_function
        for _ in range(3):
            step(batches)
    yield facts
    while True:
        watch, seconds, count = Stopwatch(), 0.0, 0
        while seconds < SECONDS * (2 if train else 1):
            next(batches) if step is None else step(batches)
            seconds, count = seconds + watch.lap(), count + 64
        yield {"speed": count / seconds, "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def main(argv: list[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    parser = argparse.ArgumentParser(prog="benchmarks.stream", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("records", type=Path, help="folder of records")
    parser.add_argument("--times", type=int, default=100, help="copies of the training split (default: 100)")
    parser.add_argument("--repeats", type=int, default=5, help="measurements of each way (default: 5)")
    args = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="stream-") as folder:
        write_copies(args.records, Path(folder), args.times)
        for name, train in (("batches", False), ("training", True)):
            variants = {
                way: Variant(
                    function="benchmarks.stream:reading",
                    arguments={"records": folder, "stream": way == "stream", "train": train},
                )
                for way in ("memory", "stream")
            }
            experiment = Experiment(name=name, variants=variants, repeats=args.repeats)
            found = measure(experiment, lambda line: print(line, file=sys.stderr, flush=True))
            for way, results in found.items():
                print(name, way, results.missing or json.dumps({**results.facts, **results.values}))
            speeds = [found[way].values.get("speed", []) for way in ("stream", "memory")]
            if all(speeds):
                ratio = statistics.median(speeds[0]) / statistics.median(speeds[1])
                print(f"{name}: a stream has {ratio:.3f} times the windows per second of memory")
    return 0


if __name__ == "__main__":
    sys.exit(main())
