"""Checks every byte of a folder of records and reports file and record of any damage."""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pianoroll_tf.data.records import decode_piece, read_manifest
from pianoroll_tf.data.tfrecord import DamagedRecordError, read_records
from pianoroll_tf.errors import UserError
from pianoroll_tf.progress import NoProgress


def verify(records_dir: str | os.PathLike, progress: type[NoProgress] = NoProgress) -> Iterator[str]:
    """Reads every byte of a folder of records and yields a line per damage, which names the file and the record."""
    try:
        manifest = read_manifest(records_dir)
    except UserError as error:
        yield str(error)
        return
    splits = manifest["splits"].values()
    with progress(sum(split["pieces"] for split in splits), "records checked") as bar:
        for shard in (shard for split in splits for shard in split["shards"]):
            yield from _verify_shard(Path(records_dir) / shard["name"], shard, bar)


def _verify_shard(path: Path, shard: dict[str, Any], bar: NoProgress) -> Iterator[str]:
    if not path.is_file():
        yield f"{path}: missing"
        return
    intact = True
    try:
        for damage in _verify_records(path, shard, bar):
            intact = False
            yield f"{path}: {damage}"
        with path.open("rb") as file:
            if intact and hashlib.file_digest(file, "sha256").hexdigest() != shard["sha256"]:
                yield f"{path}: its sha256 differs from that in the manifest"
    except OSError as error:
        yield f"{path}: {error.strerror}"


def _verify_records(path: Path, shard: dict[str, Any], bar: NoProgress) -> Iterator[str]:
    """Yields records that cannot be read, and sums that differ from the manifest."""
    sums = {"pieces": 0, "steps": 0, "active_cells": 0}
    intact = True
    with path.open("rb") as file:
        for index, record in enumerate(read_records(file)):
            bar.update()
            try:
                if isinstance(record, DamagedRecordError):
                    raise record
                roll = decode_piece(record).roll
            except ValueError as error:
                intact = False
                yield str(error) if error is record else f"record {index}: {error}"
                continue
            sums["pieces"] += 1
            sums["steps"] += len(roll.counts)
            sums["active_cells"] += len(roll.cells)
    for name, value in sums.items():
        if intact and value != shard[name]:
            yield f"{name} must be {shard[name]}. Received: {name}={value}"
