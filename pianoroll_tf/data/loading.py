"""A whole split in memory: records -> Corpus, with stock tf.data and tf.io operations."""

import dataclasses
import os
from pathlib import Path

import numpy as np
import tensorflow as tf

from pianoroll_tf.cli import UserError
from pianoroll_tf.config import NUM_PITCHES
from pianoroll_tf.data.records import check_shards
from pianoroll_tf.data.roll import STRUCK

_FEATURES = {name: tf.io.FixedLenFeature([], tf.string) for name in ("counts", "cells")}
_PIECES_AT_ONCE = 256  # records parsed by one operation


@dataclasses.dataclass(frozen=True)
class Corpus:
    """The pieces of a split, one after the other, sparse: one byte a step and one a sounding cell.

    Attributes:
        counts: uint8 [all steps], how many pitches sound at each step.
        cells: uint8 [all cells], their columns, step after step; 128 is added where the note was struck.
        piece_offsets: int64 [pieces + 1]; piece i has the steps piece_offsets[i] <= step < piece_offsets[i + 1].
    """

    counts: np.ndarray
    cells: np.ndarray
    piece_offsets: np.ndarray

    @property
    def piece_steps(self) -> np.ndarray:
        """int64 [pieces], steps of each piece."""
        return np.diff(self.piece_offsets)


def join_pieces(counts: list[np.ndarray], cells: list[np.ndarray]) -> Corpus:
    """A corpus of pieces given one by one.

    Args:
        counts: uint8 [steps] a piece.
        cells: uint8 [cells] a piece.

    >>> one, two = np.array([1, 0], np.uint8), np.array([2], np.uint8)
    >>> join_pieces([one, two], [np.array([36], np.uint8), np.array([40, 43], np.uint8)]).piece_offsets.tolist()
    [0, 2, 3]
    """
    offsets = np.cumsum([0, *(len(piece) for piece in counts)], dtype=np.int64)
    nothing = [np.empty(0, np.uint8)]
    return Corpus(np.concatenate(nothing + counts), np.concatenate(nothing + cells), offsets)


def load_corpus(records_dir: str | os.PathLike, split: str) -> Corpus:
    """Reads a split, and checks what TensorFlow's reader takes for a clean end: missing records, and lengths.

    Args:
        records_dir: Folder that build_records made.
        split: "train", "val" or "test".

    Raises:
        UserError: The folder holds no records, or a shard does not agree with the manifest; it is named.
    """
    entry = check_shards(records_dir, split)
    counts: list[np.ndarray] = []
    cells: list[np.ndarray] = []
    for shard in entry["shards"]:
        path, pieces = Path(records_dir) / shard["name"], 0
        try:
            for batch_counts, batch_cells in _read_shard(path):
                pieces += len(batch_counts)
                counts += batch_counts
                cells += batch_cells
        except tf.errors.OpError as error:
            raise UserError(f"{path} is damaged ({error.message.splitlines()[0]}); build the records again") from error
        except ValueError as error:
            raise UserError(f"{path} is damaged ({error}); build the records again") from error
        if pieces != shard["pieces"]:
            raise UserError(f"{path} must hold {shard['pieces']} pieces. Received: pieces={pieces}")
    return join_pieces(counts, cells)


def _read_shard(path: os.PathLike):
    """Yields (counts, cells) lists of some pieces at a time."""
    for serialized in tf.data.TFRecordDataset(os.fspath(path)).batch(_PIECES_AT_ONCE):
        features = tf.io.parse_example(serialized, _FEATURES)
        counts, cells = (_split_bytes(features[name]) for name in ("counts", "cells"))
        for piece_counts, piece_cells in zip(counts, cells, strict=True):
            if int(piece_counts.sum(dtype=np.int64)) != len(piece_cells):
                raise ValueError("the number of cells of a piece does not match its counts")
            if np.any(piece_cells % STRUCK >= NUM_PITCHES):
                raise ValueError(f"a cell is not within 0..{NUM_PITCHES - 1}")
        yield counts, cells


def _split_bytes(strings: tf.Tensor) -> list[np.ndarray]:
    """The bytes of each string, uint8."""
    joined = tf.io.decode_raw(tf.strings.reduce_join(strings), tf.uint8).numpy()
    return np.split(joined, np.cumsum(tf.strings.length(strings).numpy())[:-1])
