"""Finds the MIDI files of a folder: links are never followed, and whatever is left out is named with its reason."""

import dataclasses
import fnmatch
import os
from collections.abc import Iterator
from pathlib import Path

from pianoroll_tf.errors import UserError

SUFFIXES = (".mid", ".midi")


@dataclasses.dataclass(frozen=True, order=True, slots=True)
class Found:
    """Something under the folder that has a MIDI file's name, or a folder that is not entered.

    Attributes:
        path: Relative to the folder, with slashes, one at the end of a folder's; bytes that are not UTF-8 are lone
            surrogates (`os.fsdecode`).
        reason: Why it is not to be read; empty for a regular file.
    """

    path: str
    reason: str = ""


def readable(path: str) -> str:
    r"""A path as text that is valid UTF-8 and safe to print: other bytes and control characters are escaped.

    >>> print(readable(os.fsdecode(b"caf\xe9.mid")))
    caf\xe9.mid
    """
    text = os.fsencode(path).decode("utf-8", "backslashreplace")
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def find_files(folder: Path, include: str | None = None) -> Iterator[Found]:
    """All entries at any depth whose name is a MIDI file's, and folders that are left out, sorted by path.

    Args:
        folder: Where to look; may itself be a link.
        include: Case-sensitive glob on names; default: ends in .mid or .midi in any case.

    Returns:
        An iterator that remembers no more than the entries of the folders it is in.

    Raises:
        UserError: `folder` is no folder, or nothing in it has such a name.
        OSError: `folder` cannot be read.
    """
    if not folder.is_dir():
        raise UserError(f"MIDI_DIR must be a folder. Received: {readable(str(folder))}")
    os.scandir(folder).close()
    if not any(not found.path.endswith("/") for found in _walk(folder, include)):
        names = "that ends in .mid or .midi" if include is None else f"that matches --include {include!r}"
        raise UserError(f"{readable(str(folder))} holds no file {names}")
    return _walk(folder, include)


def _walk(root: Path, include: str | None) -> Iterator[Found]:
    """Depth first; as a folder's name ends with a slash, sorted by name within a folder is sorted by path."""
    waiting = [Found("/")]
    while waiting:
        found = waiting.pop()
        if found.reason or not found.path.endswith("/"):
            yield found
            continue
        folder = found.path.removeprefix("/")
        try:
            waiting += sorted(_entries(root, folder, include), reverse=True)
        except OSError as error:
            yield Found(folder, f"unreadable folder: {error.strerror}")


def _entries(root: Path, folder: str, include: str | None) -> Iterator[Found]:
    """What is in one folder; folders that are to be entered end with a slash and have no reason."""
    with os.scandir(root / folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                yield Found(f"{folder}{entry.name}/")
            elif entry.is_symlink() and os.path.isdir(entry.path):  # noqa: PTH112 (Path's can raise)
                yield Found(f"{folder}{entry.name}/", "a link to a folder")
            elif _matches(entry.name, include):
                yield Found(folder + entry.name, _reason(entry))


def _matches(name: str, include: str | None) -> bool:
    return name.lower().endswith(SUFFIXES) if include is None else fnmatch.fnmatchcase(name, include)


def _reason(entry: os.DirEntry) -> str:
    if entry.is_symlink():
        return "a link"
    return "" if entry.is_file(follow_symlinks=False) else "not a regular file"
