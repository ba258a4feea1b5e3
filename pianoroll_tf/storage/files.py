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
_TEMPORARY = re.compile(r"\.(.*)\.[0-9a-f]{16}\.tmp", re.DOTALL)


def write_whole(path: Path, content: bytes) -> None:
    """Writes a file whole or not at all, even if the power fails.

    Temporary files that killed processes have left for the same file are removed.

    Args:
        path: The file; its folder must exist.
        content: The whole content.

    Raises:
        OSError: The disk is full or the folder cannot be written. The error names `path`, which is unchanged, and no
            temporary file is left.
    """
    with naming(path):
        _remove(path.parent, _prefix(path))
        temporary, file = _open_temporary(path)
        try:
            with file:
                file.write(content)
                flush(file)
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


def remove_temporaries(folder: Path) -> None:
    """Removes temporary files that killed processes have left in a folder, but none that is in use."""
    _remove(folder, None)


def flush(file: BinaryIO) -> None:
    """Flushes what was written to an open file to disk."""
    file.flush()
    os.fsync(file.fileno())


def sync(path: Path) -> None:
    """Flushes a closed file, or the names in a folder, to disk."""
    descriptor = os.open(path, os.O_RDONLY)
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


def _prefix(path: Path) -> str:
    """What the names of a file's temporary files begin with, after the dot."""
    return os.fsdecode(os.fsencode(path.name)[:_NAME_BYTES])


def _open_temporary(path: Path) -> tuple[Path, BinaryIO]:
    """Opens a new file beside `path`, locked while it is open so that no other process removes it."""
    while True:
        temporary = path.with_name(f".{_prefix(path)}.{secrets.token_hex(8)}.tmp")
        file = temporary.open("xb")
        if lock(file) and temporary.exists():  # else another process has removed it before it was locked
            return temporary, file
        file.close()


def _remove(folder: Path, prefix: str | None) -> None:
    """Removes temporary files that no process has locked: those of one target, or all."""
    for path in folder.iterdir():
        found = _TEMPORARY.fullmatch(path.name)
        if not found or prefix not in (None, found[1]):
            continue
        with contextlib.suppress(FileNotFoundError), path.open("rb") as file:
            if lock(file):
                path.unlink()
