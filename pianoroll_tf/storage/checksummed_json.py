"""JSON files that carry a checksum of their content, so that damage is detected when they are read."""

import hashlib
import json
from pathlib import Path
from typing import Any

from pianoroll_tf.errors import DamagedError
from pianoroll_tf.settings import dumps
from pianoroll_tf.storage.files import write_changed

_CHECKSUM = "seal"  # key of the checksum in the file: sha256 of the JSON text of all other entries


def write_checksummed(path: Path, values: dict[str, Any]) -> None:
    """Writes a JSON-ready dict, without NaN, with its checksum, unless the file has this content already.

    Raises:
        OSError: The file cannot be written; it is unchanged then.
    """
    write_changed(path, to_bytes(values))


def to_bytes(values: dict[str, Any]) -> bytes:
    """The content of the file that `write_checksummed` writes."""
    return dumps(values | {_CHECKSUM: _checksum(values)}).encode()


def read_checksummed(path: Path) -> dict[str, Any]:
    """Reads a file that `write_checksummed` wrote and verifies its checksum.

    A file without a checksum, as written by hand, is accepted.

    Raises:
        DamagedError: The content is not a JSON object, or does not match its checksum.
        OSError: The file does not exist or cannot be read.
    """
    return from_bytes(path.read_bytes(), path)


def from_bytes(content: bytes, name: Path | str) -> dict[str, Any]:
    """The values in the content of such a file, which `name` is in the message of a `DamagedError`."""
    try:
        values = json.loads(content.decode())
        if not isinstance(values, dict):
            raise ValueError(f"it must hold a JSON object. Received: {type(values).__name__}")
        checksum = values.pop(_CHECKSUM, None)
        if checksum is not None and checksum != _checksum(values):
            raise ValueError("its content does not match its checksum")
    except (ValueError, RecursionError) as error:
        raise DamagedError(f"{name} is damaged: {error}") from error
    return values


def _checksum(values: dict[str, Any]) -> str:
    return hashlib.sha256(dumps(values).encode()).hexdigest()
