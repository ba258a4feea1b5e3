"""Paths that TensorFlow understands: it takes the name of a SavedModel for a pattern, and only as UTF-8."""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path


def is_plain(path: Path) -> bool:
    r"""Whether TensorFlow finds a SavedModel at this path.

    >>> is_plain(Path("models/a b")), is_plain(Path("models/a [b]")), is_plain(Path("models/\udcff"))
    (True, False, False)
    """
    name = os.fspath(path)
    signs = "*?[]" if os.sep == "\\" else "*?[]\\"
    return not any(char in signs or "\ud800" <= char <= "\udfff" for char in name)


@contextlib.contextmanager
def plain_path(folder: Path) -> Iterator[Path]:
    """Yields a path of an existing folder that TensorFlow understands: its own, or that of a temporary link to it.

    Where links are not allowed, as on Windows without the right to create them, it is that of a copy, to be read only.
    """
    if is_plain(folder):
        yield folder
        return
    with tempfile.TemporaryDirectory() as scratch:
        link = Path(scratch) / "model"
        try:
            link.symlink_to(folder.absolute(), target_is_directory=True)
        except OSError:
            shutil.copytree(folder, link)
        yield link
