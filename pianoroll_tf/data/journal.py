"""What a build has read so far, in a file that outlives a kill: one row a file, the record in it."""

import hashlib
import json
import os
import sqlite3
import weakref
from collections.abc import Iterable, Iterator
from pathlib import Path

from pianoroll_tf.data.conversion import Piece
from pianoroll_tf.data.records import encode_piece

NUMBERS = ("notes", "notes_outside_range", "steps", "active_cells", "milliseconds", "tempo_ignored")
COUNTS = ("pitch_counts", "hold_counts", "onset_places", "bar_recurrence")
_TABLES = f"""
CREATE TABLE about (settings TEXT NOT NULL);
CREATE TABLE files (
    path BLOB PRIMARY KEY, stamp TEXT NOT NULL, split TEXT NOT NULL DEFAULT '',
    reason TEXT, sha256 TEXT, content TEXT, music TEXT,
    {" INTEGER, ".join(NUMBERS)} INTEGER, {" TEXT, ".join(COUNTS)} TEXT,
    record BLOB,
    seal BLOB NOT NULL
);
CREATE INDEX by_content ON files (content, sha256, path);
CREATE INDEX by_split ON files (split, sha256);
CREATE INDEX by_sha256 ON files (sha256);
"""
# The columns that the checksum of a row covers
_COLUMNS = ("path", "stamp", "reason", "sha256", "content", "music", *NUMBERS, *COUNTS, "record")
_MISSING = """
SELECT path, stamp FROM now WHERE path > ? AND NOT EXISTS (SELECT 1 FROM files WHERE files.path = now.path)
ORDER BY path LIMIT ?
"""
AT_ONCE = 1000  # paths that are in memory
COMMIT_EVERY = 64  # rows; what a kill costs at most, and what makes a commit cheap


class Journal:
    """A build's memory on disk (SQLite), so that the process itself needs none.

    Args:
        path: The file; one that is damaged or of other settings is begun anew.
        settings: Everything that decides what a file becomes.
    """

    def __init__(self, path: Path, settings: dict) -> None:
        self._path, self._settings, self._pending = path, json.dumps(settings, sort_keys=True), 0
        self.database = self._open() or self._begin()
        self._reading: weakref.WeakSet[sqlite3.Cursor] = weakref.WeakSet()
        # The system's cache outlives the process. After a loss of power the seals tell what cannot be believed.
        self.database.execute("PRAGMA synchronous = OFF")

    def _open(self) -> sqlite3.Connection | None:
        """The journal as an earlier build left it, if it is whole and of the same settings."""
        if not self._path.exists():
            return None
        database = sqlite3.connect(self._path)
        try:
            whole = database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            about = database.execute("SELECT settings FROM about").fetchall() if whole else []
            if about == [(self._settings,)] and _sealed(database):
                return database
        except (sqlite3.DatabaseError, UnicodeDecodeError):  # a damaged text of a table is no UTF-8
            pass
        database.close()
        return None

    def _begin(self) -> sqlite3.Connection:
        for path in self._path.parent.glob(self._path.name + "*"):
            path.unlink()
        database = sqlite3.connect(self._path)
        database.executescript(_TABLES)
        database.execute("INSERT INTO about VALUES (?)", (self._settings,))
        database.commit()
        return database

    def keep_only(self, stamps: Iterable[tuple[str, str]]) -> None:
        """Drops the rows of files that are not among these or whose stamp has changed.

        Args:
            stamps: (path, stamp) of every file that is wanted; see `stamp`.
        """
        self.database.execute("DROP TABLE IF EXISTS temp.now")
        self.database.execute("CREATE TEMP TABLE now (path BLOB PRIMARY KEY, stamp TEXT)")
        self.database.executemany("INSERT INTO now VALUES (?, ?)", ((os.fsencode(path), mark) for path, mark in stamps))
        self.database.execute("DELETE FROM files WHERE (path, stamp) NOT IN (SELECT path, stamp FROM now)")
        self.database.execute("UPDATE files SET split = ''")
        self.database.execute("UPDATE files SET reason = '' WHERE record IS NOT NULL")
        self.commit()

    def missing(self) -> Iterator[tuple[str, str]]:
        """(path, stamp) of the files given to `keep_only` that have no row, by path; rows may be added meanwhile."""
        last = b""
        while rows := self.database.execute(_MISSING, (last, AT_ONCE)).fetchall():
            yield from ((os.fsdecode(path), stamp) for path, stamp in rows)
            last = rows[-1][0]

    def count(self, where: str = "1") -> int:
        """The number of rows."""
        return self.database.execute(f"SELECT count(*) FROM files WHERE {where}").fetchone()[0]

    def __contains__(self, path: str) -> bool:
        return self.database.execute("SELECT 1 FROM files WHERE path = ?", (os.fsencode(path),)).fetchone() is not None

    def add(self, path: str, stamp: str, piece: Piece) -> None:
        """Remembers what became of a file."""
        facts = (
            piece.reason,
            piece.sha256,
            piece.content,
            piece.music,
            *(int(getattr(piece, name)) for name in NUMBERS),
        )
        counts = (json.dumps(getattr(piece, name)) for name in COUNTS)
        row = (os.fsencode(path), stamp, *facts, *counts, encode_piece(piece.record) if piece.record else None)
        columns, places = ", ".join((*_COLUMNS, "seal")), ", ".join("?" * (len(row) + 1))
        self.database.execute(f"INSERT INTO files ({columns}) VALUES ({places})", (*row, _seal(row)))
        self._pending += 1
        if self._pending >= COMMIT_EVERY:
            self.commit()

    def commit(self) -> None:
        """Makes what was added outlive the process."""
        self.database.commit()
        self._pending = 0

    def rows(self, columns: str, where: str = "1", order: str = "path") -> Iterator[tuple]:
        """Rows of the table, one at a time; a path comes as bytes."""
        found = self.database.execute(f"SELECT {columns} FROM files WHERE {where} ORDER BY {order}")
        self._reading.add(found)
        return iter(found)

    def close(self) -> None:
        """Closes the file, also for who is in the middle of reading it: half a query would keep it locked."""
        for found in self._reading:
            found.close()
        self.database.close()


def _seal(row: tuple) -> bytes:
    """The sha256 of a row as it was added; SQLite itself does not notice a flipped bit within a value."""
    digest = hashlib.sha256()
    for value in row:
        data = value if isinstance(value, bytes) else repr(value).encode()
        digest.update(len(data).to_bytes(8, "little") + data)
    return digest.digest()


def _sealed(database: sqlite3.Connection) -> bool:
    """Whether every row is as it was added, but for the choice among pieces, which can be made again."""
    added = ("CASE WHEN record IS NULL THEN reason ELSE '' END" if name == "reason" else name for name in _COLUMNS)
    rows = database.execute(f"SELECT seal, {', '.join(added)} FROM files")
    return all(seal == _seal(row) for seal, *row in rows)


def stamp(path: Path) -> str:
    """What tells that a file is still the same without reading it: size, time of change, inode; "" if none."""
    try:
        facts = path.lstat()
    except OSError:
        return ""
    return f"{facts.st_size} {facts.st_mtime_ns} {facts.st_ctime_ns} {facts.st_ino}"
