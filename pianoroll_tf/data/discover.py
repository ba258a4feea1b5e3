"""Finds the MIDI files of a folder: links are never followed, and whatever is left out is named with its reason."""

import dataclasses
import fnmatch
import os
from collections.abc import Iterator
from pathlib import Path

from pianoroll_tf.cli import UserError

SUFFIXES = (".mid", ".midi")


@dataclasses.dataclass(frozen=True, order=True)
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


def find_files(folder: Path, include: str | None = None) -> list[Found]:
    """All entries at any depth whose name is a MIDI file's, and folders that are left out, sorted by path.

    Args:
        folder: Where to look; may itself be a link.
        include: Case-sensitive glob on names; default: ends in .mid or .midi in any case.

    Raises:
        UserError: `folder` is no folder, or nothing in it has such a name.
        OSError: `folder` cannot be read.
    """
    if not folder.is_dir():
        raise UserError(f"MIDI_DIR must be a folder. Received: {readable(str(folder))}")
    os.scandir(folder).close()
    found = sorted(_walk(folder, include))
    if not any(not entry.path.endswith("/") for entry in found):
        names = "that ends in .mid or .midi" if include is None else f"that matches --include {include!r}"
        raise UserError(f"{readable(str(folder))} holds no file {names}")
    return found


def _walk(root: Path, include: str | None) -> Iterator[Found]:
    waiting = [""]
    while waiting:
        folder = waiting.pop()
        try:
            with os.scandir(root / folder) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(f"{folder}{entry.name}/")
                    elif entry.is_symlink() and os.path.isdir(entry.path):  # noqa: PTH112 (Path's can raise)
                        yield Found(f"{folder}{entry.name}/", "a link to a folder")
                    elif _matches(entry.name, include):
                        yield Found(folder + entry.name, _reason(entry))
        except OSError as error:
            yield Found(folder, f"unreadable folder: {error.strerror}")


def _matches(name: str, include: str | None) -> bool:
    return name.lower().endswith(SUFFIXES) if include is None else fnmatch.fnmatchcase(name, include)


def _reason(entry: os.DirEntry) -> str:
    if entry.is_symlink():
        return "a link"
    return "" if entry.is_file(follow_symlinks=False) else "not a regular file"
