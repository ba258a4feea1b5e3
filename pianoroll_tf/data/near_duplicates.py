"""Finds pieces that are the same music, as another version or performance of it, which must be in one split."""

import itertools
from array import array
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np

from pianoroll_tf.data.journal import Journal
from pianoroll_tf.data.sketch import resemblance

# Share of common passages from which pieces are the same music: with up to one chord in seven changed it is larger. In
# 410 works of Bach, versions of one setting share 0.28 to 1, and other settings of the same tune up to 0.15; unrelated
# pieces of the classical piano and pop sets share up to 0.02.
MIN_RESEMBLANCE = 0.25
INDEXED = 32  # hashes of each sketch by which candidates are found
MIN_COMMON = 2  # of these, for a pair to be a candidate
ALL_PAIRS = 16  # of a hash that more pieces have, only neighbours are candidates, so that the work stays linear


class Version(NamedTuple):
    """A file that is the same music as others; its split follows from the fingerprint of one of them."""

    path: bytes
    music: str  # the fingerprint that decides
    decided_by: bytes  # path of the file that has it, or of the duplicate of it that is kept


def find_versions(journal: Journal) -> Iterator[Version]:
    """Finds all usable files of a journal that are the same music as another one.

    Two files are if their rolls or fingerprints are equal or their sketches resemble each other, and also if a third
    file links them. The fingerprint of the one with the fewest notes outside the range decides, of these the smallest.
    So the order of files does not matter; but a version that is added later may move the others to its own split.
    """
    files = _Files(journal)
    groups = _Groups(len(files.rowid))
    for index, same in enumerate(zip(files.same_roll, files.same_music, strict=True)):
        for other in same:
            groups.join(index, int(other))
    of_hashes = np.repeat(range(len(groups)), files.hash_counts)
    for pair in _candidates(np.frombuffer(files.hashes, "<u4"), of_hashes):
        sketches = (files.fact("sketch", index) for index in pair)
        if groups.root(pair[0]) != groups.root(pair[1]) and resemblance(*sketches) >= MIN_RESEMBLANCE:
            groups.join(*pair)
    for members in groups.of_several():
        chosen = min(members, key=lambda index: (files.outside[index], files.music_rank[index], index))
        music, decided_by = files.fact("music", chosen), files.fact("path", files.same_roll[chosen])
        for index in members:
            yield Version(files.fact("path", index), music, decided_by)


class _Files:
    """What is needed of all usable files, some 200 bytes each; duplicates are in a row, first the one that is kept."""

    def __init__(self, journal: Journal) -> None:
        self._database = journal.database
        self.rowid, self.outside = array("q"), array("q")
        self.same_roll = array("q")  # index of the first file with the same roll
        self.hashes, self.hash_counts = bytearray(), array("q")  # the smallest hashes of each file but duplicates
        digests, roll = bytearray(), None
        columns = f"rowid, content, music, notes_outside_range, substr(sketch, 1, {8 * INDEXED})"
        for rowid, content, music, outside, sketch in journal.rows(columns, "reason = ''", "content, sha256, path"):
            duplicate = content == roll
            self.same_roll.append(self.same_roll[-1] if duplicate else len(self.rowid))
            self.rowid.append(rowid)
            self.outside.append(outside)
            hashes = b"" if duplicate else bytes.fromhex(sketch)
            self.hashes += hashes
            self.hash_counts.append(len(hashes) // 4)
            digests += bytes.fromhex(music).ljust(32, b"\0")
            roll = content
        _, first, self.music_rank = np.unique(np.frombuffer(digests, "S32"), return_index=True, return_inverse=True)
        self.same_music = first[self.music_rank]  # index of the first file with the same fingerprint

    def fact(self, name: str, index: int) -> Any:
        """A column of the journal."""
        query = f"SELECT {name} FROM files WHERE rowid = ?"
        return self._database.execute(query, (self.rowid[index],)).fetchone()[0]


def _candidates(hashes: np.ndarray, files: np.ndarray) -> Iterator[tuple[int, int]]:
    """Pairs of files that have several hashes in common, each once; `hashes` and `files` are in the same order."""
    order = np.argsort(hashes, kind="stable")
    hashes, files = hashes[order], files[order].astype(np.int64)
    _, sizes = np.unique(hashes, return_counts=True)
    sizes = np.repeat(sizes, sizes)  # of each hash, how many files have it
    pairs = []
    for distance in range(1, ALL_PAIRS):
        same = hashes[distance:] == hashes[:-distance]
        if distance > 1:
            same &= sizes[distance:] <= ALL_PAIRS
        pairs.append(files[:-distance][same] << 32 | files[distance:][same])
    codes, counts = np.unique(np.concatenate(pairs), return_counts=True)
    for code in codes[counts >= MIN_COMMON].tolist():
        yield code >> 32, code & 0xFFFFFFFF


class _Groups:
    """A union-find structure over 0 … number - 1, in which the smallest member of a group is its root."""

    def __init__(self, number: int) -> None:
        self._parent = array("q", range(number))

    def __len__(self) -> int:
        return len(self._parent)

    def root(self, member: int) -> int:
        while self._parent[member] != member:
            self._parent[member] = self._parent[self._parent[member]]
            member = self._parent[member]
        return member

    def join(self, one: int, other: int) -> None:
        one, other = sorted((self.root(one), self.root(other)))
        self._parent[other] = one

    def of_several(self) -> Iterable[list[int]]:
        """The groups with more than one member."""
        members = sorted(range(len(self._parent)), key=self.root)
        groups = (list(group) for _, group in itertools.groupby(members, key=self.root))
        return (group for group in groups if len(group) > 1)
