"""Writes files that appear whole: under a temporary name, flushed to disk, then renamed."""

import contextlib
import os
import re
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from pianoroll_tf.storage.locks import lock

_NAME_BYTES = 200  # of the target's name that a temporary name begins with; names have up to 255 bytes
_RENAMES_OPEN_FILES = os.name != "nt"  # Windows neither renames nor removes a file that is open
_TEMPORARY = re.compile(r"\.(.*)\.[0-9a-f]{16}\.tmp", re.DOTALL)


def write_whole(path: Path, content: bytes) -> None:
    """Writes a file whole or not at all, even if the power fails.

    Its folder must exist. Temporary files that killed processes have left for the same file are removed.

    Raises:
        OSError: The disk is full or the folder cannot be written. The error names `path`, which is unchanged, and no
            temporary file is left.
    """
    prefix = os.fsdecode(os.fsencode(path.name)[:_NAME_BYTES])  # of the names of its temporary files, after the dot
    with naming(path):
        remove_temporaries(path.parent, prefix)
        temporary, file = _open_temporary(path, prefix)
        try:
            with file:
                file.write(content)
                flush(file)
                if _RENAMES_OPEN_FILES:  # while it is locked
                    temporary.replace(path)
            if not _RENAMES_OPEN_FILES:
                temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        sync(path.parent)


def write_changed(path: Path, content: bytes) -> None:
    """Like `write_whole`, but leaves a file that has this content already untouched, with its modification time."""
    with contextlib.suppress(OSError):
        if path.read_bytes() == content:
            return
    write_whole(path, content)


def remove_temporaries(folder: Path, prefix: str | None = None) -> None:
    """Removes temporary files that killed processes have left in a folder, those of one target or all."""
    for path in folder.iterdir():
        found = _TEMPORARY.fullmatch(path.name)
        if not found or prefix not in (None, found[1]):
            continue
        with contextlib.suppress(FileNotFoundError):
            with path.open("rb") as file:
                abandoned = lock(file)  # no process is writing it
                if abandoned and _RENAMES_OPEN_FILES:
                    path.unlink()
            if abandoned and not _RENAMES_OPEN_FILES:
                path.unlink()


def flush(file: BinaryIO) -> None:
    """Flushes what was written to an open file to disk."""
    file.flush()
    os.fsync(file.fileno())


def sync(path: Path) -> None:
    """Flushes a closed file to disk, or the names in a folder where the system can open one; Windows cannot."""
    opens_folders = hasattr(os, "O_DIRECTORY")
    if path.is_dir() and not opens_folders:
        return
    descriptor = os.open(path, os.O_RDONLY if opens_folders else os.O_RDWR)  # Windows flushes only what can be written
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def naming(path: Path) -> Iterator[None]:
    """Adds `path` to an OSError of the block; the error of a write to an open file names none.

    >>> with naming(Path("a.mid")):
    ...     raise OSError(28, "No space left on device")
    Traceback (most recent call last):
    OSError: [Errno 28] No space left on device: 'a.mid'
    """
    try:
        yield
    except OSError as error:
        raise OSError(error.errno, error.strerror or str(error), str(path)) from error


def _open_temporary(path: Path, prefix: str) -> tuple[Path, BinaryIO]:
    """Opens a new file beside `path`, locked while it is open so that no other process removes it."""
    while True:
        temporary = path.with_name(f".{prefix}.{secrets.token_hex(8)}.tmp")
        file = temporary.open("xb")
        if lock(file) and temporary.exists():  # else another process has removed it before it was locked
            return temporary, file
        file.close()
