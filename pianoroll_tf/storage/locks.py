"""Locks that one process at a time can hold, by flock(2), or by a locked byte on Windows."""

import contextlib
import importlib
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

_LOCKED_BYTE = 1 << 30  # position in a file of the byte that Windows locks: beyond its end, so that all can be read
_RETRY_SECONDS = 0.1


def lock(file: BinaryIO | int, wait: bool = False) -> bool:
    """Locks an open file until it is closed; False if another process holds the lock, unless it waits for it."""
    try:
        import fcntl
    except ImportError:
        return _lock_byte(file if isinstance(file, int) else file.fileno(), wait)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        return False
    return True


def _lock_byte(descriptor: int, wait: bool) -> bool:
    """Like `lock`, with what Windows has."""
    msvcrt: Any = importlib.import_module("msvcrt")
    before = os.lseek(descriptor, 0, os.SEEK_CUR)
    os.lseek(descriptor, _LOCKED_BYTE, os.SEEK_SET)
    try:
        while True:
            with contextlib.suppress(OSError):
                msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
                return True
            if not wait:
                return False
            time.sleep(_RETRY_SECONDS)
    finally:
        os.lseek(descriptor, before, os.SEEK_SET)


@contextlib.contextmanager
def exclusive_lock(path: Path, refusal: Exception | None = None, *, is_folder: bool = False) -> Iterator[None]:
    """Holds an exclusive lock on a file; released when the process ends.

    Args:
        path: The file, which is created if it does not exist.
        refusal: Raised if another process holds the lock; None: wait until it is free.
        is_folder: Lock a folder, which is created with its parents if it does not exist. Where a folder cannot be
            opened, as on Windows, a file beside it is locked.
    """
    if is_folder and not hasattr(os, "O_DIRECTORY"):
        beside = path.with_name(f"{path.name}.lock")
        beside.parent.mkdir(parents=True, exist_ok=True)
        with exclusive_lock(beside, refusal):
            path.mkdir(exist_ok=True)
            yield
        with contextlib.suppress(OSError):  # another process has it open
            beside.unlink()
        return
    while True:
        if is_folder:
            path.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY if is_folder else os.O_RDWR | os.O_CREAT, 0o644)
        try:
            if not lock(descriptor, wait=refusal is None) and refusal is not None:
                raise refusal
            if _is_open_file(path, descriptor):  # otherwise the process that held the lock has removed the file
                yield
                return
        finally:
            os.close(descriptor)


def _is_open_file(path: Path, descriptor: int) -> bool:
    """Whether `path` is still the name of an open file."""
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False
