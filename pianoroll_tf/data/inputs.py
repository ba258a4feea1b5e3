"""What records can be made of: a folder of MIDI files, an archive, or a text file of paths."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Protocol

from pianoroll_tf.data.archives import TAR_OPENERS, TarArchive, ZipArchive
from pianoroll_tf.data.discover import ALLOWED, Folder, FoundFile, printable
from pianoroll_tf.data.path_list import PathList
from pianoroll_tf.data.smf import MidiError
from pianoroll_tf.errors import UserError


class Input(Protocol):
    """Files to make records of, under paths with slashes that are relative to the folder, archive or list."""

    @property
    def path(self) -> Path | str:
        """Where it is."""
        ...

    def found(self) -> Iterator[FoundFile]:
        """Yields the files sorted by path, with the reasons to skip some; each path once."""
        ...

    def stamp(self, path: str) -> str:
        """A text that tells without reading a file whether it has changed."""
        ...

    def sources(self, paths: Iterable[str]) -> Iterator[tuple[str, str | bytes | MidiError]]:
        """Yields some of the files that were found without a reason, in any order.

        Each comes with the path that a reader opens, with its content, or with the error for which it cannot be read.
        """
        ...


def open_input(path: Path, include: str | None = None, follow_links: bool = False) -> Input:
    """Opens a folder, an archive or a list of paths, by its name.

    Args:
        path: Where it is.
        include: Case-sensitive glob on the names of files in it; default: the endings of MIDI files, in any case.
        follow_links: Whether to follow links in a folder or a list. Archives are never left.

    Raises:
        UserError: It is none of these, or has no file of such a name.
        OSError: It cannot be read.
    """
    name = path.name.lower()
    if path.is_dir() or not path.exists():
        return Folder(path, include, follow_links)
    if name.endswith(".zip"):
        return ZipArchive(path, include)
    if name.endswith(tuple(TAR_OPENERS)):
        return TarArchive(path, include)
    if name.endswith(".txt"):
        return PathList(path, include, follow_links)
    raise UserError(f"INPUT must be {ALLOWED}. Received: {printable(str(path))}")
