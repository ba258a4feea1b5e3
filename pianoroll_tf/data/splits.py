"""Chooses the pieces of a journal: skips duplicates, and assigns the others to splits by their music alone.

All versions of the same music are in one split, that of the fingerprint of one of them: their `family`.
"""

import os
import sqlite3
from collections.abc import Mapping

from pianoroll_tf.config import RecordsConfig
from pianoroll_tf.data.discover import printable
from pianoroll_tf.data.journal import Journal
from pianoroll_tf.data.near_duplicates import find_versions
from pianoroll_tf.data.records import SPLITS
from pianoroll_tf.errors import UserError

MIN_PIECES = 3  # with fewer pieces all of them are used for training
FEW_PIECES = 10  # with fewer pieces a split may be a single piece
MIN_SPLIT_PIECES = 2
UNASSIGNED = "in no split that was given"


def choose(journal: Journal, config: RecordsConfig, given: Mapping[str, str] | None = None) -> None:
    """Skips duplicates, and assigns the other pieces to splits.

    Files are duplicates if their rolls are equal. The one with the smallest sha256 is kept, so neither names nor order
    matter.

    Args:
        journal: One row per file.
        config: Settings of the records.
        given: Path of a file → its split (see `data.given_splits`); other files are skipped. None: by fingerprint.

    Raises:
        UserError: A piece is in two of the given splits, or none is in the training split.
    """
    if given is not None:
        _assign_given(journal, given)
    _find_families(journal)
    duplicates, first, kept = [], "", b""
    for path, content in journal.rows("path, content", "reason = ''", "content, sha256, path"):
        if content == first:
            duplicates.append((f"duplicate: same roll as {printable(os.fsdecode(kept))}", path))
        else:
            first, kept = content, path
    journal.database.executemany("UPDATE files SET reason = ?, split = '' WHERE path = ?", duplicates)
    if given is None:
        _assign_splits(journal, config)
    journal.commit()


def _find_families(journal: Journal) -> None:
    """Sets for each piece the fingerprint that decides its split, its own unless it is a version of other pieces."""
    database = journal.database
    database.execute("UPDATE files SET family = music WHERE reason = ''")
    versions = ((music, decided_by, path) for path, music, decided_by in find_versions(journal))
    database.executemany("UPDATE files SET family = ?, version_of = ? WHERE path = ?", versions)


def _assign_given(journal: Journal, given: Mapping[str, str]) -> None:
    """Assigns the pieces to the splits that the user has chosen."""
    database = journal.database
    splits = [(split, os.fsencode(path)) for path, split in given.items()]
    database.executemany("UPDATE files SET split = ? WHERE reason = '' AND path = ?", splits)
    database.execute("UPDATE files SET reason = ? WHERE reason = '' AND split = ''", (UNASSIGNED,))
    for same in ("music", "content"):
        _, names = divided_between_splits(database, same)
        if names:
            received = f"{names[0]} and {names[1]}, which are the same music"
            raise UserError(f"a piece must be in one split. Received: {received}")
    if not journal.count("split = 'train'"):
        raise UserError("the training split must hold a piece. Received: no file in train that can be used")


def _assign_splits(journal: Journal, config: RecordsConfig) -> None:
    """Assigns each piece to a split by its family alone, so that it stays there when others are added or removed.

    The only exception: a split with a share above 0 that would have fewer than `MIN_SPLIT_PIECES` pieces, or 1 if there
    are fewer than `FEW_PIECES` in all, gets those with the smallest fingerprints of the largest split.
    """
    database = journal.database
    database.create_function("split_by_hash", 1, lambda music: split_by_hash(music, config), deterministic=True)
    database.execute("UPDATE files SET split = split_by_hash(family) WHERE reason = ''")
    count = "SELECT count(DISTINCT family) FROM files WHERE split = ?"
    sizes = {split: database.execute(count, (split,)).fetchone()[0] for split in SPLITS}
    pieces = sum(sizes.values())
    if pieces < MIN_PIECES:
        database.execute("UPDATE files SET split = 'train' WHERE reason = ''")
        return
    for split in SPLITS:
        while sizes[split] < (MIN_SPLIT_PIECES if pieces >= FEW_PIECES else 1):
            if split != "train" and not getattr(config, split):
                break
            largest = max(SPLITS, key=lambda name: sizes[name])
            family = database.execute("SELECT min(family) FROM files WHERE split = ?", (largest,)).fetchone()
            database.execute("UPDATE files SET split = ? WHERE reason = '' AND family = ?", (split, *family))
            sizes[largest], sizes[split] = sizes[largest] - 1, sizes[split] + 1


def split_by_hash(digest: str, config: RecordsConfig) -> str:
    """The split by the place of a hex digest in [0, 1), which its first 64 bits are.

    >>> [split_by_hash(digest + "00" * 31, RecordsConfig(val=0.1, test=0.4)) for digest in ("19", "1a", "7f", "80")]
    ['val', 'test', 'test', 'train']
    """
    place = int(digest[:16], 16) / 2**64
    if place < config.val:
        return "val"
    return "test" if place < config.val + config.test else "train"


def divided_between_splits(database: sqlite3.Connection, column: str) -> tuple[int, list[str]]:
    """How many values of a column files of several splits have, and an example: two files, or none."""
    divided = f"SELECT {column} FROM files WHERE split != '' GROUP BY {column} HAVING min(split) < max(split)"
    number = database.execute(f"SELECT count(*) FROM ({divided})").fetchone()[0]
    if not number:
        return 0, []
    first = database.execute(f"{divided} ORDER BY min(path) LIMIT 1").fetchone()
    each = f"SELECT min(path), split FROM files WHERE {column} = ? AND split != '' GROUP BY split ORDER BY split"
    found = database.execute(f"{each} LIMIT 2", first)
    return number, [f"{printable(os.fsdecode(path))} ({split})" for path, split in found]
