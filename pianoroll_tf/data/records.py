"""The format of a folder of records: schema of a record, names of shards, manifest."""

import dataclasses
import hashlib
import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from pianoroll_tf.config import NUM_PITCHES, RecordsConfig
from pianoroll_tf.data.clock import Meter
from pianoroll_tf.data.roll import STRUCK_BIT, SparseRoll
from pianoroll_tf.data.tfrecord import decode_example, encode_example
from pianoroll_tf.errors import UserError
from pianoroll_tf.settings import dumps, from_dict

FORMAT = 4
MANIFEST = "manifest.json"
SPLITS = ("train", "val", "test")
# Features of a record, writer and reader
SCHEMA = {
    "cells": bytes,
    "counts": bytes,
    "meter_steps": bytes,
    "meters": bytes,
    "microseconds": int,
    "sha256": bytes,
    "steps": int,
}
AGAIN = "build the records again with --overwrite"


def shard_name(split: str, index: int, shards: int) -> str:
    """The name of a shard.

    >>> shard_name("train", 3, 10)
    'train-00003-of-00010.tfrecord'
    """
    return f"{split}-{index:05d}-of-{shards:05d}.tfrecord"


@dataclasses.dataclass(frozen=True)
class PieceRecord:
    """What a record holds.

    Attributes:
        roll: The whole piece.
        sha256: Digest of the source file, 32 bytes.
        meters: (first step, time signature), ascending; empty on the grid of seconds and where the file names none.
        microseconds: Per quarter note, at the first note.
    """

    roll: SparseRoll
    sha256: bytes
    meters: tuple[tuple[int, Meter], ...] = ()
    microseconds: int = 500_000

    @property
    def tempo(self) -> float:
        """Quarters per minute at the first note."""
        return 6e7 / self.microseconds


def encode_piece(piece: PieceRecord) -> bytes:
    """The record of a piece: a serialized tf.train.Example with the features of `SCHEMA`."""
    signatures = [number for _, meter in piece.meters for number in (meter.numerator, meter.denominator)]
    features = {
        "counts": piece.roll.counts.tobytes(),
        "cells": piece.roll.cells.tobytes(),
        "meter_steps": np.array([step for step, _ in piece.meters], "<i4").tobytes(),
        "meters": np.array(signatures, np.uint8).tobytes(),
        "microseconds": piece.microseconds,
        "sha256": piece.sha256,
        "steps": len(piece.roll.counts),
    }
    return encode_example(features)


def decode_meters(steps: bytes, signatures: bytes) -> tuple[tuple[int, Meter], ...]:
    """The time signatures of a record, from its features `meter_steps` and `meters`.

    Raises:
        ValueError: They do not agree in length, or are not allowed.
    """
    places, numbers = np.frombuffer(steps, "<i4"), np.frombuffer(signatures, np.uint8)
    if len(numbers) != 2 * len(places) or (np.diff(places) <= 0).any():
        raise ValueError("meter_steps must be ascending and meters a pair for each")
    return tuple((int(step), Meter(*map(int, pair))) for step, pair in zip(places, numbers.reshape(-1, 2), strict=True))


def decode_piece(record: bytes) -> PieceRecord:
    """What a record holds.

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
    if (columns >= NUM_PITCHES).any() or (np.diff(step * STRUCK_BIT + columns) <= 0).any():
        raise ValueError("cells must be ascending columns 0..83 within each step")
    meters = decode_meters(features["meter_steps"], features["meters"])
    if features["microseconds"] <= 0:
        raise ValueError("microseconds must be > 0")
    return PieceRecord(roll, features["sha256"], meters, features["microseconds"])


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
        A dict with `format`, `settings` (of `config.RecordsConfig`, as asked for), `grid` (which `--grid auto` chose),
        `totals` and `splits`. A split has `pieces`, `notes`, `notes_outside_range`, `steps`, `active_cells`,
        `milliseconds`, `pitch_counts` (84 numbers of steps), `hold_counts` (how often a pitch sounds for 1, 2, 3, …
        steps without a break), `longest_piece` (steps), `density_spread` (standard deviation of a piece's density over
        its mean), `tempo` (median of the pieces, quarters per minute), `meter` (of most steps),
        `struck_counts` (struck notes at each position in the beat), `usual_onsets` (95th percentile of the moving
        average of onsets there: see `data.rhythm`) and `shards`, which have the first six, `name`, `bytes` and
        `sha256`.

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


def resolved(manifest: dict[str, Any]) -> RecordsConfig:
    """The settings that records were made with, `grid` being the one that was chosen."""
    return from_dict(RecordsConfig, manifest["settings"] | {"grid": manifest["grid"]})


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
