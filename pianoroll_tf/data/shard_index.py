"""Index of the records of a split: where each piece lies in its shard and how many steps it has."""

import contextlib
import dataclasses
import os
from pathlib import Path
from typing import Any

import numpy as np

from pianoroll_tf.data.records import REBUILD, check_shards
from pianoroll_tf.data.tfrecord import FOOTER_BYTES, HEADER_BYTES, DamagedRecordError, decode_example, read_records
from pianoroll_tf.errors import DamagedError, UserError
from pianoroll_tf.storage.arrays import read_arrays, write_arrays


@dataclasses.dataclass(frozen=True)
class ShardIndex:
    """The pieces of a split in the order of its shards; 16 bytes each."""

    names: tuple[str, ...]  # of the shards
    shard: np.ndarray  # int32 [pieces], number of the shard
    offset: np.ndarray  # int64 [pieces], bytes before the framed record in its shard
    steps: np.ndarray  # int32 [pieces]


def index_path(records_dir: str | os.PathLike, split: str) -> Path:
    """Where the index of a split is kept."""
    return Path(records_dir) / f"{split}.index.npz"


def load_index(records_dir: str | os.PathLike, split: str) -> ShardIndex:
    """The index of a split, read from beside its shards; built, and kept there, if it is missing or of other shards.

    A folder that cannot be written to has its index built each time, in one pass over the shards, which also
    checks the CRC of every record.

    Raises:
        UserError: The folder holds no records, or a shard, which is named, does not match the manifest.
    """
    entry = check_shards(records_dir, split)
    path, identity = index_path(records_dir, split), _identity(entry)
    with contextlib.suppress(DamagedError):
        arrays, meta = read_arrays(path)
        if meta == identity:
            return ShardIndex(_names(entry), **arrays)
    index = build_index(records_dir, entry)
    with contextlib.suppress(OSError):
        write_arrays(path, {name: value for name, value in vars(index).items() if name != "names"}, identity)
    return index


def _identity(entry: dict[str, Any]) -> dict[str, Any]:
    """What the shards of an index are recognized by; the sizes on disk are compared with these by `check_shards`."""
    return {"format": 1, "shards": [[shard[key] for key in ("name", "bytes", "sha256")] for shard in entry["shards"]]}


def _names(entry: dict[str, Any]) -> tuple[str, ...]:
    return tuple(shard["name"] for shard in entry["shards"])


def build_index(records_dir: str | os.PathLike, entry: dict[str, Any]) -> ShardIndex:
    """Reads the shards of a split, given by its entry in the manifest, once; arguments and errors as `load_index`."""
    shards, offsets, steps = [], [], []
    for number, shard in enumerate(entry["shards"]):
        found = _read_shard(Path(records_dir) / shard["name"])
        if len(found) != shard["pieces"]:
            path = Path(records_dir) / shard["name"]
            raise UserError(f"{path} must hold {shard['pieces']} pieces. Received: pieces={len(found)}")
        shards.append(np.full(len(found), number, np.int32))
        offsets.append(found[:, 0])
        steps.append(found[:, 1].astype(np.int32))
    nothing = np.empty(0, np.int64)
    return ShardIndex(
        _names(entry),
        np.concatenate([nothing.astype(np.int32), *shards]),
        np.concatenate([nothing, *offsets]),
        np.concatenate([nothing.astype(np.int32), *steps]),
    )


def _read_shard(path: Path) -> np.ndarray:
    """Offset and steps of each record of a shard, int64 [pieces, 2]."""
    found: list[tuple[int, int]] = []
    offset = 0
    with path.open("rb") as file:
        for record in read_records(file):
            try:
                if isinstance(record, DamagedRecordError):
                    raise record
                steps = decode_example(record).get("steps")
                if not isinstance(steps, int) or not 0 <= steps < 1 << 31:
                    raise ValueError(f"record {len(found)}: it has no number of steps")
            except ValueError as error:
                raise UserError(f"{path} is damaged ({error}); {REBUILD}") from error
            found.append((offset, steps))
            offset += HEADER_BYTES + len(record) + FOOTER_BYTES
    return np.array(found, np.int64).reshape(-1, 2)
