"""Reads many files in separate processes, so that one that hangs, fills the memory or crashes costs only itself."""

import contextlib
import functools
import itertools
import json
import logging
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable
from multiprocessing.connection import Connection, wait
from typing import Any, NamedTuple

from pianoroll_tf.config import RecordsConfig
from pianoroll_tf.data.conversion import Piece
from pianoroll_tf.data.reader import (
    MAX_CPU_SECONDS,
    MAX_MEMORY_BYTES,
    OUT_OF_MEMORY,
    READY,
    decode_reply,
    encode_request,
    missing_limits,
)
from pianoroll_tf.settings import to_dict

MAX_WALL_SECONDS = 60.0  # per file, including waiting for the disk
MAX_START_SECONDS = 120.0  # until a reader process has imported its libraries
# That ends a reader which takes too long, and that of the kernel after too much CPU time; Windows has neither
END_SIGNAL = getattr(signal, "SIGALRM", signal.SIGTERM)
CPU_SIGNAL = getattr(signal, "SIGXCPU", None)
ONE_THREAD = {f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL")}


class File(NamedTuple):
    """A file to read, under a name of the caller's choice."""

    name: str
    source: str | bytes  # its path, which the process opens, or its content, which is sent to the process


class Reader:
    """One reader process and the file it is reading."""

    def __init__(self, config: RecordsConfig) -> None:
        ours, theirs = socket.socketpair()
        self._output = tempfile.TemporaryFile()  # noqa: SIM115 (closed by `close`)
        command = [sys.executable, "-m", "pianoroll_tf.data.reader", str(theirs.fileno()), str(os.getpid())]
        with theirs:
            self.process = subprocess.Popen(
                [*command, json.dumps(to_dict(config))],
                stdin=subprocess.DEVNULL,
                stdout=self._output,
                stderr=self._output,
                env=os.environ | ONE_THREAD,
                **_inheriting(theirs.fileno()),
            )
        self.connection = Connection(ours.detach())
        self.file: str | File | None = None  # the file it is reading; None while it is idle
        self.timed_out: str | File | None = None  # the file that took too long, for which the process was ended
        self.served = 0  # number of files it has read
        self.ready = False
        self.deadline = time.monotonic() + MAX_START_SECONDS

    def send(self, file: str | File) -> None:
        """Assigns a file to the process, given by its path or as a `File`."""
        self.file, self.deadline = file, time.monotonic() + MAX_WALL_SECONDS
        with contextlib.suppress(OSError):  # the process has died, as the next `receive` reports
            self.connection.send_bytes(encode_request(file if isinstance(file, str) else file.source))

    def receive(self) -> Piece | None:
        """The piece that the process has sent, or None if it only says that it is ready; EOFError if it has died."""
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
        self.file, self.deadline, self.served = None, float("inf"), self.served + 1
        return piece

    def last_output(self) -> str:
        """The last line that the process printed before it was ready."""
        self._output.seek(0)
        lines = self._output.read().decode(errors="replace").strip().splitlines()
        return lines[-1] if lines else "no message"

    def close(self) -> int:
        """Kills the process and returns its exit code."""
        self.process.kill()
        code = self.process.wait()
        self.connection.close()
        self._output.close()
        return -END_SIGNAL if os.name == "nt" and self.timed_out else code  # Windows tells no signal


def convert_all(
    files: Iterable[str | File], config: RecordsConfig, workers: int
) -> Generator[tuple[str, Piece], None, None]:
    """Reads files in parallel, in no particular order, in processes that end with the last of them.

    Args:
        files: Paths, or files under other names; taken one by one, as readers become free.
        config: How to convert them.
        workers: Number of processes, at least 1.

    Yields:
        `(path or name, piece)`, once per file.

    Raises:
        RuntimeError: A reader process cannot start.
    """
    with contextlib.closing(Readers(config, workers)) as readers:
        yield from readers.convert(files)


class Readers:
    """Reader processes, which are started when they are needed and kept until `close`.

    A file whose reader dies after having read others is read again by a new one, so that the result for a file does
    not depend on the files before it.
    """

    def __init__(
        self, config: RecordsConfig, workers: int, start: Callable[[RecordsConfig], Reader] | None = None
    ) -> None:
        self._config, self._workers, self._start = config, workers, start
        self._readers: list[Reader] = []
        _report_missing_limits()

    def convert(self, files: Iterable[str | File]) -> Generator[tuple[str, Piece], None, None]:
        """See `convert_all`; where it ends early, by an error or a caller that stops, so do all processes."""
        source, waiting, readers = iter(files), deque[str | File](), self._readers
        try:
            while True:
                waiting.extend(itertools.islice(source, max(0, self._workers - len(waiting))))
                busy = sum(reader.file is not None for reader in readers)
                if not waiting and not busy:
                    return
                while len(readers) < min(self._workers, busy + len(waiting)):
                    readers.append((self._start or Reader)(self._config))
                for reader in readers:
                    if waiting and reader.ready and reader.file is None:
                        reader.send(waiting.popleft())
                for reader in _wait_for_messages(readers):
                    file = reader.file
                    try:
                        piece = reader.receive()
                    except EOFError:
                        readers.remove(reader)
                        piece = _piece_after_death(reader, waiting)
                    if piece is not None and file is not None:
                        yield file if isinstance(file, str) else file.name, piece
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Ends all processes."""
        while self._readers:
            self._readers.pop().close()


def _inheriting(handle: int) -> dict[str, Any]:
    """Arguments of `subprocess.Popen` by which a process inherits a socket, and Ctrl-C reaches only its parent."""
    if os.name == "posix":
        return {"pass_fds": [handle], "start_new_session": True}
    windows: Any = subprocess
    os.set_handle_inheritable(handle, True)  # type: ignore[attr-defined,unused-ignore]
    startup = windows.STARTUPINFO(lpAttributeList={"handle_list": [handle]})
    return {"startupinfo": startup, "creationflags": windows.CREATE_NEW_PROCESS_GROUP}


@functools.cache
def _report_missing_limits() -> None:
    """Says once which limits of reader processes this system lacks."""
    if missing := missing_limits():
        limits = f"cannot be limited on this system; a damaged file may take {MAX_WALL_SECONDS:.0f} s"
        logging.getLogger("pianoroll_tf").warning("%s of reader processes %s", missing, limits)


def _wait_for_messages(readers: list[Reader]) -> list[Reader]:
    """Waits and returns the readers with a message; one past its deadline is ended, which its connection reports."""
    nearest = min(reader.deadline for reader in readers)
    timeout = None if nearest == float("inf") else max(0.0, nearest - time.monotonic())
    with_message = set(wait([reader.connection for reader in readers], timeout))
    for reader in readers:
        if reader.connection not in with_message and time.monotonic() >= reader.deadline:
            reader.process.send_signal(END_SIGNAL)
            reader.timed_out, reader.deadline = reader.file, float("inf")
    return [reader for reader in readers if reader.connection in with_message]


def _piece_after_death(reader: Reader, waiting: deque[str | File]) -> Piece | None:
    """The piece for the file of a reader that has died; None if the file is to be read again or there was none."""
    output = "" if reader.ready else reader.last_output()
    with contextlib.suppress(subprocess.TimeoutExpired):
        reader.process.wait(timeout=10)  # the socket is closed before the process has ended
    code = reader.close()
    if not reader.ready:
        raise RuntimeError(f"a reader process could not start: {output}")
    if reader.file is None:
        return None
    # It may have finished the file just before it was ended, and died at the next one, which is not to blame.
    timed_out = -code == CPU_SIGNAL or (-code == END_SIGNAL and reader.timed_out == reader.file)
    if reader.served and not timed_out:
        waiting.appendleft(reader.file)
        return None
    return Piece(reason=reason_of_exit(code))


def reason_of_exit(code: int) -> str:
    """The reason to skip a file whose reader ended with this exit code.

    >>> reason_of_exit(-signal.SIGSEGV)
    'reader process died: SIGSEGV'
    """
    if code == OUT_OF_MEMORY:
        return f"takes more than {MAX_MEMORY_BYTES >> 20} MiB of memory"
    if -code == CPU_SIGNAL:
        return f"takes more than {MAX_CPU_SECONDS} s of CPU"
    if -code == END_SIGNAL:
        return f"takes more than {MAX_WALL_SECONDS:.0f} s"
    name = signal.Signals(-code).name if -code in set(signal.Signals) else f"exit code {code}"
    return f"reader process died: {name}"
