"""The sha256 manifest of an exported model: written at export, checked before every load."""

import hashlib
import json
import os
from pathlib import Path

from pianoroll_tf.settings import dumps

NAME = "manifest.json"


class DamagedModelError(ValueError):
    """A model folder whose files are not those that were exported; the message names the difference."""


def write_manifest(folder: Path) -> None:
    """Writes `manifest.json`: bytes and sha256 of every file below `folder`, except itself."""
    files = {name: _facts(folder / name) for name in sorted(_regular_files(folder)) if name != NAME}
    (folder / NAME).write_text(dumps({"files": files}), encoding="utf-8")


def check_manifest(folder: Path) -> None:
    """Compares every file below `folder` with `manifest.json`.

    Raises:
        DamagedModelError: A file is missing, changed or extra, or the manifest itself has changed.
    """
    expected = _read(folder)
    found = _regular_files(folder) - {NAME}
    for name in sorted(set(expected) - found):
        raise DamagedModelError(f"model must hold every file of its manifest. Received: {name} is missing in {folder}")
    for name in sorted(found - set(expected)):
        raise DamagedModelError(f"model must hold only files of its manifest. Received: {name!r} is extra in {folder}")
    for name in sorted(found):
        if _facts(folder / name) != expected[name]:
            raise DamagedModelError(f"model must be unchanged since its export. Received: {name} differs in {folder}")


def _read(folder: Path) -> dict[str, dict[str, int | str]]:
    """The manifest's entries; its text must equal what `write_manifest` would write for them."""
    path = folder / NAME
    if path.exists() and (path.is_symlink() or not path.is_file()):  # a pipe would never end
        raise DamagedModelError(f"model must hold regular files only. Received: {NAME!r} in {folder}")
    try:
        text = path.read_bytes().decode("utf-8")
        manifest = json.loads(text)
        if dumps(manifest) != text or not isinstance(manifest["files"], dict) or list(manifest) != ["files"]:
            raise ValueError("not as it was written")
    except FileNotFoundError as error:
        raise DamagedModelError(f"model must have the {NAME} that export wrote. Received: {folder}") from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        message = f"model must be unchanged since its export. Received: {NAME} differs in {folder}"
        raise DamagedModelError(message) from error
    return manifest["files"]


def _regular_files(folder: Path) -> set[str]:
    """Paths of all files below `folder`, relative, with slashes; DamagedModelError for a link or a special file."""
    names = set()
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                names |= {f"{entry.name}/{name}" for name in _regular_files(folder / entry.name)}
            elif entry.is_file(follow_symlinks=False):
                names.add(entry.name)
            else:
                raise DamagedModelError(f"model must hold regular files only. Received: {entry.name!r} in {folder}")
    return names


def _facts(path: Path) -> dict[str, int | str]:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256")
        return {"bytes": os.fstat(file.fileno()).st_size, "sha256": digest.hexdigest()}
