"""A split that stays on disk: its pieces are read when they are needed, by their number."""

import contextlib
import os
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from pianoroll_tf.config import NUM_PITCHES, RecordsConfig
from pianoroll_tf.data.clock import clock_codes
from pianoroll_tf.data.loading import Corpus, join_pieces
from pianoroll_tf.data.records import REBUILD, decode_meters, read_manifest, resolved
from pianoroll_tf.data.roll import STRUCK_BIT
from pianoroll_tf.data.shard_index import load_index
from pianoroll_tf.data.tfrecord import DamagedRecordError, decode_example, read_records
from pianoroll_tf.errors import UserError

BUFFER_STEPS = 1 << 21  # shuffled together: 16,384 windows of 128 steps, 67 MB as bits; up to three are in memory
_READ_BYTES = 1 << 17


class Stream:
    """A split on disk. In place of a `Corpus` where only parts of it are needed at a time.

    Args:
        records_dir: Folder of records.
        split: "train", "val" or "test".
        buffer_steps: About how many steps are read and shuffled together; default: `BUFFER_STEPS`.

    Raises:
        UserError: The folder holds no records, or a shard, which is named, does not match the manifest.
    """

    def __init__(self, records_dir: str | os.PathLike, split: str, buffer_steps: int | None = None) -> None:
        self.buffer_steps = buffer_steps or BUFFER_STEPS
        self.index = load_index(records_dir, split)
        self.failure: UserError | None = None  # the last one, as TensorFlow passes on no exception but its text
        self._folder = Path(records_dir)
        self._config = resolved(read_manifest(records_dir))

    @property
    def piece_steps(self) -> np.ndarray:
        """int64 [pieces], steps of each piece."""
        return self.index.steps.astype(np.int64)

    @property
    def steps(self) -> int:
        """Steps of all pieces."""
        return int(self.index.steps.sum(dtype=np.int64))

    def read(self, pieces: np.ndarray) -> Corpus:
        """Reads pieces, given by their numbers in ascending order; neighbours in a shard are read in one go.

        Raises:
            UserError: A record, whose shard is named, is damaged.
        """
        parts: tuple[list[np.ndarray], ...] = ([], [], [])
        shards = self.index.shard[pieces]
        for shard in np.unique(shards):
            chosen = pieces[shards == shard]
            path = self._folder / self.index.names[shard]
            try:
                with path.open("rb", buffering=_READ_BYTES) as file:
                    for piece in self._read_shard(file, chosen):
                        for part, more in zip(parts, piece, strict=True):
                            part.append(more)
            except (OSError, ValueError) as error:
                self.failure = UserError(f"{path} is damaged or cannot be read ({error}); {REBUILD}")
                raise self.failure from error
        return join_pieces(*parts)

    def _read_shard(self, file, pieces: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """Yields counts, cells and clock of pieces of one shard."""
        for run in np.split(pieces, np.flatnonzero(np.diff(pieces) != 1) + 1):
            file.seek(self.index.offset[run[0]])
            for piece, record in zip(run, islice(read_records(file), len(run)), strict=True):
                if isinstance(record, DamagedRecordError):
                    number = piece - np.searchsorted(self.index.shard, self.index.shard[piece])
                    raise ValueError(f"record {number}: {str(record).partition(': ')[2]}")
                yield decode_part(record, int(self.index.steps[piece]), self._config)

    def parts(self) -> Iterator[Corpus]:
        """The whole split in order, about `buffer_steps` at a time."""
        ends = np.cumsum(self.piece_steps)
        if len(ends):
            for part in np.split(np.arange(len(ends)), np.flatnonzero(np.diff(ends // self.buffer_steps)) + 1):
                yield self.read(part)


def decode_part(record: bytes, steps: int, config: RecordsConfig) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What a `Corpus` has of a piece: counts and cells, uint8, and its clock, uint16 [steps].

    Raises:
        ValueError: The record is not sound, or has another number of steps.
    """
    features: dict[str, Any] = decode_example(record)
    counts, cells = (np.frombuffer(features[name], np.uint8) for name in ("counts", "cells"))
    if len(counts) != steps or int(counts.sum(dtype=np.int64)) != len(cells):
        raise ValueError("the number of steps or cells of a piece does not match")
    if np.any(cells % STRUCK_BIT >= NUM_PITCHES):
        raise ValueError(f"a cell is not within 0..{NUM_PITCHES - 1}")
    meters = decode_meters(features["meter_steps"], features["meters"])
    if config.grid == "seconds":
        return counts, cells, np.zeros(steps, np.uint16)
    return counts, cells, clock_codes(meters, steps, config.steps_per_beat)


@contextlib.contextmanager
def reported_failures(*splits: Corpus | Stream) -> Iterator[None]:
    """Raises the UserError of a stream in place of TensorFlow's error about it.

    Raises:
        UserError: A record could not be read within the context.
    """
    try:
        yield
    except Exception as error:
        for split in splits:
            if isinstance(split, Stream) and split.failure is not None and not isinstance(error, UserError):
                raise split.failure from error
        raise
