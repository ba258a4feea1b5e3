"""Folders of records: schema, shard names, manifest, and checks of both."""

import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from pianoroll_tf.cli import UserError
from pianoroll_tf.data.roll import STRUCK, SparseRoll
from pianoroll_tf.data.tfrecord import DamagedRecord, decode_example, encode_example, read_records

FORMAT = 1
MANIFEST = "manifest.json"
SPLITS = ("train", "val", "test")
SCHEMA = {"counts": bytes, "cells": bytes, "sha256": bytes, "steps": int}  # features of a record, writer and reader


def shard_name(split: str, index: int, shards: int) -> str:
    """The name of a shard.

    >>> shard_name("train", 3, 10)
    'train-00003-of-00010.tfrecord'
    """
    return f"{split}-{index:05d}-of-{shards:05d}.tfrecord"


def encode_piece(roll: SparseRoll, sha256: bytes) -> bytes:
    """The record of a piece: a serialized tf.train.Example.

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
    roll = SparseRoll(counts, cells)
    columns = roll.columns.astype(np.int64)
    step = np.repeat(np.arange(len(counts)), counts)
    if len(counts) != features["steps"] or len(step) != len(cells) or len(features["sha256"]) != 32:
        raise ValueError("steps, counts, cells and sha256 must agree in length")
    if (columns > 83).any() or (np.diff(step * STRUCK + columns) <= 0).any():
        raise ValueError("cells must be ascending columns 0..83 within each step")
    return roll, features["sha256"]


def read_manifest(records_dir: str | os.PathLike) -> dict[str, Any]:
    """The manifest of a folder of records.

    Raises:
        UserError: There is none, or it is damaged or of another format.
    """
    path = Path(records_dir) / MANIFEST
    try:
        manifest = json.loads(path.read_bytes())
    except FileNotFoundError as error:
        raise UserError(f"{records_dir} holds no records (no {MANIFEST}); make them with build_records") from error
    except ValueError as error:
        raise UserError(f"{path} is damaged: {error}") from error
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise UserError(f"{path} must be of format {FORMAT}; build the records again with --overwrite")
    return manifest


def manifest_sha256(records_dir: str | os.PathLike) -> str:
    """The sha256 of the manifest, in hex: it names the records, because the manifest names their sha256."""
    return hashlib.sha256((Path(records_dir) / MANIFEST).read_bytes()).hexdigest()


def shard_paths(records_dir: str | os.PathLike, split: str) -> list[Path]:
    """The shards of a split, in order.

    Raises:
        UserError: The manifest cannot be read, or there is no such split.
    """
    return [Path(records_dir) / shard["name"] for shard in _split(read_manifest(records_dir), split)["shards"]]


def _split(manifest: dict[str, Any], split: str) -> dict[str, Any]:
    if split not in manifest["splits"]:
        raise UserError(f"split must be one of {', '.join(manifest['splits'])}. Received: split={split!r}")
    return manifest["splits"][split]


def check_shards(records_dir: str | os.PathLike, split: str) -> dict[str, Any]:
    """Holds the sizes of a split's shards against the manifest; cheap, done before every training.

    Returns:
        The split's entry of the manifest.

    Raises:
        UserError: A shard is missing or has another size.
    """
    entry = _split(read_manifest(records_dir), split)
    for shard in entry["shards"]:
        path = Path(records_dir) / shard["name"]
        if not path.is_file():
            raise UserError(f"{path} is missing; build the records again with --overwrite")
        if path.stat().st_size != shard["bytes"]:
            raise UserError(f"{path} must have {shard['bytes']} bytes. Received: bytes={path.stat().st_size}")
    return entry


def verify(records_dir: str | os.PathLike) -> Iterator[str]:
    """Reads every byte of every shard and yields one line a damage, which names file and record."""
    manifest = read_manifest(records_dir)
    for split in manifest["splits"].values():
        for shard in split["shards"]:
            yield from _verify_shard(Path(records_dir) / shard["name"], shard)


def _verify_shard(path: Path, shard: dict[str, Any]) -> Iterator[str]:
    if not path.is_file():
        yield f"{path}: missing"
        return
    pieces = 0
    try:
        with open(path, "rb") as file:
            for pieces, record in enumerate(read_records(file), start=1):
                try:
                    decode_piece(record)
                except ValueError as error:
                    yield f"{path}: record {pieces - 1}: {error}"
    except DamagedRecord as error:
        yield f"{path}: {error}"
        return
    if pieces != shard["pieces"]:
        yield f"{path}: must hold {shard['pieces']} records. Received: records={pieces}"
    with open(path, "rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != shard["sha256"]:
            yield f"{path}: its sha256 is not that of the manifest"
