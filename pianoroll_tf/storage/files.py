"""Files that appear whole (a temporary name, to the disk itself, renamed), and what one process at a time may do."""

import contextlib
import os
import re
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from pianoroll_tf.storage.locks import lock

_NAME_BYTES = 200  # of the target, that a temporary name begins with; a name has 255 at most
_TEMPORARY = re.compile(r"\.(.*)\.[0-9a-f]{16}\.tmp", re.DOTALL)


def write_whole(path: Path, content: bytes) -> None:
    """Writes a file so that its name never stands for a part of it, also when the power goes.

    What killed processes have left of the same file under temporary names is removed.

    Args:
        path: The file; its folder must exist.
        content: All of it.

    Raises:
        OSError: The disk is full or the folder cannot be written; it names `path`, which is as it was, and nothing is
            left under a temporary name.
    """
    with naming(path):
        _remove(path.parent, _beginning(path))
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
    """`write_whole`, unless the file has this very content already: then it keeps its time too."""
    with contextlib.suppress(OSError):
        if path.read_bytes() == content:
            return
    write_whole(path, content)


def remove_temporaries(folder: Path) -> None:
    """Removes what `write_whole` has left in a folder when the process was killed within it; not what is in use."""
    _remove(folder, None)


def flush(file: BinaryIO) -> None:
    """Has on disk what was written to an open file."""
    file.flush()
    os.fsync(file.fileno())


def sync(path: Path) -> None:
    """Has a closed file, or the names in a folder, on disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def naming(path: Path) -> Iterator[None]:
    """Within it, an OSError names `path`; a write to an open file fails without a name.

    >>> with naming(Path("a.mid")):
    ...     raise OSError(28, "No space left on device")
    Traceback (most recent call last):
    OSError: [Errno 28] No space left on device: 'a.mid'
    """
    try:
        yield
    except OSError as error:
        raise OSError(error.errno, error.strerror or str(error), str(path)) from error


def _beginning(path: Path) -> str:
    """What the temporary names of a file begin with, after the dot."""
    return os.fsdecode(os.fsencode(path.name)[:_NAME_BYTES])


def _open_temporary(path: Path) -> tuple[Path, BinaryIO]:
    """A new file beside `path`, locked for as long as it is open, so that no other process takes it for a leftover."""
    while True:
        temporary = path.with_name(f".{_beginning(path)}.{secrets.token_hex(8)}.tmp")
        file = temporary.open("xb")
        if lock(file) and temporary.exists():  # else another process took it for a leftover before it was locked
            return temporary, file
        file.close()


def _remove(folder: Path, beginning: str | None) -> None:
    """Removes the temporary files that no process holds: of one target, or all."""
    for path in folder.iterdir():
        found = _TEMPORARY.fullmatch(path.name)
        if not found or beginning not in (None, found[1]):
            continue
        with contextlib.suppress(FileNotFoundError), path.open("rb") as file:
            if lock(file):
                path.unlink()
