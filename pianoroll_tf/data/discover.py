"""Finds the MIDI files of a folder: links are never followed, and whatever is left out is named with its reason."""

import dataclasses
import fnmatch
import os
from collections.abc import Iterator

from pianoroll_tf.cli import UserError

SUFFIXES = (b".mid", b".midi")


@dataclasses.dataclass(frozen=True, order=True)
class Found:
    """Something under the folder that has a MIDI file's name.

    Attributes:
        path: Relative to the folder, as bytes: names need not be UTF-8.
        reason: Why it is not to be read; empty for a regular file.
    """

    path: bytes
    reason: str = ""


def readable(path: bytes) -> str:
    r"""A path as text that is valid UTF-8; bytes that are none, and control characters, are escaped.

    >>> readable(b"caf\xe9.mid")
    'caf\\xe9.mid'
    """
    text = path.decode("utf-8", "backslashreplace")
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def find_files(folder: str | os.PathLike, include: str | None = None) -> list[Found]:
    """All entries at any depth whose name is a MIDI file's, sorted by path.

    Args:
        folder: Where to look; may itself be a link.
        include: Case-sensitive glob on names; default: ends in .mid or .midi in any case.

    Raises:
        UserError: `folder` is no folder.
    """
    root = os.fsencode(folder)
    if not os.path.isdir(root):
        raise UserError(f"MIDI_DIR must be a folder. Received: {readable(root)}")
    return sorted(_walk(root, include))


def _walk(root: bytes, include: str | None) -> Iterator[Found]:
    waiting = [b""]
    while waiting:
        folder = waiting.pop()
        try:
            with os.scandir(os.path.join(root, folder) if folder else root) as entries:
                for entry in entries:
                    path = os.path.join(folder, entry.name)
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(path)
                    elif _matches(entry.name, include):
                        yield Found(path, _reason(entry))
        except OSError as error:
            yield Found(os.path.join(folder, b""), f"unreadable folder: {error.strerror}")


def _matches(name: bytes, include: str | None) -> bool:
    if include is None:
        return name.lower().endswith(SUFFIXES)
    return fnmatch.fnmatchcase(name, os.fsencode(include))


def _reason(entry: os.DirEntry) -> str:
    if entry.is_symlink():
        return "a link"
    return "" if entry.is_file(follow_symlinks=False) else "not a regular file"
