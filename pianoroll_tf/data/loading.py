"""Loads a whole split into memory, with standard tf.data and tf.io operations."""

import dataclasses
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import tensorflow as tf

from pianoroll_tf.config import NUM_PITCHES, RecordsConfig
from pianoroll_tf.data.clock import clock_codes
from pianoroll_tf.data.records import check_shards, decode_meters, read_manifest, resolved
from pianoroll_tf.data.roll import STRUCK_BIT
from pianoroll_tf.errors import UserError

_FEATURES = {name: tf.io.FixedLenFeature([], tf.string) for name in ("counts", "cells", "meter_steps", "meters")}
_PIECES_PER_BATCH = 256  # parsed by one operation


@dataclasses.dataclass(frozen=True)
class Corpus:
    """The pieces of a split, one after the other, sparse: one byte per step and one per sounding cell."""

    counts: np.ndarray  # uint8 [all steps], how many pitches sound at each step
    cells: np.ndarray  # uint8 [all cells], their columns, step after step; 128 is added if the note is struck
    piece_offsets: np.ndarray  # int64 [pieces + 1]; piece i has the steps from piece_offsets[i] to piece_offsets[i + 1]
    clock: np.ndarray  # uint16 [all steps], code of each step (`data.clock`); 0 on the grid of seconds

    @property
    def piece_steps(self) -> np.ndarray:
        """int64 [pieces], steps of each piece."""
        return np.diff(self.piece_offsets)

    @property
    def steps(self) -> int:
        """Steps of all pieces."""
        return len(self.counts)

    def parts(self) -> Iterator["Corpus"]:
        """The whole split, as one part; a `Stream` has several."""
        yield self


def join_pieces(counts: list[np.ndarray], cells: list[np.ndarray], clocks: list[np.ndarray] | None = None) -> Corpus:
    """Joins pieces, given by their parts of the arrays, to a corpus; the clocks are 0 by default.

    >>> one, two = np.array([1, 0], np.uint8), np.array([2], np.uint8)
    >>> join_pieces([one, two], [np.array([36], np.uint8), np.array([40, 43], np.uint8)]).piece_offsets.tolist()
    [0, 2, 3]
    """
    offsets = np.cumsum([0, *(len(piece) for piece in counts)], dtype=np.int64)
    nothing = [np.empty(0, np.uint8)]
    clock = np.zeros(offsets[-1], np.uint16) if clocks is None else np.concatenate([np.empty(0, np.uint16), *clocks])
    return Corpus(np.concatenate(nothing + counts), np.concatenate(nothing + cells), offsets, clock)


def load_corpus(records_dir: str | os.PathLike, split: str) -> Corpus:
    """Loads a split, "train", "val" or "test", and checks its records, as TensorFlow does not notice missing ones.

    Raises:
        UserError: The folder holds no records, or a shard, which is named, does not match the manifest.
    """
    entry = check_shards(records_dir, split)
    config = resolved(read_manifest(records_dir))
    parts: tuple[list[np.ndarray], ...] = ([], [], [])
    for shard in entry["shards"]:
        path, pieces = Path(records_dir) / shard["name"], 0
        try:
            for batch in _read_shard(path, config):
                pieces += len(batch[0])
                for part, more in zip(parts, batch, strict=True):
                    part += more
        except (tf.errors.OpError, ValueError) as error:
            reason = error.message.splitlines()[0] if isinstance(error, tf.errors.OpError) else error
            raise UserError(f"{path} is damaged ({reason}); build the records again") from error
        if pieces != shard["pieces"]:
            raise UserError(f"{path} must hold {shard['pieces']} pieces. Received: pieces={pieces}")
    return join_pieces(*parts)


def _read_shard(path: os.PathLike, config: RecordsConfig):
    """Yields (counts, cells, clocks), each a list of up to 256 pieces."""
    for serialized in tf.data.TFRecordDataset(os.fsencode(path)).batch(_PIECES_PER_BATCH):
        features = tf.io.parse_example(serialized, _FEATURES)
        counts, cells = (split_bytes(features[name]) for name in ("counts", "cells"))
        for piece_counts, piece_cells in zip(counts, cells, strict=True):
            if int(piece_counts.sum(dtype=np.int64)) != len(piece_cells):
                raise ValueError("the number of cells of a piece does not match its counts")
            if np.any(piece_cells % STRUCK_BIT >= NUM_PITCHES):
                raise ValueError(f"a cell is not within 0..{NUM_PITCHES - 1}")
        meters = zip(features["meter_steps"].numpy(), features["meters"].numpy(), strict=True)
        yield counts, cells, [_clock(*piece, len(steps), config) for piece, steps in zip(meters, counts, strict=True)]


def _clock(meter_steps: bytes, signatures: bytes, steps: int, config: RecordsConfig) -> np.ndarray:
    """The clock codes of a piece, uint16 [steps]."""
    meters = decode_meters(meter_steps, signatures)
    return np.zeros(steps, np.uint16) if config.grid == "seconds" else clock_codes(meters, steps, config.steps_per_beat)


def split_bytes(strings: tf.Tensor) -> list[np.ndarray]:
    """The bytes of each string, uint8 [bytes]."""
    joined = tf.io.decode_raw(tf.strings.reduce_join(strings), tf.uint8).numpy()
    return np.split(joined, np.cumsum(tf.strings.length(strings).numpy())[:-1])
