"""A folder that appears under its name whole or not at all, and the place beside it where it is made."""

import contextlib
import ctypes
import fcntl
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from pianoroll_tf.errors import UserError
from pianoroll_tf.storage.files import sync

_AT_FDCWD, _RENAME_EXCHANGE = -100, 2


@contextlib.contextmanager
def staging(target: Path) -> Iterator[Path]:
    """Locks `.NAME.partial` beside `target`, makes it if need be, and gives its path; it stays for the next attempt.

    Raises:
        UserError: Another process works on the same target.
    """
    place = place_of(target)
    while True:
        place.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(place, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is_same(place, descriptor):  # else another process has just finished and removed it
                yield place
                return
        except BlockingIOError as error:
            raise UserError(f"another build is making {target}; wait for it or end it") from error
        finally:
            os.close(descriptor)


def discard(target: Path) -> None:
    """Removes what a build that was killed after its last rename has left beside `target`."""
    if place_of(target).exists():
        with contextlib.suppress(OSError, UserError), staging(target) as place:
            shutil.rmtree(place)


def place_of(target: Path) -> Path:
    """Where a folder is made before it appears as `target`."""
    return target.parent / f".{target.name}.partial"


def _is_same(place: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(place.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def publish(whole: Path, target: Path) -> None:
    """Renames a finished folder to `target`; what stood there changes places with it, and is then at `whole`."""
    sync(whole)
    if target.exists() and not _exchange(whole, target):
        old = whole.with_name(whole.name + ".old")
        shutil.rmtree(old, ignore_errors=True)
        target.rename(old)
        whole.rename(target)
    elif not target.exists():
        whole.rename(target)
    sync(target.parent)


def _exchange(first: Path, second: Path) -> bool:
    """Lets two folders change names in one go, so that neither is ever missing; false where the system cannot."""
    if sys.platform != "linux":
        return False
    rename = getattr(ctypes.CDLL(None), "renameat2", None)
    names = (_AT_FDCWD, os.fsencode(first), _AT_FDCWD, os.fsencode(second))
    return rename is not None and rename(*names, _RENAME_EXCHANGE) == 0
