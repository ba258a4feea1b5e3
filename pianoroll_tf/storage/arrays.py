"""Files of named arrays and metadata with a checksum, which appear whole and contain no code."""

import hashlib
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from pianoroll_tf.errors import DamagedError
from pianoroll_tf.storage.files import naming, write_changed

_META = "meta.json"  # name of the entry that holds the metadata
_DIGEST_BYTES = hashlib.sha256().digest_size


def write_arrays(path: Path, arrays: dict[str, np.ndarray], meta: dict[str, Any]) -> None:
    """Writes arrays and metadata whole or not at all; a file that has this content already is left untouched.

    The file is what `numpy.savez` writes, followed by the 32 bytes of its sha256; `numpy.load` can read it.

    Raises:
        ValueError: An array holds Python objects, which would be pickled.
        OSError: The disk is full or the folder cannot be written; the file is unchanged.
    """
    write_changed(path, encode_arrays(arrays, meta))


def encode_arrays(arrays: dict[str, np.ndarray], meta: dict[str, Any]) -> bytes:
    """The content of a file of `write_arrays`.

    Raises:
        ValueError: An array holds Python objects, which would be pickled.
    """
    for name, value in arrays.items():
        if value.dtype.hasobject:
            raise ValueError(f"arrays must be of a plain number type. Received: {name} of {value.dtype}")
    named: dict[str, Any] = {_META: np.frombuffer(json.dumps(meta).encode(), np.uint8), **arrays}
    buffer = io.BytesIO()
    np.savez(buffer, **named)
    content = buffer.getvalue()
    return content + hashlib.sha256(content).digest()


def read_arrays(path: Path) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Reads (arrays, meta) from a file that `write_arrays` wrote.

    Raises:
        DamagedError: There is no file, or its content does not match its checksum.
        OSError: The file cannot be read now, which does not mean that it is damaged.
    """
    try:
        with naming(path):
            content = path.read_bytes()
    except FileNotFoundError as error:
        raise DamagedError(f"{path} must be readable: {error.strerror}") from error
    return decode_arrays(content, path)


def decode_arrays(content: bytes, name: object) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """(arrays, meta) of `encode_arrays`; a DamagedError calls the content by its name."""
    body, digest = content[:-_DIGEST_BYTES], content[-_DIGEST_BYTES:]
    if hashlib.sha256(body).digest() != digest:
        raise DamagedError(f"{name} is damaged: its content does not match its checksum")
    try:
        with np.load(io.BytesIO(body), allow_pickle=False) as entries:
            arrays = {entry: entries[entry] for entry in entries.files}
        meta = json.loads(arrays.pop(_META).tobytes())
    except (ValueError, KeyError, EOFError, OSError, zipfile.BadZipFile) as error:
        raise DamagedError(f"{name} is not a file of this package: {error}") from error
    return arrays, meta
