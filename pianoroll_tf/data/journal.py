"""What a build has read so far, in a file that outlives a kill: one row a file, the record in it."""

import json
import os
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path

from pianoroll_tf.data.conversion import Piece

NUMBERS = ("notes", "notes_outside_range", "steps", "active_cells", "milliseconds", "tempo_ignored")
_TABLES = f"""
CREATE TABLE about (settings TEXT NOT NULL);
CREATE TABLE files (
    path BLOB PRIMARY KEY, stamp TEXT NOT NULL, split TEXT NOT NULL DEFAULT '',
    reason TEXT, sha256 TEXT, content TEXT, {" INTEGER, ".join(NUMBERS)} INTEGER, pitch_counts TEXT, record BLOB
);
CREATE INDEX by_content ON files (content, sha256, path);
CREATE INDEX by_split ON files (split, sha256);
CREATE INDEX by_sha256 ON files (sha256);
"""
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

    def _open(self) -> sqlite3.Connection | None:
        """The journal as an earlier build left it, if it is whole and of the same settings."""
        if not self._path.exists():
            return None
        database = sqlite3.connect(self._path)
        try:
            whole = database.execute("PRAGMA quick_check").fetchall() == [("ok",)]
            if whole and database.execute("SELECT settings FROM about").fetchall() == [(self._settings,)]:
                return database
        except sqlite3.DatabaseError:
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
        self.database.execute("CREATE TEMP TABLE now (path BLOB PRIMARY KEY, stamp TEXT)")
        self.database.executemany("INSERT INTO now VALUES (?, ?)", ((os.fsencode(path), mark) for path, mark in stamps))
        self.database.execute("DELETE FROM files WHERE (path, stamp) NOT IN (SELECT path, stamp FROM now)")
        self.database.execute("UPDATE files SET split = ''")
        self.database.execute("UPDATE files SET reason = '' WHERE record IS NOT NULL")
        self.database.execute("DROP TABLE now")
        self.commit()

    def __contains__(self, path: str) -> bool:
        return self.database.execute("SELECT 1 FROM files WHERE path = ?", (os.fsencode(path),)).fetchone() is not None

    def add(self, path: str, stamp: str, piece: Piece) -> None:
        """Remembers what became of a file."""
        names = ("reason", "sha256", "content", *NUMBERS)
        values = [getattr(piece, name) for name in names]
        columns = ", ".join(("path", "stamp", *names, "pitch_counts", "record"))
        row = [os.fsencode(path), stamp, *values, json.dumps(piece.pitch_counts), piece.record or None]
        self.database.execute(f"INSERT INTO files ({columns}) VALUES ({', '.join('?' * len(row))})", row)
        self._pending += 1
        if self._pending >= COMMIT_EVERY:
            self.commit()

    def commit(self) -> None:
        """Makes what was added outlive the process."""
        self.database.commit()
        self._pending = 0

    def rows(self, columns: str, where: str = "1", order: str = "path") -> Iterator[tuple]:
        """Rows of the table, one at a time; a path comes as bytes."""
        return iter(self.database.execute(f"SELECT {columns} FROM files WHERE {where} ORDER BY {order}"))

    def close(self) -> None:
        """Closes the file."""
        self.database.close()


def stamp(path: Path) -> str:
    """What tells that a file is still the same without reading it: size, time of change, inode; "" if none."""
    try:
        facts = path.lstat()
    except OSError:
        return ""
    return f"{facts.st_size} {facts.st_mtime_ns} {facts.st_ctime_ns} {facts.st_ino}"
