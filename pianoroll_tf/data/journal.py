"""The cache of a build: an SQLite file with one row per MIDI file, from which an interrupted build resumes."""

import dataclasses
import hashlib
import json
import os
import sqlite3
import weakref
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from pianoroll_tf.data.conversion import Piece
from pianoroll_tf.data.records import PieceRecord, encode_piece

_FACTS = tuple(field.name for field in dataclasses.fields(Piece))
_TABLES = f"""
CREATE TABLE about (settings TEXT NOT NULL);
CREATE TABLE files (
    path BLOB PRIMARY KEY, stamp TEXT NOT NULL,
    split TEXT NOT NULL DEFAULT '', family TEXT NOT NULL DEFAULT '', version_of BLOB NOT NULL DEFAULT x'',
    {", ".join(_FACTS)}, checksum BLOB NOT NULL
);
CREATE INDEX by_content ON files (content, sha256, path);
CREATE INDEX by_split ON files (split, sha256);
CREATE INDEX by_sha256 ON files (sha256);
CREATE INDEX by_music ON files (music);
CREATE INDEX by_family ON files (family);
"""
_COLUMNS = ("path", "stamp", *_FACTS)  # of a row, which its checksum covers
_MISSING = """
SELECT path, stamp, reason FROM now
WHERE path > ? AND NOT EXISTS (SELECT 1 FROM files WHERE files.path = now.path) ORDER BY path LIMIT ?
"""
ROWS_PER_QUERY = 1000  # paths held in memory
ROWS_PER_COMMIT = 64  # the number of files that a killed build has to read again at most


class Journal:
    """What a build has read so far, on disk, so that the process needs no memory for it.

    A file that is damaged, or made with other `settings`, all that affect a conversion, is replaced by an empty one.
    """

    def __init__(self, path: Path, settings: dict) -> None:
        self._path, self._pending = path, 0
        self._settings = json.dumps(settings | {"tables": _TABLES}, sort_keys=True)
        self.database = self._open() or self._create()
        self._cursors: weakref.WeakSet[sqlite3.Cursor] = weakref.WeakSet()
        # The system's cache outlives the process. After a power failure the checksums detect what was lost.
        self.database.execute("PRAGMA synchronous = OFF")

    def _open(self) -> sqlite3.Connection | None:
        """The journal of an earlier build, if it is undamaged and of the same settings."""
        if not self._path.exists():
            return None
        database = sqlite3.connect(self._path)
        try:
            intact = database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            about = database.execute("SELECT settings FROM about").fetchall() if intact else []
            if about == [(self._settings,)] and _checksums_match(database):
                return database
        except (sqlite3.DatabaseError, UnicodeDecodeError):  # damaged text is not valid UTF-8
            pass
        database.close()
        return None

    def _create(self) -> sqlite3.Connection:
        for path in self._path.parent.glob(self._path.name + "*"):
            path.unlink()
        database = sqlite3.connect(self._path)
        database.executescript(_TABLES)
        database.execute("INSERT INTO about VALUES (?)", (self._settings,))
        database.commit()
        return database

    def keep_only(self, files: Iterable[tuple[str, str, str]]) -> int:
        """Deletes the rows of files that are not among these or have changed, and undoes the choice of pieces.

        The files, all those of this build, are (path, `stamp`, reason to skip it or ""). Returns their number.
        """
        rows = ((os.fsencode(path), *facts) for path, *facts in files)
        self.database.execute("DROP TABLE IF EXISTS temp.now")
        self.database.execute("CREATE TEMP TABLE now (path BLOB PRIMARY KEY, stamp TEXT, reason TEXT)")
        inserted = self.database.executemany("INSERT INTO now VALUES (?, ?, ?)", rows).rowcount
        self.database.execute("DELETE FROM files WHERE (path, stamp) NOT IN (SELECT path, stamp FROM now)")
        self.database.execute("UPDATE files SET split = '', family = '', version_of = x''")
        self.database.execute("UPDATE files SET reason = '' WHERE record IS NOT NULL")
        self.commit()
        return inserted

    def missing(self) -> Iterator[tuple[str, str, str]]:
        """The files given to `keep_only` that have no row, by path; rows may be added meanwhile."""
        last = b""
        while rows := self.database.execute(_MISSING, (last, ROWS_PER_QUERY)).fetchall():
            yield from ((os.fsdecode(path), *facts) for path, *facts in rows)
            last = rows[-1][0]

    def count(self, where: str = "1", what: str = "*", function: str = "count") -> int:
        """The number of rows, or another SQL aggregate over them, which is 0 if there are none."""
        return self.database.execute(f"SELECT {function}({what}) FROM files WHERE {where}").fetchone()[0] or 0

    def stamp(self, path: str) -> str:
        """The stamp of one of the files given to `keep_only`."""
        return self.database.execute("SELECT stamp FROM now WHERE path = ?", (os.fsencode(path),)).fetchone()[0]

    def add(self, path: str, stamp: str, piece: Piece, place: bytes | None = None) -> None:
        """Adds the row of a file; `place` is kept instead of the record, where that is stored elsewhere."""
        facts = {name: _as_column(getattr(piece, name)) for name in _FACTS}
        facts["record"] = place or facts["record"]
        row = (os.fsencode(path), stamp, *facts.values())
        columns, places = ", ".join((*_COLUMNS, "checksum")), ", ".join("?" * (len(row) + 1))
        self.database.execute(f"INSERT INTO files ({columns}) VALUES ({places})", (*row, _row_checksum(row)))
        self._pending += 1
        if self._pending >= ROWS_PER_COMMIT:
            self.commit()

    def commit(self) -> None:
        """Writes the added rows to the file, so that they outlive the process."""
        self.database.commit()
        self._pending = 0

    def rows(self, columns: str, where: str = "1", order: str = "path") -> Iterator[tuple]:
        """Rows of the table, one at a time; paths are bytes."""
        cursor = self.database.execute(f"SELECT {columns} FROM files WHERE {where} ORDER BY {order}")
        self._cursors.add(cursor)
        return iter(cursor)

    def close(self) -> None:
        """Closes the file and all iterators over its rows, which would keep it locked."""
        for cursor in self._cursors:
            cursor.close()
        self.database.close()


def _as_column(value: Any) -> Any:
    """A fact as SQLite stores it."""
    if isinstance(value, PieceRecord):
        return encode_piece(value)
    if isinstance(value, bool):
        return int(value)
    return json.dumps(value) if isinstance(value, tuple) else value


def _row_checksum(row: tuple) -> bytes:
    """The sha256 of a row as it was added; SQLite itself does not detect a flipped bit within a value."""
    digest = hashlib.sha256()
    for value in row:
        data = value if isinstance(value, bytes) else repr(value).encode()
        digest.update(len(data).to_bytes(8, "little") + data)
    return digest.digest()


def _checksums_match(database: sqlite3.Connection) -> bool:
    """Whether every row is as it was added, except for the choice of pieces, which is made again."""
    added = ("CASE WHEN record IS NULL THEN reason ELSE '' END" if name == "reason" else name for name in _COLUMNS)
    rows = database.execute(f"SELECT checksum, {', '.join(added)} FROM files")
    return all(checksum == _row_checksum(row) for checksum, *row in rows)
