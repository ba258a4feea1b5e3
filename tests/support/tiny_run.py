"""A small folder of records and a small run on it, for the tests of training; also run as a program of its own.

python tests/tiny_run.py RECORDS RUN CHECKPOINT_SECONDS [SECTION.NAME=JSON ...]
"""

import dataclasses
import hashlib
import json
import sys
from pathlib import Path

import numpy as np

from pianoroll_tf import config
from pianoroll_tf.data.records import FORMAT, MANIFEST, PieceRecord, encode_piece, shard_name, write_manifest
from pianoroll_tf.data.roll import from_dense, onsets
from pianoroll_tf.data.tfrecord import frame
from pianoroll_tf.messages import describe
from pianoroll_tf.settings import to_dict


def random_piece(steps: int, seed: int, density: float = 0.05) -> np.ndarray:
    """A dense roll of independent cells, uint8 [steps, 84]."""
    return (np.random.default_rng(seed).random((steps, 84)) < density).astype(np.uint8)


def write_records(
    folder: Path,
    pieces: dict[str, list[np.ndarray]],
    shards: int = 2,
    settings: config.RecordsConfig | None = None,
) -> Path:
    """Records and manifest as build_records makes them, from dense rolls by split; the grid is that of the settings."""
    folder.mkdir(parents=True)
    splits = {}
    for split, rolls in pieces.items():
        entry = {"steps": 0, "active_cells": 0, "pitch_counts": np.zeros(84, int), "shards": []}
        for index in range(min(shards, len(rolls))):
            part = rolls[index::shards]
            name = shard_name(split, index, shards)
            content = b"".join(frame(encode_piece(PieceRecord(from_dense(roll), bytes(32)))) for roll in part)
            (folder / name).write_bytes(content)
            digest = hashlib.sha256(content).hexdigest()
            entry["shards"].append({"name": name, "pieces": len(part), "bytes": len(content), "sha256": digest})
        for roll in rolls:
            entry["steps"] += len(roll)
            entry["active_cells"] += int((roll != 0).sum())
            entry["pitch_counts"] += (roll != 0).sum(axis=0, dtype=int)
        holds = [from_dense(roll).hold_lengths() for roll in rolls] + [np.empty(0, int)]
        counts = {"pitch_counts": entry["pitch_counts"], "hold_counts": np.bincount(np.concatenate(holds))[1:]}
        music = {
            "longest_piece": max(map(len, rolls), default=0),
            "density_spread": 0.1,
            "tempo": 120.0,
            "meter": "4/4",
            "struck_counts": [sum(int(onsets(roll).sum()) for roll in rolls)],
            "usual_onsets": [2.0],
        }
        splits[split] = (
            entry | music | {"pieces": len(rolls)} | {name: value.tolist() for name, value in counts.items()}
        )
    made = to_dict(settings or config.RecordsConfig(grid="seconds"))
    with (folder / MANIFEST).open("wb") as file:
        write_manifest(file, {"format": FORMAT, "settings": made, "grid": made["grid"], "splits": splits}, [])
    return folder


def tiny_records(folder: Path) -> Path:
    """Nine pieces for training and three for validation, of 1 to 90 steps."""
    steps = {"train": [1, 5, 16, 17, 30, 32, 48, 70, 90], "val": [3, 40, 55]}
    return write_records(
        folder,
        {split: [random_piece(n, seed=n) for n in lengths] for split, lengths in steps.items()},
    )


def tiny_config(records: Path, **changes: dict) -> config.RunConfig:
    """A run of seconds, with everything on that a resumed run could get wrong.

    Args:
        records: The folder of records.
        **changes: Section → dict of settings that differ from the tiny ones.
    """
    from pianoroll_tf.modeling.run_folder import data_facts

    made, data = data_facts(records)
    sections = {
        "dataset": {"window_steps": 16, "batch_size": 4, "transpose": 3},
        "model": {"conv_filters": 4, "conv_kernel": 3, "gru_units": 6, "dropout": 0.3},
        "optimizer": {"warmup_steps": 3, "learning_rate": 0.01},
        "training": {"epochs": 3, "seed": 5, "precision": "float32"},
    }
    sections = {name: values | changes.get(name, {}) for name, values in sections.items()}
    sections |= {name: values for name, values in changes.items() if name not in sections}
    kinds = {field.name: field.type for field in dataclasses.fields(config.RunConfig)}
    return config.RunConfig(
        records=made, data=data, **{name: kinds[name](**values) for name, values in sections.items()}
    )


def changes(texts: list[str]) -> dict[str, dict]:
    """The arguments of `tiny_config` that `SECTION.NAME=JSON` name."""
    found: dict[str, dict] = {}
    for text in texts:
        name, _, value = text.partition("=")
        section, _, name = name.partition(".")
        found.setdefault(section, {})[name] = json.loads(value)
    return found


def main() -> None:
    """Trains a tiny run; a failure is one line, as the commands say it."""
    from pianoroll_tf.modeling.training import train

    records, run_dir, seconds, *settings = sys.argv[1:]
    print("ready", flush=True)
    try:
        print(
            train(tiny_config(Path(records), **changes(settings)), run_dir, checkpoint_seconds=float(seconds)).finished
        )
    except Exception as error:
        sys.exit(describe(error))


if __name__ == "__main__":
    main()
