"""The reader process: converts MIDI files under limits of memory and time, which `workers` sends over a socket."""

import contextlib
import ctypes
import json
import os
import signal
import sys
from multiprocessing.connection import Connection
from types import ModuleType
from typing import Any

import numpy as np

from pianoroll_tf.config import RecordsConfig
from pianoroll_tf.data.clock import Meter
from pianoroll_tf.data.conversion import Piece, convert
from pianoroll_tf.data.records import PieceRecord
from pianoroll_tf.data.roll import SparseRoll
from pianoroll_tf.settings import from_dict

resource: ModuleType | None
try:
    import resource
except ImportError:  # Windows
    resource = None

MAX_MEMORY_BYTES = 1 << 30  # address space of the process
MAX_CPU_SECONDS = 5  # per file
OUT_OF_MEMORY = 86  # exit code
READY = b"ready"
_PR_SET_PDEATHSIG = 1
_PATH, _CONTENT = b"p", b"c"  # first byte of a request


def encode_request(source: str | bytes) -> bytes:
    """Serializes the path of a file, or its content.

    >>> decode_request(encode_request("a.mid")), decode_request(encode_request(b"MThd"))
    ('a.mid', b'MThd')
    """
    return _PATH + os.fsencode(source) if isinstance(source, str) else _CONTENT + source


def decode_request(request: bytes) -> str | bytes:
    """The inverse of `encode_request`."""
    return os.fsdecode(request[1:]) if request[:1] == _PATH else request[1:]


def encode_reply(piece: Piece) -> bytes:
    """Serializes a piece: its facts as JSON, a line feed, the counts and cells of its roll, and its velocities."""
    facts, roll = vars(piece) | {"record": None}, b""
    if record := piece.record:
        meters = [(step, meter.numerator, meter.denominator) for step, meter in record.meters]
        lengths = [len(record.roll.counts), len(record.roll.cells)]
        facts["record"] = [lengths, meters, record.microseconds]
        roll = record.roll.counts.tobytes() + record.roll.cells.tobytes()
        roll += record.velocities.tobytes() if record.velocities is not None else b""
    return json.dumps(facts).encode() + b"\n" + roll


def decode_reply(reply: bytes) -> Piece:
    """The inverse of `encode_reply`.

    >>> decode_reply(encode_reply(Piece(reason="no notes"))).reason
    'no notes'
    """
    facts, _, roll = reply.partition(b"\n")
    values: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in json.loads(facts).items()
    }
    if values["record"]:
        (steps, active), meters, microseconds = values["record"]
        counts, cells, velocities = np.split(np.frombuffer(roll, np.uint8), [steps, steps + active])
        changes = tuple((step, Meter(*signature)) for step, *signature in meters)
        digest = bytes.fromhex(values["sha256"])
        known = velocities if len(velocities) else None
        values["record"] = PieceRecord(SparseRoll(counts, cells), digest, changes, microseconds, known)
    return Piece(**values)


def main(argv: list[str]) -> int:
    """Sends a piece for each file received, until the socket is closed."""
    connection = Connection(int(argv[0]))
    config = from_dict(RecordsConfig, json.loads(argv[2]))
    _end_with_parent(int(argv[1]))
    __import__(config.parser)  # otherwise the first file would pay for it
    limit_memory()
    connection.send_bytes(READY)
    discard_output()
    while True:
        try:
            source = decode_request(connection.recv_bytes())
        except EOFError:
            return 0
        limit_cpu()
        try:
            reply = encode_reply(convert(source, config))
        except MemoryError:
            return OUT_OF_MEMORY
        connection.send_bytes(reply)


def _end_with_parent(parent: int) -> None:
    """Makes the kernel end this process with its parent; on other systems than Linux the closed socket ends it."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.name == "posix" and os.getppid() != parent:  # in a venv of Windows, the parent is a launcher
        raise SystemExit(1)


def limit_memory() -> None:
    """Limits the address space to `MAX_MEMORY_BYTES`, and writes no core file if that makes a library crash."""
    if resource is None:
        return
    with contextlib.suppress(ValueError, OSError):  # macOS takes no limit of the address space
        resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY_BYTES, MAX_MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def limit_cpu() -> None:
    """Limits the CPU time from now on to `MAX_CPU_SECONDS`, after which the kernel ends the process by SIGXCPU."""
    if resource is None:
        return
    used = resource.getrusage(resource.RUSAGE_SELF)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (int(used.ru_utime + used.ru_stime) + MAX_CPU_SECONDS, hard))


def missing_limits() -> str:
    """Which limits this system cannot set, for a message; empty if it sets all of them."""
    if resource is None:
        return "memory and CPU time"
    return "" if sys.platform == "linux" else "memory"


def discard_output() -> None:
    """Discards what libraries print about broken files."""
    sink = os.open(os.devnull, os.O_WRONLY)
    for descriptor in (1, 2):
        os.dup2(sink, descriptor)
    os.close(sink)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
