"""Checks a folder of records byte by byte and names file and record of any damage."""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pianoroll_tf.cli import UserError
from pianoroll_tf.data.records import decode_piece, read_manifest
from pianoroll_tf.data.tfrecord import DamagedRecordError, read_records


def verify(records_dir: str | os.PathLike) -> Iterator[str]:
    """Reads every byte of a folder of records.

    Yields:
        One line a damage, which names the file, and the record where there is one.
    """
    try:
        manifest = read_manifest(records_dir)
    except UserError as error:
        yield str(error)
        return
    for split in manifest["splits"].values():
        for shard in split["shards"]:
            yield from _verify_shard(Path(records_dir) / shard["name"], shard)


def _verify_shard(path: Path, shard: dict[str, Any]) -> Iterator[str]:
    if not path.is_file():
        yield f"{path}: missing"
        return
    try:
        damages = list(_verify_records(path, shard))
    except OSError as error:
        yield f"{path}: {error.strerror}"
        return
    yield from damages
    with path.open("rb") as file:
        if not damages and hashlib.file_digest(file, "sha256").hexdigest() != shard["sha256"]:
            yield f"{path}: its sha256 is not that of the manifest"


def _verify_records(path: Path, shard: dict[str, Any]) -> Iterator[str]:
    """Records that cannot be read, and sums that are not the manifest's."""
    sums = {"pieces": 0, "steps": 0, "active_cells": 0}
    unsound = False
    with path.open("rb") as file:
        try:
            for index, record in enumerate(read_records(file)):
                sums["pieces"] += 1
                try:
                    roll, _ = decode_piece(record)
                except ValueError as error:
                    unsound = True
                    yield f"{path}: record {index}: {error}"
                    continue
                sums["steps"] += len(roll.counts)
                sums["active_cells"] += len(roll.cells)
        except DamagedRecordError as error:
            yield f"{path}: {error}"
            return
    for name, value in sums.items():
        if not unsound and value != shard[name]:
            yield f"{path}: {name} must be {shard[name]}. Received: {name}={value}"
