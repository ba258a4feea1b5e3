"""The format of a folder of records: schema of a record, names of shards, manifest."""

import dataclasses
import hashlib
import json
import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from pianoroll_tf.config import NUM_PITCHES, RecordsConfig
from pianoroll_tf.data.clock import Meter
from pianoroll_tf.data.roll import STRUCK_BIT, SparseRoll
from pianoroll_tf.data.tfrecord import decode_example, encode_example
from pianoroll_tf.errors import DamagedError, UserError
from pianoroll_tf.settings import dumps, from_dict

FORMAT = 4
MANIFEST = "manifest.json"
SPLITS = ("train", "val", "test")
# Features of a record and their types
SCHEMA: dict[str, type] = dict.fromkeys(("cells", "counts", "meter_steps", "meters", "sha256"), bytes)
SCHEMA |= {"microseconds": int, "steps": int}
REBUILD = "build the records again with --overwrite"  # end of messages about damage


def shard_name(split: str, index: int, shards: int) -> str:
    """File name of a shard.

    >>> shard_name("train", 3, 10)
    'train-00003-of-00010.tfrecord'
    """
    return f"{split}-{index:05d}-of-{shards:05d}.tfrecord"


def is_shard_name(name: str) -> bool:
    """Whether `shard_name` makes such names.

    >>> is_shard_name("train-00003-of-00010.tfrecord"), is_shard_name("train-3.tfrecord")
    (True, False)
    """
    return _SHARD_NAME.fullmatch(name) is not None


_SHARD_NAME = re.compile(rf"({'|'.join(SPLITS)})-\d{{5,}}-of-\d{{5,}}\.tfrecord")


@dataclasses.dataclass(frozen=True)
class PieceRecord:
    """The content of a record, a whole piece."""

    roll: SparseRoll
    sha256: bytes  # of the source file, 32 bytes
    meters: tuple[tuple[int, Meter], ...] = ()  # (first step, time signature), ascending; empty: the file has none
    microseconds: int = 500_000  # duration of a quarter note at the first note
    # uint8 [struck cells], by `velocities.struck_velocities`; not stored in records
    velocities: np.ndarray | None = dataclasses.field(default=None, repr=False, compare=False)

    @property
    def tempo(self) -> float:
        """Quarter notes per minute at the first note."""
        return tempo(self.microseconds)


def tempo(microseconds: int) -> float:
    """Quarter notes per minute, of which one lasts so many microseconds."""
    return 6e7 / microseconds


