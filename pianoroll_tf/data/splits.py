"""Chooses the pieces of a journal: skips duplicates, and assigns the others to splits by their music alone."""

import os

from pianoroll_tf.config import RecordsConfig
from pianoroll_tf.data.discover import printable
from pianoroll_tf.data.journal import Journal
from pianoroll_tf.data.records import SPLITS

MIN_PIECES = 3  # with fewer pieces all of them are used for training


def choose(journal: Journal, config: RecordsConfig) -> None:
    """Skips duplicates, and assigns the other pieces to splits.

    Files are duplicates if their rolls are equal. The one with the smallest sha256 is kept, so neither names nor order
    matter.
    """
    duplicates, first, kept = [], "", b""
    for path, content in journal.rows("path, content", "record IS NOT NULL", "content, sha256, path"):
        if content == first:
            duplicates.append((f"duplicate: same roll as {printable(os.fsdecode(kept))}", path))
        else:
            first, kept = content, path
    journal.database.executemany("UPDATE files SET reason = ? WHERE path = ?", duplicates)
    _assign_splits(journal, config)
    journal.commit()


def _assign_splits(journal: Journal, config: RecordsConfig) -> None:
    """Assigns each piece to a split by its fingerprint alone, so that it stays there when others are added or removed.

    The only exception: a split with a share above 0 that would be empty gets the piece with the smallest fingerprint of
    the largest split.
    """
    database = journal.database
    database.create_function("split_by_hash", 1, lambda music: split_by_hash(music, config), deterministic=True)
    database.execute("UPDATE files SET split = split_by_hash(music) WHERE reason = ''")
    count = "SELECT count(DISTINCT music) FROM files WHERE split = ?"
    sizes = {split: database.execute(count, (split,)).fetchone()[0] for split in SPLITS}
    if sum(sizes.values()) < MIN_PIECES:
        database.execute("UPDATE files SET split = 'train' WHERE reason = ''")
        return
    for split in SPLITS:
        if not sizes[split] and (split == "train" or getattr(config, split) > 0):
            largest = max(SPLITS, key=lambda name: sizes[name])
            music = database.execute("SELECT min(music) FROM files WHERE split = ?", (largest,)).fetchone()
            database.execute("UPDATE files SET split = ? WHERE reason = '' AND music = ?", (split, *music))
            sizes[largest], sizes[split] = sizes[largest] - 1, 1


def split_by_hash(digest: str, config: RecordsConfig) -> str:
    """The split by the place of a hex digest in [0, 1), which its first 64 bits are.

    >>> [split_by_hash(digest + "00" * 31, RecordsConfig(val=0.1, test=0.4)) for digest in ("19", "1a", "7f", "80")]
    ['val', 'test', 'test', 'train']
    """
    place = int(digest[:16], 16) / 2**64
    if place < config.val:
        return "val"
    return "test" if place < config.val + config.test else "train"
