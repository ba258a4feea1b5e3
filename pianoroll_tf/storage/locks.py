"""What one process at a time may do."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def sole_process(lock: Path, refusal: Exception) -> Iterator[None]:
    """Within it no other process is within it for the same file, which is made when needed. It goes with the process.

    Args:
        lock: The file; its folder must exist.
        refusal: Raised if another process is there.
    """
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise refusal from error
        yield
    finally:
        os.close(descriptor)
