"""Which shards the chosen pieces of a journal make: those of each split sorted by sha256, in nearly equal numbers."""

from collections.abc import Iterator
from typing import NamedTuple

from pianoroll_tf.data.journal import Journal
from pianoroll_tf.data.records import SPLITS, shard_name


class PlannedShard(NamedTuple):
    """One shard: the next `pieces` pieces of its split, after those of the shards before it."""

    split: str
    name: str
    pieces: int


def plan_shards(journal: Journal, shards: int) -> Iterator[PlannedShard]:
    """Yields the shards of all splits in order, at most `shards` of each; the pieces have their splits."""
    for split in SPLITS:
        pieces = journal.count(f"split = '{split}'")
        number = min(shards, pieces)
        for index in range(number):
            count = pieces * (index + 1) // number - pieces * index // number
            yield PlannedShard(split, shard_name(split, index, number), count)
