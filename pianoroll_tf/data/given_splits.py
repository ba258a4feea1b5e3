"""Splits that come with the files: folders named train, val and test, or a table of paths."""

import csv
import hashlib
import os
from collections.abc import Iterable
from pathlib import Path

from pianoroll_tf.data.discover import printable
from pianoroll_tf.errors import UserError

# Name of a split, in a table or as the name of a folder, in lower case → its name in records
NAMES = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "dev"), "val"),
    **dict.fromkeys(("test", "testing"), "test"),
}
PATH_COLUMNS = ("path", "midi_filename")  # the second is MAESTRO's
MIN_FOLDERS = 2  # a single folder named train is a name like any other


def from_folders(paths: Iterable[str], required: bool = False) -> dict[str, str] | None:
    """Splits by the first folder of each path, after the folders that all paths have in common.

    Args:
        paths: Paths of all files, relative to the input, with slashes.
        required: Whether folders must be named after splits.

    Returns:
        Path → "train", "val" or "test"; None if there are no such folders, or a file is outside of them.

    Raises:
        UserError: `required`, and there are no such folders.

    >>> from_folders(["train/a.mid", "Validation/b.mid"])
    {'train/a.mid': 'train', 'Validation/b.mid': 'val'}
    >>> from_folders(["mine/train/a.mid", "mine/test/b.mid"])
    {'mine/train/a.mid': 'train', 'mine/test/b.mid': 'test'}
    >>> from_folders(["train/a.mid", "b.mid"])
    """
    found, outside = _by_folder(paths)
    if _are_splits(found) and (required or not outside):
        return found
    if required:
        received = printable(outside[0]) if outside else ", ".join(sorted(set(found.values()))) or "no file"
        raise UserError(f"with --splits folders, INPUT must hold the folders train, val and test. Received: {received}")
    return None


def outside_of_folders(paths: Iterable[str]) -> str:
    """The first path because of which folders named train, val or test are no splits; empty if there is none.

    >>> outside_of_folders(["train/a.mid", "test/b.mid", "c.mid"]), outside_of_folders(["train/a.mid", "c.mid"])
    ('c.mid', '')
    """
    found, outside = _by_folder(paths)
    return min(outside) if outside and _are_splits(found) else ""


def _by_folder(paths: Iterable[str]) -> tuple[dict[str, str], list[str]]:
    """Path → split by the first folder after the common ones, and the paths that are in no folder of a split."""
    paths = list(paths)
    common = len(common_folder(paths))
    found, outside = {}, []
    for path in paths:
        folder, _, rest = path[common:].partition("/")
        split = NAMES.get(folder.lower()) if rest else None
        if split is None:
            outside.append(path)
        else:
            found[path] = split
    return found, outside


def _are_splits(found: dict[str, str]) -> bool:
    """Whether the folders are splits: several of them, one for training."""
    names = set(found.values())
    return len(names) >= MIN_FOLDERS and "train" in names


def common_folder(paths: Iterable[str]) -> str:
    """The folders that all paths begin with, as an archive often has one; ends with a slash unless it is empty.

    >>> common_folder(["mine/a/1.mid", "mine/b.mid"]), common_folder(["1.mid"])
    ('mine/', '')
    """
    shared = os.path.commonprefix(list(paths))  # noqa: RUF071 (cut at a slash below)
    return shared[: shared.rfind("/") + 1]


def in_common_folder(given: dict[str, str], paths: list[str]) -> dict[str, str]:
    """Splits of a table for files that are in a folder which the table does not name, as in MAESTRO's archive.

    >>> in_common_folder({"2018/a.midi": "test"}, ["maestro/2018/a.midi", "maestro/2018/b.midi"])
    {'maestro/2018/a.midi': 'test'}
    """
    if given.keys() & set(paths):
        return given
    parts = common_folder(paths).split("/")[:-1]
    for depth in range(1, len(parts) + 1):
        folder = "/".join(parts[:depth])
        inside = {f"{folder}/{path}": split for path, split in given.items()}
        if inside.keys() & set(paths):
            return inside
    return given


def from_table(table: Path) -> dict[str, str]:
    """Splits from a CSV file with the columns path (or midi_filename, as in MAESTRO) and split.

    Returns:
        Path, relative to the folder of MIDI files → "train", "val" or "test".

    Raises:
        UserError: The file cannot be read, lacks a column, names an unknown split, or a path twice.
    """
    try:
        with table.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file)
            columns = rows.fieldnames or []
            column = next((name for name in PATH_COLUMNS if name in columns), None)
            if column is None or "split" not in columns:
                raise UserError(f"{table} must have the columns path and split. Received: {', '.join(columns)}")
            found: dict[str, str] = {}
            for row in rows:
                path, name = (row[column] or "").replace("\\", "/").removeprefix("./"), (row["split"] or "").strip()
                split = NAMES.get(name.lower())
                if split is None:
                    raise UserError(f"split in {table} must be train, val or test. Received: {name!r} for {path}")
                if found.setdefault(path, split) != split:
                    raise UserError(f"{table} must name a path once. Received: {path} in {found[path]} and {split}")
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"splits must be auto, music, folders or a CSV file. Received: {table} ({error})") from error
    return found


def identity(table: Path) -> str:
    """Name of a table with the start of the sha256 of its content, which records keep as their setting.

    Raises:
        UserError: It cannot be read.
    """
    try:
        return f"{printable(table.name)}@{hashlib.sha256(table.read_bytes()).hexdigest()[:12]}"
    except OSError as error:
        raise UserError(f"splits must be auto, music, folders or a CSV file. Received: {table} ({error})") from error
