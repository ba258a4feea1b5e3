"""Plans the lanes of an evaluation: which windows each batch holds, so that every piece is read once, in order."""

import dataclasses
import heapq

import numpy as np

from pianoroll_tf.config import DatasetConfig
from pianoroll_tf.data.loading import Corpus

MAX_LANES = 64  # of an evaluation if the batch size is not set


@dataclasses.dataclass(frozen=True)
class Lanes:
    """Where each piece is read: from batch `first` on, in the lane `lane`, for `length` batches; int64 [pieces]."""

    count: int  # lanes
    batches: int
    lane: np.ndarray
    first: np.ndarray
    length: np.ndarray
    window_steps: int

    def pieces(self, begin: int, end: int) -> np.ndarray:
        """Numbers of the pieces of which a window is in the batches from `begin` to `end`, ascending."""
        return np.flatnonzero((self.first < end) & (self.first + self.length > begin))

    def windows(self, begin: int, end: int, pieces: np.ndarray, offsets: np.ndarray) -> dict[str, np.ndarray]:
        """The windows of the batches from `begin` to `end`.

        Args:
            begin: First batch.
            end: The batch after the last.
            pieces: From `pieces`.
            offsets: int64 [pieces + 1], the steps at which each of them begins and ends.

        Returns:
            `begin`, `start`, `end`, `last` (int64) and `reset` (bool), [batches, lanes] each; a lane without a piece
            has an empty window.
        """
        low = np.maximum(self.first[pieces], begin)
        high = np.minimum(self.first[pieces] + self.length[pieces], end)
        row = np.repeat(np.arange(len(pieces)), high - low)  # of `pieces`, for each window
        batch = np.arange(len(row)) - np.repeat(np.cumsum(high - low) - high, high - low)
        first, last = offsets[:-1][row], offsets[1:][row]
        start = first + (batch - self.first[pieces][row]) * self.window_steps
        values = {"begin": first, "start": start, "end": np.minimum(start + self.window_steps, last), "last": last}
        values["reset"] = start == first
        table = {name: np.full((end - begin, self.count), name == "reset", each.dtype) for name, each in values.items()}
        for name, each in values.items():
            table[name][batch - begin, self.lane[pieces][row]] = each
        return table


def assign_lanes(piece_steps: np.ndarray, config: DatasetConfig) -> Lanes:
    """Assigns pieces to lanes: the longest first, each to the lane that is free first."""
    length = -(-piece_steps // config.window_steps)  # windows
    longest = max(int(length.max(initial=0)), 1)
    count = int(np.clip(-(-length.sum() // longest), 1, config.batch_size or MAX_LANES))
    lane, first = np.zeros((2, len(length)), np.int64)
    free = [(0, number) for number in range(count)]  # (batch, lane), a heap
    for piece in np.argsort(-length, kind="stable"):
        first[piece], lane[piece] = free[0]
        heapq.heapreplace(free, (free[0][0] + int(length[piece]), free[0][1]))
    return Lanes(count, max(free)[0], lane, first, length, config.window_steps)


def plan_lanes(corpus: Corpus, config: DatasetConfig) -> dict[str, np.ndarray]:
    """Windows [batches, lanes] that hold every piece once: begin, start, end, last (int64) and reset (bool)."""
    lanes = assign_lanes(corpus.piece_steps, config)
    return lanes.windows(0, lanes.batches, np.arange(len(lanes.lane)), corpus.piece_offsets)
