"""The format of a folder of records: schema of a record, names of shards, manifest."""

import hashlib
import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from pianoroll_tf.cli import UserError
from pianoroll_tf.config import NUM_PITCHES, dumps
from pianoroll_tf.data.roll import STRUCK, SparseRoll
from pianoroll_tf.data.tfrecord import decode_example, encode_example

FORMAT = 2
MANIFEST = "manifest.json"
SPLITS = ("train", "val", "test")
SCHEMA = {"cells": bytes, "counts": bytes, "sha256": bytes, "steps": int}  # features of a record, writer and reader
AGAIN = "build the records again with --overwrite"


def shard_name(split: str, index: int, shards: int) -> str:
    """The name of a shard.

    >>> shard_name("train", 3, 10)
    'train-00003-of-00010.tfrecord'
    """
    return f"{split}-{index:05d}-of-{shards:05d}.tfrecord"


def encode_piece(roll: SparseRoll, sha256: bytes) -> bytes:
    """The record of a piece: a serialized tf.train.Example with the features of `SCHEMA`.

    Args:
        roll: The whole piece.
        sha256: Digest of the source file, 32 bytes.
    """
    features = {"counts": roll.counts.tobytes(), "cells": roll.cells.tobytes(), "sha256": sha256}
    return encode_example({**features, "steps": len(roll.counts)})


def decode_piece(record: bytes) -> tuple[SparseRoll, bytes]:
    """The roll of a record and the digest of its source file.

    Raises:
        ValueError: The record does not follow the schema, or contradicts itself.
    """
    features = decode_example(record)
    if {name: type(value) for name, value in features.items()} != SCHEMA:
        raise ValueError(f"features must be {', '.join(SCHEMA)}. Received: {', '.join(features)}")
    counts, cells = (np.frombuffer(features[name], np.uint8) for name in ("counts", "cells"))
    if len(counts) != features["steps"] or int(counts.sum()) != len(cells) or len(features["sha256"]) != 32:
        raise ValueError("steps, counts, cells and sha256 must agree in length")
    roll = SparseRoll(counts, cells)
    columns = roll.columns.astype(np.int64)
    step = np.repeat(np.arange(len(counts)), counts)
    if (columns >= NUM_PITCHES).any() or (np.diff(step * STRUCK + columns) <= 0).any():
        raise ValueError("cells must be ascending columns 0..83 within each step")
    return roll, features["sha256"]


def write_manifest(file: BinaryIO, manifest: dict[str, Any], entries: Iterable[dict[str, Any]]) -> None:
    """Writes a manifest: all that is in `manifest`, one line a file, and last a sha256 of all that stands before it.

    Args:
        file: Open for writing.
        manifest: Everything but `files` and `sha256`.
        entries: The list `files`, taken one at a time because it may be long.
    """
    digest = hashlib.sha256()

    def write(text: str) -> None:
        digest.update(text.encode())
        file.write(text.encode())

    write(dumps(manifest).removesuffix("\n}\n") + _FILES.decode())
    for index, entry in enumerate(entries):
        line = json.dumps(entry, sort_keys=True, ensure_ascii=False, allow_nan=False)
        write(f"{',' if index else ''}\n  {line}")
    write("\n ]")
    file.write(_SEAL % digest.hexdigest().encode())


_FILES = b',\n "files": ['
_SEAL = b',\n "sha256": "%s"\n}\n'


def read_manifest(records_dir: str | os.PathLike, with_files: bool = False) -> dict[str, Any]:
    """The manifest of a folder of records; all of it is held against its sha256.

    Args:
        records_dir: Folder that build_records made.
        with_files: Whether to read `files` and `sha256` too; there may be very many files, and few need them.

    Returns:
        A dict with `format`, `settings` (of `config.RecordsConfig`), `totals` and `splits`. A split has `pieces`,
        `notes`, `notes_outside_range`, `steps`, `active_cells`, `milliseconds`, `pitch_counts` (84 numbers of steps),
        `hold_counts` (how often a pitch sounds for 1, 2, 3, … steps without a break) and `shards`, which have the same
        counts but for the last two, `name`, `bytes` and `sha256`.

    Raises:
        UserError: There is none, or it is damaged or of another format.
    """
    path = Path(records_dir) / MANIFEST
    try:
        data = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise UserError(f"{records_dir} must hold records, made by build_records. Received: no {MANIFEST}") from error
    sealed = len(data) - len(_SEAL % (b"0" * 64))
    if sealed <= 0 or data[sealed:] != _SEAL % hashlib.sha256(data[:sealed]).hexdigest().encode():
        raise UserError(f"{path} is damaged: its sha256 does not match; {AGAIN}")
    manifest = json.loads(data if with_files else data[: data.index(_FILES)] + b"}")
    if manifest["format"] != FORMAT:
        raise UserError(f"{path} must be of format {FORMAT}; {AGAIN}. Received: format={manifest['format']!r}")
    return manifest


def manifest_sha256(records_dir: str | os.PathLike) -> str:
    """The sha256 of the manifest, in hex: it names the records, because the manifest holds their sha256."""
    return hashlib.sha256((Path(records_dir) / MANIFEST).read_bytes()).hexdigest()


def split_entry(manifest: dict[str, Any], split: str) -> dict[str, Any]:
    """A split's part of the manifest.

    Raises:
        UserError: There is no such split.
    """
    if split not in SPLITS:
        raise UserError(f"split must be one of {', '.join(SPLITS)}. Received: split={split!r}")
    return manifest["splits"][split]


def check_shards(records_dir: str | os.PathLike, split: str) -> dict[str, Any]:
    """Holds the sizes of a split's shards against the manifest; cheap, done before every training.

    Returns:
        The split's part of the manifest.

    Raises:
        UserError: A shard is missing or has another size.
    """
    entry = split_entry(read_manifest(records_dir), split)
    for shard in entry["shards"]:
        path = Path(records_dir) / shard["name"]
        if not path.is_file():
            raise UserError(f"{path} is missing; {AGAIN}")
        if path.stat().st_size != shard["bytes"]:
            size = f"must have {shard['bytes']} bytes. Received: bytes={path.stat().st_size}"
            raise UserError(f"{path} {size}; {AGAIN}")
    return entry
