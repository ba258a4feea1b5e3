"""Reads many files in processes of their own: a file that hangs, eats memory or kills its reader costs only itself."""

import contextlib
import itertools
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Iterable, Iterator
from multiprocessing.connection import Connection, wait

from pianoroll_tf.config import RecordsConfig
from pianoroll_tf.data.conversion import Piece
from pianoroll_tf.data.reader import CPU_SECONDS, MEMORY_BYTES, OUT_OF_MEMORY, READY, decode_reply
from pianoroll_tf.settings import to_dict

WALL_SECONDS = 60.0  # for one file, waiting for the disk included
START_SECONDS = 120.0  # until a reader has imported its libraries
ONE_THREAD = {f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL")}


class Reader:
    """One reader process and the file it is at.

    Attributes:
        path: The file it is reading; none while it is idle.
        served: How many files it has read.
        timed_out: The file at which it was ended because its time was over; none if it was not.
    """

    def __init__(self, config: RecordsConfig) -> None:
        ours, theirs = socket.socketpair()
        self._words = tempfile.TemporaryFile()  # noqa: SIM115 (closed by `close`)
        command = [sys.executable, "-m", "pianoroll_tf.data.reader", str(theirs.fileno()), str(os.getpid())]
        with theirs:
            self.process = subprocess.Popen(
                [*command, json.dumps(to_dict(config))],
                stdin=subprocess.DEVNULL,
                stdout=self._words,
                stderr=self._words,
                pass_fds=[theirs.fileno()],
                env=os.environ | ONE_THREAD,
                start_new_session=True,  # Ctrl-C is for the parent, which then ends its readers
            )
        self.connection = Connection(ours.detach())
        self.path: str | None = None
        self.timed_out: str | None = None
        self.served = 0
        self.ready = False
        self.deadline = time.monotonic() + START_SECONDS

    def send(self, path: str) -> None:
        """Gives it a file to read."""
        self.path, self.deadline = path, time.monotonic() + WALL_SECONDS
        with contextlib.suppress(OSError):  # it has died: its end of file says so
            self.connection.send_bytes(os.fsencode(path))

    def receive(self) -> Piece | None:
        """The piece it has sent, or none if it only said that it is ready.

        Raises:
            EOFError: It has died.
        """
        try:
            reply = self.connection.recv_bytes()
        except OSError as error:
            raise EOFError from error
        if not self.ready:
            if reply != READY:
                raise EOFError
            self.ready, self.deadline = True, float("inf")
            return None
        piece = decode_reply(reply)
        self.path, self.deadline, self.served = None, float("inf"), self.served + 1
        return piece

    def words(self) -> str:
        """The last line it wrote before it was ready."""
        self._words.seek(0)
        lines = self._words.read().decode(errors="replace").strip().splitlines()
        return lines[-1] if lines else "no message"

    def close(self) -> int:
        """Ends the process, whatever it is doing; returns its exit code."""
        self.process.kill()
        code = self.process.wait()
        self.connection.close()
        self._words.close()
        return code


def convert_all(paths: Iterable[str], config: RecordsConfig, workers: int) -> Iterator[tuple[str, Piece]]:
    """Reads files in parallel, in no particular order.

    A file that fails in a reader which has read others before is tried once more in a fresh one, so that what becomes
    of a file does not depend on its neighbours.

    Args:
        paths: The files; taken one by one, as readers become free.
        config: What to make of them.
        workers: Number of processes, at least 1.

    Yields:
        `(path, piece)`, once for every path.

    Raises:
        RuntimeError: A reader process cannot start.
    """
    source, waiting = iter(paths), deque()
    readers: list[Reader] = []
    try:
        while True:
            waiting.extend(itertools.islice(source, max(0, workers - len(waiting))))
            if not waiting and all(reader.path is None for reader in readers):
                return
            busy = sum(reader.path is not None for reader in readers)
            while len(readers) < min(workers, busy + len(waiting)):
                readers.append(Reader(config))
            _hand_out(waiting, readers)
            for reader in _reporting(readers):
                path = reader.path
                try:
                    piece = reader.receive()
                except EOFError:
                    readers.remove(reader)
                    piece = _bury(reader, waiting)
                if piece is not None and path is not None:
                    yield path, piece
    finally:
        for reader in readers:
            reader.close()


def _hand_out(waiting: deque[str], readers: list[Reader]) -> None:
    for reader in readers:
        if waiting and reader.ready and reader.path is None:
            reader.send(waiting.popleft())


def _reporting(readers: list[Reader]) -> list[Reader]:
    """The readers that have something to say; those beyond their deadline are ended, which is heard as well."""
    nearest = min(reader.deadline for reader in readers)
    timeout = None if nearest == float("inf") else max(0.0, nearest - time.monotonic())
    heard = set(wait([reader.connection for reader in readers], timeout))
    for reader in readers:
        if reader.connection not in heard and time.monotonic() >= reader.deadline:
            reader.process.send_signal(signal.SIGALRM)
            reader.timed_out, reader.deadline = reader.path, float("inf")
    return [reader for reader in readers if reader.connection in heard]


def _bury(reader: Reader, waiting: deque[str]) -> Piece | None:
    """What is to be said about the file of a reader that died; none if it is to be tried again."""
    words = "" if reader.ready else reader.words()
    with contextlib.suppress(subprocess.TimeoutExpired):
        reader.process.wait(timeout=10)  # its socket closes before the process has ended
    code = reader.close()
    if not reader.ready:
        raise RuntimeError(f"a reader process could not start: {words}")
    if reader.path is None:
        return None
    # It may have answered just before it was ended, and died at the next file, which then is innocent.
    overran = -code == signal.SIGXCPU or (-code == signal.SIGALRM and reader.timed_out == reader.path)
    if reader.served and not overran:
        waiting.appendleft(reader.path)
        return None
    return Piece(reason=death(code))


def death(code: int) -> str:
    """The reason for a file whose reader ended with an exit code.

    >>> death(-signal.SIGSEGV)
    'reader process died: SIGSEGV'
    """
    if code == OUT_OF_MEMORY:
        return f"takes more than {MEMORY_BYTES >> 20} MiB of memory"
    if -code == signal.SIGXCPU:
        return f"takes more than {CPU_SECONDS} s of CPU"
    if -code == signal.SIGALRM:
        return f"takes more than {WALL_SECONDS:.0f} s"
    name = signal.Signals(-code).name if -code in set(signal.Signals) else f"exit code {code}"
    return f"reader process died: {name}"
