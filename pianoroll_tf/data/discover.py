"""Finds the MIDI files in a folder; every skipped entry has a reason."""

import dataclasses
import fnmatch
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from pianoroll_tf.errors import UserError
from pianoroll_tf.storage.folders import SYSTEM_FILES

SUFFIXES = (".mid", ".midi", ".kar", ".rmi")
ALLOWED = "a folder, an archive (.zip, .tar, .tar.gz, .tgz) or a text file of paths (.txt)"  # what INPUT may be
A_LINK, A_LINK_TO_A_FOLDER = "a link (--follow-links reads it)", "a link to a folder (--follow-links reads it)"


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


def has_midi_name(name: str, include: str | None) -> bool:
    """Whether a file name matches the case-sensitive glob `include`, by default ends like a MIDI file in any case.

    Never for files that systems leave behind, such as .DS_Store and the ._NAME that macOS puts beside NAME.

    >>> [has_midi_name(name, None) for name in ("a.MID", "song.kar", "._a.mid", "a.txt")]
    [True, True, False, False]
    """
    if name in SYSTEM_FILES or name.startswith("._"):
        return False
    return name.lower().endswith(SUFFIXES) if include is None else fnmatch.fnmatchcase(name, include)


def unique(path: str, seen: dict[str, int]) -> str:
    """A path that is not in `seen`, where it is added: an archive or a list may name a path again.

    `seen`: path → how often it was given, so that the next free number is found at once.

    >>> seen = {}
    >>> [unique(path, seen) for path in ("a.mid", "a.mid", "a.mid")]
    ['a.mid', 'a.mid#2', 'a.mid#3']
    """
    name, number = path, seen.get(path, 0) + 1
    while number > 1 and (name := f"{path}#{number}") in seen:
        number += 1
    seen[path] = number
    seen.setdefault(name, 1)
    return name


def nothing_found(place: Path | str, include: str | None) -> UserError:
    """The error for an input without a MIDI file."""
    names = f"that ends in {', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]}"
    names = names if include is None else f"that matches --include {include!r}"
    return UserError(f"{printable(str(place))} holds no file {names}")


def stamp(path: Path) -> str:
    """Size, times of change and inode of a file, which tell without reading it whether it has changed; "" if none."""
    try:
        facts = path.stat()
    except OSError:
        return ""
    return f"{facts.st_size} {facts.st_mtime_ns} {facts.st_ctime_ns} {facts.st_ino}"


class Folder:
    """A folder as input; see `data.inputs.Input`."""

    def __init__(self, path: Path, include: str | None = None, follow_links: bool = False) -> None:
        self.path, self._include, self._follow_links = path, include, follow_links
        find_files(path, include, follow_links)  # raises if there are none

    def found(self) -> Iterator[FoundFile]:
        """Searches the folder anew each time, as there may be too many files for a list."""
        return find_files(self.path, self._include, self._follow_links)

    def stamp(self, path: str) -> str:
        """See `stamp`."""
        return stamp(self.path / path)

    def sources(self, paths: Iterable[str]) -> Iterator[tuple[str, str]]:
        """Yields each path with the path that a reader process opens, which follows no links itself."""
        for path in paths:
            yield path, os.path.realpath(self.path / path) if self._follow_links else os.fspath(self.path / path)


def find_files(folder: Path, include: str | None = None, follow_links: bool = False) -> Iterator[FoundFile]:
    """Finds all entries at any depth that `has_midi_name`, and folders that are skipped, sorted by path.

    The folder may itself be a link. The iterator holds only the entries of the folders on its current path in memory.

    Args:
        folder: Where to search.
        include: See `has_midi_name`.
        follow_links: Whether to read links to files, and to enter links to folders: each folder outside of `folder`
            once, so that the search ends.

    Raises:
        UserError: `folder` is not a folder, or no entry has such a name.
        OSError: `folder` cannot be read.
    """
    if not folder.is_dir():
        raise UserError(f"INPUT must be {ALLOWED}. Received: {printable(str(folder))}")
    os.scandir(folder).close()
    if not any(not found.path.endswith("/") for found in _Walk(folder, include, follow_links).files()):
        raise nothing_found(folder, include)
    return _Walk(folder, include, follow_links).files()


class _Walk:
    """One search of a folder."""

    def __init__(self, root: Path, include: str | None, follow_links: bool) -> None:
        self._root, self._include, self._follow_links = root, include, follow_links
        self._real_root = os.path.realpath(root)
        self._entered = {self._real_root}  # folders that were entered by a link, by their paths without links

    def files(self) -> Iterator[FoundFile]:
        """Walks depth first; folders end with a slash, so sorting the names within each folder sorts the paths."""
        waiting = [FoundFile("/")]
        while waiting:
            found = waiting.pop()
            if found.reason or not found.path.endswith("/"):
                yield found
                continue
            folder = found.path.removeprefix("/")
            try:
                waiting += sorted(self._entries(folder), reverse=True)
            except OSError as error:
                yield FoundFile(folder, f"unreadable folder: {error.strerror}")

    def _entries(self, folder: str) -> Iterator[FoundFile]:
        """Entries of one folder; folders to enter end with a slash and have no reason."""
        with os.scandir(self._root / folder) as entries:
            for entry in sorted(entries, key=lambda entry: entry.name):
                if entry.is_dir(follow_symlinks=False):
                    yield FoundFile(f"{folder}{entry.name}/")
                elif entry.is_symlink() and os.path.isdir(entry.path):  # noqa: PTH112 (Path's can raise)
                    yield FoundFile(f"{folder}{entry.name}/", self._reason_not_to_enter(entry.path))
                elif has_midi_name(entry.name, self._include):
                    yield FoundFile(folder + entry.name, self._reason_not_to_read(entry))

    def _reason_not_to_enter(self, link: str) -> str:
        if not self._follow_links:
            return A_LINK_TO_A_FOLDER
        target = os.path.realpath(link)
        try:
            shared = os.path.commonpath([target, self._real_root])
        except ValueError:  # on Windows, two drives
            shared = ""
        if target in self._entered or shared in (target, self._real_root):
            return "a link to a folder that is read elsewhere, or that holds INPUT itself"
        self._entered.add(target)
        return ""

    def _reason_not_to_read(self, entry: os.DirEntry) -> str:
        if entry.is_symlink() and not self._follow_links:
            return A_LINK
        if entry.is_symlink() and not os.path.exists(entry.path):  # noqa: PTH110 (Path's can raise)
            return "a link to nothing"
        try:
            return "" if entry.is_file() else "not a regular file"
        except OSError as error:  # a link to itself
            return f"unreadable: {error.strerror}"
