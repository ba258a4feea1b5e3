"""Locks that one process at a time can hold, by flock(2)."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO


def lock(file: BinaryIO | int, wait: bool = False) -> bool:
    """Locks an open file until it is closed; False if another process holds the lock, unless it waits for it."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        return False
    return True


@contextlib.contextmanager
def exclusive_lock(path: Path, refusal: Exception | None = None, *, is_folder: bool = False) -> Iterator[None]:
    """Holds an exclusive lock on a file; released when the process ends.

    Args:
        path: The file, which is created if it does not exist.
        refusal: Raised if another process holds the lock; None: wait until it is free.
        is_folder: Lock a folder, which is created with its parents if it does not exist.
    """
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
