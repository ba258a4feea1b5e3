"""Folders that appear whole by a rename, and folders that one process at a time may use."""

import contextlib
import ctypes
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from pianoroll_tf.errors import InUseError, UserError
from pianoroll_tf.storage.files import sync
from pianoroll_tf.storage.locks import exclusive_lock

# Files that a file manager or a version control system leaves in any folder
SYSTEM_FILES = frozenset({".DS_Store", ".gitkeep", ".gitignore", "Thumbs.db", "desktop.ini"})
_LOCK = ".lock"  # file in a folder that one process at a time uses
_AT_FDCWD, _RENAME_EXCHANGE = -100, 2  # fcntl.h, linux/fs.h


def check_folder(folder: Path, kind: str, marker: str, *, allow_hidden: bool = True) -> bool:
    """Checks that a folder is of one kind, empty, or does not exist, so that nothing foreign is ever touched.

    Args:
        folder: The folder.
        kind: What it should be, for the message: "a run".
        marker: Name of the file that every folder of this kind has.
        allow_hidden: Whether a folder with nothing but hidden files counts as empty, as one with `SYSTEM_FILES` does.

    Returns:
        Whether it is of that kind.

    Raises:
        UserError: It is a file, or a folder that holds something else.
    """
    if not folder.exists():
        return False
    if not folder.is_dir():
        raise UserError(f"{folder} must be a folder, but it is a file")
    if (folder / marker).exists():
        return True
    names = [path.name for path in folder.iterdir() if path.name not in SYSTEM_FILES]
    others = [name for name in names if not (allow_hidden and name.startswith("."))]
    if others:
        raise UserError(f"{folder} must be {kind} or an empty folder: it has {min(others)} but no {marker}")
    return False


@contextlib.contextmanager
def exclusive_folder(folder: Path, kind: str, marker: str) -> Iterator[None]:
    """Creates a folder if needed, checks it by `check_folder`, and holds an exclusive lock on it.

    Raises:
        InUseError: Another process holds the lock.
        UserError: The folder holds something else.
    """
    check_folder(folder, kind, marker)
    folder.mkdir(parents=True, exist_ok=True)
    with exclusive_lock(folder / _LOCK, _in_use(folder)):
        yield


def _in_use(folder: Path) -> InUseError:
    return InUseError(f"{folder} is in use by another process; wait until it has finished, or stop it")


def partial_path(target: Path) -> Path:
    """Where a folder is written before it is renamed to `target`."""
    return target.with_name(f".{target.name}.partial")


@contextlib.contextmanager
def whole_folder(target: Path, partial: Path | None = None) -> Iterator[Path]:
    """Yields an empty folder, which is renamed to `target` when the block has ended without an error.

    Everything in it is flushed to disk first. An existing `target` is replaced; on Linux there is no moment without
    one, and its `SYSTEM_FILES` are kept. After an error `target` is unchanged. The caller sees to it that no other
    process does the same. The folder is `partial`, on the same file system; by default `partial_path(target)`.
    """
    partial = partial or partial_path(target)
    shutil.rmtree(partial, ignore_errors=True)  # left behind by a killed process
    partial.mkdir(parents=True)
    try:
        yield partial
        for name in SYSTEM_FILES:
            if (target / name).is_file() and not (partial / name).exists():
                shutil.copy(target / name, partial / name)
        for path in [*partial.rglob("*"), partial]:
            sync(path)
        replace_folder(partial, target)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def replace_folder(source: Path, target: Path) -> None:
    """Renames a folder to `target`; an older `target` is removed, or has the name `source` afterwards."""
    if not target.exists():
        source.rename(target)
    elif not _exchange(source, target):
        old = source.with_name(f"{source.name}.old")
        shutil.rmtree(old, ignore_errors=True)
        target.rename(old)
        source.rename(target)
        shutil.rmtree(old)
    sync(target.parent)


def _exchange(first: Path, second: Path) -> bool:
    """Exchanges the names of two folders in one step, so that neither is ever missing; False if the system cannot."""
    if sys.platform != "linux":
        return False
    rename = getattr(ctypes.CDLL(None), "renameat2", None)
    names = (_AT_FDCWD, os.fsencode(first), _AT_FDCWD, os.fsencode(second))
    return rename is not None and rename(*names, _RENAME_EXCHANGE) == 0


@contextlib.contextmanager
def work_folder(target: Path) -> Iterator[Path]:
    """Locks and yields `partial_path(target)`, created if needed, which is kept until the caller removes it.

    What an interrupted process has left there is what the next one resumes from.

    Raises:
        InUseError: Another process holds the lock.
    """
    partial = partial_path(target)
    with exclusive_lock(partial, _in_use(target), is_folder=True):
        yield partial


def remove_work_folder(target: Path) -> None:
    """Removes what a process that was killed after its last rename has left beside `target`."""
    if partial_path(target).exists():
        with contextlib.suppress(OSError, InUseError), work_folder(target) as partial:
            shutil.rmtree(partial)
