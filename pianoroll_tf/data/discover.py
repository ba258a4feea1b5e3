"""Finds the MIDI files in a folder; links are not followed, and every skipped entry has a reason."""

import dataclasses
import fnmatch
import os
from collections.abc import Iterator
from pathlib import Path

from pianoroll_tf.errors import UserError

SUFFIXES = (".mid", ".midi")


@dataclasses.dataclass(frozen=True, order=True, slots=True)
class FoundFile:
    """An entry with the name of a MIDI file, or a folder that is not entered.

    The path is relative to the searched folder, with slashes; that of a folder ends with one. Bytes that are not UTF-8
    are lone surrogates (`os.fsdecode`).
    """

    path: str
    reason: str = ""  # why it is skipped; empty for a regular file


def printable(path: str) -> str:
    r"""A path as valid UTF-8 that is safe to print: other bytes and control characters are escaped.

    >>> print(printable(os.fsdecode(b"caf\xe9.mid")))
    caf\xe9.mid
    """
    text = os.fsencode(path).decode("utf-8", "backslashreplace")
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def find_files(folder: Path, include: str | None = None) -> Iterator[FoundFile]:
    """Finds all entries at any depth with the name of a MIDI file, and folders that are skipped, sorted by path.

    The folder may itself be a link. Names match the case-sensitive glob `include`, by default those that end in .mid or
    .midi in any case. The iterator holds only the entries of the folders on its current path in memory.

    Raises:
        UserError: `folder` is not a folder, or no entry has such a name.
        OSError: `folder` cannot be read.
    """
    if not folder.is_dir():
        raise UserError(f"MIDI_DIR must be a folder. Received: {printable(str(folder))}")
    os.scandir(folder).close()
    if not any(not found.path.endswith("/") for found in _walk(folder, include)):
        names = "that ends in .mid or .midi" if include is None else f"that matches --include {include!r}"
        raise UserError(f"{printable(str(folder))} holds no file {names}")
    return _walk(folder, include)


def _walk(root: Path, include: str | None) -> Iterator[FoundFile]:
    """Walks depth first; folders end with a slash, so sorting the names within each folder sorts the paths."""
    waiting = [FoundFile("/")]
    while waiting:
        found = waiting.pop()
        if found.reason or not found.path.endswith("/"):
            yield found
            continue
        folder = found.path.removeprefix("/")
        try:
            waiting += sorted(_entries(root, folder, include), reverse=True)
        except OSError as error:
            yield FoundFile(folder, f"unreadable folder: {error.strerror}")


def _entries(root: Path, folder: str, include: str | None) -> Iterator[FoundFile]:
    """Entries of one folder; folders to enter end with a slash and have no reason."""
    with os.scandir(root / folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                yield FoundFile(f"{folder}{entry.name}/")
            elif entry.is_symlink() and os.path.isdir(entry.path):  # noqa: PTH112 (Path's can raise)
                yield FoundFile(f"{folder}{entry.name}/", "a link to a folder")
            elif entry.name.lower().endswith(SUFFIXES) if include is None else fnmatch.fnmatchcase(entry.name, include):
                reason = "" if entry.is_file(follow_symlinks=False) else "not a regular file"
                yield FoundFile(folder + entry.name, "a link" if entry.is_symlink() else reason)
