"""Finds pieces that are the same music, as another version or performance of it, which must be in one split."""

import itertools
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np

from pianoroll_tf.data.journal import Journal
from pianoroll_tf.data.sketch import hashes_of, resemblance

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


def find_versions(journal: Journal) -> list[Version]:
    """Finds all usable files of a journal that are the same music as another one.

    Two files are if their rolls or fingerprints are equal or their sketches resemble each other, and also if a third
    file links them. The fingerprint of the one with the fewest notes outside the range decides, of these the smallest.
    So the order of files does not matter; but a version that is added later may move the others to its own split.
    """
    columns = "path, content, music, notes_outside_range, sketch"
    rows = list(journal.rows(columns, "record IS NOT NULL AND reason = ''", "content, sha256, path"))
    groups = _Groups(len(rows))
    distinct: list[int] = []
    seen: dict[str, int] = {}
    for index, (_, content, music, _, _) in enumerate(rows):
        for key in (f"roll {content}", f"music {music}"):
            groups.join(index, seen.setdefault(key, index))
        if groups.root(index) == index:
            distinct.append(index)
    texts = [rows[index][4] for index in distinct]
    for one, other in _candidates([hashes_of(text) for text in texts]):
        if resemblance(texts[one], texts[other]) >= MIN_RESEMBLANCE:
            groups.join(distinct[one], distinct[other])
    found = []
    for members in groups.of_several():
        chosen = min(members, key=lambda index: (rows[index][3], rows[index][2], rows[index][0]))
        kept = seen[f"roll {rows[chosen][1]}"]
        found += [Version(rows[index][0], rows[chosen][2], rows[kept][0]) for index in members]
    return found


def _candidates(sketches: list[np.ndarray]) -> Iterator[tuple[int, int]]:
    """Pairs of pieces that have several of their smallest hashes in common, each once."""
    parts = [sketch[:INDEXED] for sketch in sketches]
    hashes = np.concatenate([np.zeros(0, np.uint32), *parts])
    pieces = np.repeat(np.arange(len(parts)), [len(part) for part in parts])
    order = np.argsort(hashes, kind="stable")
    hashes, pieces = hashes[order], pieces[order]
    begins = np.flatnonzero(np.diff(hashes, prepend=-1 if len(hashes) else 0) != 0)
    sizes = np.repeat(np.diff(begins, append=len(hashes)), np.diff(begins, append=len(hashes)))
    pairs = []
    for distance in range(1, ALL_PAIRS):
        same = hashes[distance:] == hashes[:-distance]
        if distance > 1:
            same &= sizes[distance:] <= ALL_PAIRS
        pairs.append(pieces[:-distance][same] * len(parts) + pieces[distance:][same])
    codes, counts = np.unique(np.concatenate(pairs), return_counts=True)
    for code in codes[counts >= MIN_COMMON].tolist():
        yield divmod(code, len(parts))


class _Groups:
    """A union-find structure over 0 … number - 1, in which the smallest member of a group is its root."""

    def __init__(self, number: int) -> None:
        self._parent = list(range(number))

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
