"""The reader process: its replies, and its limits."""

import dataclasses
import json
import os
import socket
import subprocess
import sys
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
from midi_files import song

from pianoroll_tf.config import RecordsConfig
from pianoroll_tf.data.clock import Meter
from pianoroll_tf.data.conversion import Piece
from pianoroll_tf.data.reader import (
    MAX_CPU_SECONDS,
    MAX_MEMORY_BYTES,
    READY,
    decode_reply,
    encode_reply,
    encode_request,
)
from pianoroll_tf.data.records import PieceRecord
from pianoroll_tf.data.roll import SparseRoll
from pianoroll_tf.settings import to_dict

CONFIG = json.dumps(to_dict(RecordsConfig(grid="seconds")))


def run(code: str) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)


def test_a_piece_comes_back_from_its_bytes() -> None:
    roll = SparseRoll(np.array([1, 0, 2], np.uint8), np.array([10, 0, 10 + 128], np.uint8))  # 10 is a line feed
    record = PieceRecord(roll, bytes(range(32)), ((0, Meter(3, 4)), (2, Meter(6, 8))), 400_000)
    piece = Piece(sha256=record.sha256.hex(), notes=3, tempo_ignored=True, pitch_counts=(1, 2), record=record)
    assert decode_reply(encode_reply(piece)) == piece
    assert decode_reply(encode_reply(piece)).record == record
    assert decode_reply(encode_reply(piece)).record.velocities is None
    played = dataclasses.replace(record, velocities=np.array([10], np.uint8))
    assert decode_reply(encode_reply(Piece(record=played))).record.velocities.tolist() == [10]
    assert decode_reply(encode_reply(Piece(reason="no\nnotes"))) == Piece(reason="no\nnotes")


def test_it_replies_until_the_socket_is_closed(tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"\xff.mid")
    path.write_bytes(song([(0, 960, 60)]))
    ours, theirs = socket.socketpair()
    with theirs:
        command = [sys.executable, "-m", "pianoroll_tf.data.reader", str(theirs.fileno()), str(os.getpid()), CONFIG]
        process = subprocess.Popen(command, pass_fds=[theirs.fileno()])
    with Connection(ours.detach()) as connection:
        assert connection.recv_bytes() == READY
        for source in (str(path), path.read_bytes()):
            connection.send_bytes(encode_request(source))
            assert decode_reply(connection.recv_bytes()).notes == 1
    assert process.wait(timeout=30) == 0


def test_it_does_not_serve_another_parent() -> None:
    command = [sys.executable, "-m", "pianoroll_tf.data.reader", "0", "1", CONFIG]
    assert subprocess.run(command, stdin=subprocess.DEVNULL).returncode == 1


def test_memory_is_limited() -> None:
    done = run(
        "from pianoroll_tf.data import reader; reader.limit_memory()\n"
        "try:\n"
        f"    bytearray({MAX_MEMORY_BYTES})\n"
        "except MemoryError:\n"
        "    print('refused', len(bytearray(1 << 28)))"
    )
    assert done.stdout == f"refused {1 << 28}\n"


def test_cpu_is_limited_from_each_file_on() -> None:
    done = run(
        "from pianoroll_tf.data import reader; import resource, time\n"
        "while time.process_time() < 1.1: pass\n"
        "reader.limit_cpu(); print(resource.getrlimit(resource.RLIMIT_CPU)[0])"
    )
    assert int(done.stdout) in range(1 + MAX_CPU_SECONDS, 3 + MAX_CPU_SECONDS)


def test_both_output_streams_are_discarded() -> None:
    done = run(
        "from pianoroll_tf.data import reader; reader.discard_output(); import os; os.write(1, b'a'); os.write(2, b'b')"
    )
    assert (done.stdout, done.stderr, done.returncode) == ("", "", 0)
