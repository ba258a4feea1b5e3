"""Files on any filesystem that Beam knows: read whole, and written so that they appear whole."""

import hashlib
import json
import secrets
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, BinaryIO, TypeVar

from apache_beam.io.filesystem import CompressionTypes
from apache_beam.io.filesystems import FileSystems

from pianoroll_tf.errors import DamagedError
from pianoroll_tf.storage.files import flush

S = TypeVar("S")
T = TypeVar("T")
_THREADS = 16  # a request to an object store takes tens of milliseconds


def is_url(path: str) -> bool:
    """Whether a path is that of another filesystem than the local one.

    >>> is_url("gs://bucket/midi"), is_url("/home/me/midi")
    (True, False)
    """
    return FileSystems.get_scheme(path) is not None


def join(folder: str, name: str) -> str:
    """The path of a file in a folder, on the filesystem of the folder."""
    return FileSystems.join(folder, name)


def exists(path: str) -> bool:
    """Whether there is such a file."""
    return FileSystems.exists(path)


def read(path: str, size: int = -1) -> bytes:
    """The content of a file, or its first `size` bytes.

    Raises:
        OSError: It cannot be read.
    """
    with FileSystems.open(path, compression_type=CompressionTypes.UNCOMPRESSED) as file:
        return file.read(size)


def write_whole(path: str, write: Callable[[BinaryIO], T]) -> T:
    """Calls `write` with an open file, which gets the name `path` when it is complete; returns its result.

    If several processes write the same file, as an engine tries work again, one of the complete files remains.
    """
    temporary = f"{path}.{secrets.token_hex(8)}.tmp"
    with FileSystems.create(temporary, compression_type=CompressionTypes.UNCOMPRESSED) as file:
        result = write(file)
        if not is_url(path):
            flush(file)
    try:
        FileSystems.rename([temporary], [path])
    except OSError:
        if not exists(path):  # HDFS does not rename over a file that exists
            raise
        FileSystems.delete([temporary])
    return result


def in_threads(do: Callable[[S], T], items: Iterable[S]) -> Iterator[T]:
    """Yields `do(item)` of each item in their order, some of them at the same time; takes few items in advance.

    >>> list(in_threads(str, [1, 2, 3]))
    ['1', '2', '3']
    """
    waiting = deque[Future[T]]()
    with ThreadPoolExecutor(_THREADS) as pool:
        for item in items:
            waiting.append(pool.submit(do, item))
            if len(waiting) > 2 * _THREADS:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def write_json(path: str, values: Any) -> None:
    """Writes JSON-ready values, with their checksum in the first line."""
    text = json.dumps(values).encode()
    content = hashlib.sha256(text).hexdigest().encode() + b"\n" + text
    write_whole(path, lambda file: file.write(content))


def read_json(path: str) -> Any:
    """Reads what `write_json` wrote.

    Raises:
        DamagedError: It is damaged.
        OSError: It cannot be read.
    """
    digest, _, text = read(path).partition(b"\n")
    if hashlib.sha256(text).hexdigest().encode() != digest:
        raise DamagedError(f"{path} is damaged: its sha256 does not match")
    return json.loads(text)
