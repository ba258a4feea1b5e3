"""Named arrays and facts in one file that appears whole, carries its sha256, and holds no code."""

import hashlib
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from pianoroll_tf.cli import UserError
from pianoroll_tf.files import write_whole

_META = "meta.json"  # name of the entry that holds the facts
_DIGEST_BYTES = hashlib.sha256().digest_size


class DamagedError(UserError):
    """A file is not what was written."""


def write_arrays(path: Path, arrays: dict[str, np.ndarray], meta: dict[str, Any]) -> None:
    """Writes arrays and facts, whole or not at all.

    The file is what `numpy.savez` writes, followed by the 32 bytes of its sha256; `numpy.load` reads it too.

    Args:
        path: The file.
        arrays: Name → array of a plain number type.
        meta: JSON-ready facts.
    """
    facts = np.frombuffer(json.dumps(meta).encode(), np.uint8)
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **{_META: facts}, **arrays)
    content = buffer.getvalue()
    write_whole(path, content + hashlib.sha256(content).digest())


def read_arrays(path: Path) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Reads what `write_arrays` wrote.

    Returns:
        (arrays, meta).

    Raises:
        DamagedError: The content does not match its sha256, or the file cannot be read.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DamagedError(f"{path} must be readable: {error.strerror}") from error
    body, digest = content[:-_DIGEST_BYTES], content[-_DIGEST_BYTES:]
    if hashlib.sha256(body).digest() != digest:
        raise DamagedError(f"{path} is damaged: its content does not match its sha256")
    try:
        with np.load(io.BytesIO(body), allow_pickle=False) as entries:
            arrays = {name: entries[name] for name in entries.files}
        meta = json.loads(arrays.pop(_META).tobytes())
    except (ValueError, KeyError, EOFError, OSError, zipfile.BadZipFile) as error:
        raise DamagedError(f"{path} is no file of this package: {error}") from error
    return arrays, meta
