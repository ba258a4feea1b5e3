"""The reader process: converts MIDI files under limits of memory and time; `workers` sends it paths over a socket."""

import ctypes
import json
import os
import resource
import signal
import sys
from multiprocessing.connection import Connection
from typing import Any

import numpy as np

from pianoroll_tf.config import RecordsConfig
from pianoroll_tf.data.clock import Meter
from pianoroll_tf.data.conversion import Piece, convert
from pianoroll_tf.data.records import PieceRecord
from pianoroll_tf.data.roll import SparseRoll
from pianoroll_tf.settings import from_dict

MAX_MEMORY_BYTES = 1 << 30  # address space of the process
MAX_CPU_SECONDS = 5  # per file
OUT_OF_MEMORY = 86  # exit code
READY = b"ready"
_PR_SET_PDEATHSIG = 1


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
    """Sends a piece for each path received, until the socket is closed."""
    connection = Connection(int(argv[0]))
    config = from_dict(RecordsConfig, json.loads(argv[2]))
    _end_with_parent(int(argv[1]))
    __import__(config.parser)  # otherwise the first file would pay for it
    limit_memory()
    connection.send_bytes(READY)
    discard_output()
    while True:
        try:
            path = os.fsdecode(connection.recv_bytes())
        except EOFError:
            return 0
        limit_cpu()
        try:
            reply = encode_reply(convert(path, config))
        except MemoryError:
            return OUT_OF_MEMORY
        connection.send_bytes(reply)


def _end_with_parent(parent: int) -> None:
    """Makes the kernel end this process with its parent; on other systems than Linux the closed socket ends it."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        raise SystemExit(1)


def limit_memory() -> None:
    """Limits the address space to `MAX_MEMORY_BYTES`, and writes no core file if that makes a library crash."""
    resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY_BYTES, MAX_MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def limit_cpu() -> None:
    """Limits the CPU time from now on to `MAX_CPU_SECONDS`, after which the kernel ends the process by SIGXCPU."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (int(used.ru_utime + used.ru_stime) + MAX_CPU_SECONDS, hard))


def discard_output() -> None:
    """Discards what libraries print about broken files."""
    sink = os.open(os.devnull, os.O_WRONLY)
    for descriptor in (1, 2):
        os.dup2(sink, descriptor)
    os.close(sink)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
