"""Finds the versions of an exported model in its folder; no framework import."""

import re
from pathlib import Path

_NUMBER = re.compile(r"0|[1-9][0-9]{0,17}")  # they fit into 64 bits


def versions(folder: Path) -> list[int]:
    """The versions in `saved_models/NAME`, ascending: folders named by a number without leading zeros."""
    return sorted(int(path.name) for path in folder.iterdir() if _NUMBER.fullmatch(path.name) and path.is_dir())


def find_version(path: Path) -> Path:
    """The folder of a version: `path` itself, or the latest version in it.

    Raises:
        ValueError: There is none.
    """
    if path.is_dir() and (path / "saved_model.pb").exists():
        return path
    found = versions(path) if path.is_dir() else []
    if not found:
        raise ValueError(f"model must be a folder that export wrote, as saved_models/NAME. Received: {path}")
    return path / str(found[-1])