def encode_piece(piece: PieceRecord) -> bytes:
    """Serializes a piece as a tf.train.Example with the features of `SCHEMA`."""
    signatures = [number for _, meter in piece.meters for number in (meter.numerator, meter.denominator)]
    features: dict[str, bytes | int] = {
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
    """Decodes the features `meter_steps` and `meters` of a record; raises ValueError if they are not sound."""
    places, numbers = np.frombuffer(steps, "<i4"), np.frombuffer(signatures, np.uint8)
    if len(numbers) != 2 * len(places) or (np.diff(places) <= 0).any():
        raise ValueError("meter_steps must be ascending and meters a pair for each")
    return tuple((int(step), Meter(*map(int, pair))) for step, pair in zip(places, numbers.reshape(-1, 2), strict=True))


def decode_piece(record: bytes) -> PieceRecord:
    """Parses a record; raises ValueError if it does not follow the schema, or contradicts itself."""
    features: dict[str, Any] = decode_example(record)
    if {name: type(value) for name, value in features.items()} != SCHEMA:
        raise ValueError(f"features must be {', '.join(sorted(SCHEMA))}. Received: {', '.join(features)}")
    counts, cells = (np.frombuffer(features[name], np.uint8) for name in ("counts", "cells"))
    if len(counts) != features["steps"] or int(counts.sum()) != len(cells) or len(features["sha256"]) != 32:
        raise ValueError("steps, counts, cells and sha256 must agree in length")
    roll = SparseRoll(counts, cells)
    if (roll.columns >= NUM_PITCHES).any() or (np.diff(roll.steps * STRUCK_BIT + roll.columns) <= 0).any():
        raise ValueError("cells must be ascending columns 0..83 within each step")
    meters = decode_meters(features["meter_steps"], features["meters"])
    if features["microseconds"] <= 0:
        raise ValueError("microseconds must be > 0")
    return PieceRecord(roll, features["sha256"], meters, features["microseconds"])


def write_manifest(file: BinaryIO, manifest: dict[str, Any], entries: Iterable[dict[str, Any]]) -> None:
    """Writes a manifest: the dict, one line per file, and last a sha256 of everything before it.

    The entries of `files` are taken one at a time, as there may be many.
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
    file.write(_CHECKSUM_LINE % digest.hexdigest().encode())


_FILES = b',\n "files": ['
_CHECKSUM_LINE = b',\n "sha256": "%s"\n}\n'


def read_manifest(records_dir: str | os.PathLike, with_files: bool = False) -> dict[str, Any]:
    """Reads the manifest of a folder of records and verifies its checksum.

    Args:
        records_dir: Folder that build_records wrote.
        with_files: Whether to parse `files` and `sha256` too. Default: False, as there may be very many files.

    Returns:
        A dict with `format`, `settings` (`config.RecordsConfig` of the build), `grid` (which `--grid auto` chose),
        `totals` and `splits`. A split has `pieces`, `notes`, `notes_outside_range`, `steps`, `active_cells`,
        `milliseconds`, `pitch_counts` (84 numbers of steps), `hold_counts` (how often a pitch sounds for 1, 2, 3, …
        steps without a break), `longest_piece` (steps), `density_spread` (standard deviation of a piece's density over
        its mean), `tempo` (median of the pieces, quarter notes per minute), `meter` (of most steps),
        `struck_counts` (struck notes at each position in the beat), `usual_onsets` (95th percentile of the moving
        average of onsets there: see `data.rhythm`) and `shards`, which have the first six, `name`, `bytes` and
        `sha256`. Most have `velocity_sums` (16 numbers: `data.velocities.velocity_sums` of the pieces whose velocities
        differ), which records of earlier versions lack.

    Raises:
        UserError: There is none, or it is of another format.
        DamagedError: It is damaged.
    """
    path = Path(records_dir) / MANIFEST
    try:
        data = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise UserError(
            f"{records_dir} must hold records, written by build_records. Received: no {MANIFEST}"
        ) from error
    end = len(data) - len(_CHECKSUM_LINE % (b"0" * 64))
    if end <= 0 or data[end:] != _CHECKSUM_LINE % hashlib.sha256(data[:end]).hexdigest().encode():
        raise DamagedError(f"{path} is damaged: its sha256 does not match; {REBUILD}")
    manifest = json.loads(data if with_files else data[: data.index(_FILES)] + b"}")
    if manifest["format"] != FORMAT:
        raise UserError(f"{path} must be of format {FORMAT}; {REBUILD}. Received: format={manifest['format']!r}")
    return manifest


def resolved(manifest: dict[str, Any]) -> RecordsConfig:
    """The settings of the records, in which `grid` is the one that was chosen."""
    return from_dict(RecordsConfig, manifest["settings"] | {"grid": manifest["grid"]})


def manifest_sha256(records_dir: str | os.PathLike) -> str:
    """The sha256 of the manifest, hex; it identifies the records, as the manifest has their checksums."""
    return hashlib.sha256((Path(records_dir) / MANIFEST).read_bytes()).hexdigest()


def check_shards(records_dir: str | os.PathLike, split: str) -> dict[str, Any]:
    """Compares the sizes of a split's shards with the manifest, and returns the split's entry in it.

    This is cheap enough to be done before every training.

    Raises:
        UserError: There is no such split, or a shard is missing or has another size.
    """
    if split not in SPLITS:
        raise UserError(f"split must be one of {', '.join(SPLITS)}. Received: split={split!r}")
    entry = read_manifest(records_dir)["splits"][split]
    for shard in entry["shards"]:
        path = Path(records_dir) / shard["name"]
        if not path.is_file():
            raise UserError(f"{path} is missing; {REBUILD}")
        if (size := path.stat().st_size) != shard["bytes"]:
            raise UserError(f"{path} must have {shard['bytes']} bytes. Received: bytes={size}; {REBUILD}")
    return entry
