"""A text file of paths as input, one per line, relative to the folder of the text file."""

import fnmatch
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from pianoroll_tf.data.discover import A_LINK, ALLOWED, FoundFile, nothing_found, printable, stamp, unique
from pianoroll_tf.errors import UserError

MAX_BYTES = 1 << 30  # of the text file


class PathList:
    """A list of paths as input; see `data.inputs.Input`. The files may have any ending, unless `include` is given."""

    def __init__(self, path: Path, include: str | None = None, follow_links: bool = False) -> None:
        self.path, self._follow_links = path, follow_links
        seen: dict[str, int] = {}
        self._places = {unique(line, seen): path.parent / line for line in _lines(path) if _wanted(line, include)}
        if not self._places:
            raise nothing_found(path, include)

    def found(self) -> Iterator[FoundFile]:
        """Looks at the files anew each time."""
        return (FoundFile(path, self._reason(self._places[path])) for path in sorted(self._places))

    def _reason(self, place: Path) -> str:
        try:
            if place.is_symlink() and not self._follow_links:
                return A_LINK
            if not place.exists():
                return "no such file"
            return "" if place.is_file() else "not a regular file"
        except OSError as error:
            return f"unreadable: {error.strerror}"

    def stamp(self, path: str) -> str:
        """See `discover.stamp`."""
        return stamp(self._places[path])

    def sources(self, paths: Iterable[str]) -> Iterator[tuple[str, str]]:
        """Yields each path with the path that a reader process opens, which follows no links itself."""
        for path in paths:
            yield path, os.path.realpath(self._places[path])


def _lines(path: Path) -> Iterator[str]:
    """The lines that are not empty; names that are not UTF-8 are decoded as the system does."""
    if path.stat().st_size > MAX_BYTES:
        raise UserError(
            f"a text file of paths must have at most {MAX_BYTES >> 20} MiB. Received: {printable(str(path))}"
        )
    data = path.read_bytes().removeprefix(b"\xef\xbb\xbf")
    if b"\0" in data:
        raise UserError(f"INPUT must be {ALLOWED}. Received: {printable(str(path))} (not a text file)")
    for line in data.splitlines():
        if line.strip():
            yield os.fsdecode(line).removeprefix("./")


def _wanted(path: str, include: str | None) -> bool:
    return include is None or fnmatch.fnmatchcase(path.rpartition("/")[2], include)
