"""Many files in several processes: every file gets its piece, whatever happens to its reader."""

import os
import signal
import struct
import subprocess
import sys
import time
from collections import deque
from pathlib import Path

import pytest
from midi_files import header, write_corpus

from pianoroll_tf.config import RecordsConfig
from pianoroll_tf.data import workers
from pianoroll_tf.data.conversion import convert
from pianoroll_tf.data.reader import OUT_OF_MEMORY
from pianoroll_tf.data.workers import Reader, convert_all, reason_of_exit


def corpus(folder: Path, pieces: int = 6) -> list[str]:
    return sorted(str(path) for path in write_corpus(folder, pieces, quarters=4).iterdir())


def hang(folder: Path) -> str:
    """A file that pretty_midi's parser reads for ever, or nearly."""
    path = folder / "hang.mid"
    path.write_bytes(header(1) + b"MTrk" + struct.pack(">I", 400_000) + b"\xff" * 400_000)
    return str(path)


def started(config: RecordsConfig) -> Reader:
    reader = Reader(config)
    assert reader.receive() is None
    assert reader.ready
    return reader


@pytest.mark.parametrize("number", [1, 2, 3])
def test_pieces_are_the_same_as_without_processes(tmp_path: Path, number: int) -> None:
    paths = [*corpus(tmp_path), str(tmp_path / "nowhere.mid")]
    found = dict(convert_all(paths, RecordsConfig(grid="seconds"), number))
    assert found == {path: convert(path, RecordsConfig(grid="seconds")) for path in paths}


def test_no_files_start_no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "Reader", None)
    assert list(convert_all([], RecordsConfig(grid="seconds"), 2)) == []


def test_a_file_that_takes_too_much_cpu_costs_only_itself(tmp_path: Path) -> None:
    paths = [*corpus(tmp_path, 3), hang(tmp_path)]
    found = dict(convert_all(paths, RecordsConfig(grid="seconds", parser="pretty_midi"), 2))
    assert [found[path].reason for path in paths] == ["", "", "", "takes more than 5 s of CPU"]


def test_a_file_that_takes_too_long_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "MAX_WALL_SECONDS", 0.3)
    found = dict(convert_all([hang(tmp_path)], RecordsConfig(grid="seconds", parser="pretty_midi"), 1))
    assert [piece.reason for piece in found.values()] == ["takes more than 0 s"]


def test_a_reader_that_dies_at_its_first_file_costs_that_file(tmp_path: Path) -> None:
    reader, waiting = started(RecordsConfig(grid="seconds", parser="pretty_midi")), deque()
    reader.send(hang(tmp_path))
    os.kill(reader.process.pid, signal.SIGSEGV)
    with pytest.raises(EOFError):
        reader.receive()
    piece = workers._piece_after_death(reader, waiting)
    assert piece is not None
    assert piece.reason == "reader process died: SIGSEGV"
    assert not waiting


def test_a_reader_that_dies_later_has_its_file_tried_again(tmp_path: Path) -> None:
    (first,), second = corpus(tmp_path, 1), hang(tmp_path)
    reader, waiting = started(RecordsConfig(grid="seconds", parser="pretty_midi")), deque(["next"])
    reader.send(first)
    piece = reader.receive()
    assert piece is not None
    assert piece.notes > 0
    reader.send(second)
    os.kill(reader.process.pid, signal.SIGKILL)
    with pytest.raises(EOFError):
        reader.receive()
    assert workers._piece_after_death(reader, waiting) is None
    assert list(waiting) == [second, "next"]


@pytest.mark.parametrize("received", [True, False])
def test_only_the_file_at_which_a_reader_was_ended_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, received: bool
) -> None:
    first, second = corpus(tmp_path, 2)
    reader, waiting = started(RecordsConfig(grid="seconds")), deque()
    reader.send(first)
    assert reader.receive() is not None
    reader.send(second)
    assert reader.connection.poll(10)  # it has replied, but that was not received when its time was over
    reader.deadline = 0.0
    monkeypatch.setattr(workers, "wait", lambda connections, timeout: [])
    assert workers._wait_for_messages([reader]) == []
    if received:
        assert reader.receive() is not None
        reader.send("next")
    piece = workers._piece_after_death(reader, waiting)
    assert (piece is None, list(waiting)) == (received, ["next"] if received else [])
    assert piece is None or piece.reason == "takes more than 60 s"


def test_a_reader_that_dies_between_files_costs_nothing(tmp_path: Path) -> None:
    paths, killed, found = corpus(tmp_path, 5), [], {}
    spawn = workers.Reader

    class Watched(spawn):
        def __init__(self, config: RecordsConfig) -> None:
            super().__init__(config)
            killed.append(self.process)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(workers, "Reader", Watched)
        for path, piece in convert_all(paths, RecordsConfig(grid="seconds"), 1):
            found[path] = piece
            if len(found) == 2:
                killed[0].kill()
                killed[0].wait()
    assert len(killed) == 2
    assert found == {path: convert(path, RecordsConfig(grid="seconds")) for path in paths}


def test_readers_end_when_the_caller_stops_listening(tmp_path: Path) -> None:
    spawned, spawn = [], workers.Reader

    def watched(config: RecordsConfig) -> Reader:
        spawned.append(spawn(config))
        return spawned[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(workers, "Reader", watched)
        results = convert_all(corpus(tmp_path), RecordsConfig(grid="seconds"), 2)
        next(results)
        results.close()
    assert len(spawned) == 2
    assert all(reader.process.returncode is not None for reader in spawned)


def test_a_reader_that_cannot_start_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers.sys, "executable", "/bin/false")
    with pytest.raises(RuntimeError, match="a reader process could not start: no message"):
        list(convert_all(corpus(tmp_path, 1), RecordsConfig(grid="seconds"), 1))


def test_a_reader_that_never_starts_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "MAX_START_SECONDS", 0.0)
    with pytest.raises(RuntimeError, match="a reader process could not start"):
        list(convert_all(corpus(tmp_path, 1), RecordsConfig(grid="seconds"), 1))


def test_readers_do_not_outlive_a_parent_that_is_killed(tmp_path: Path) -> None:
    code = (
        "import sys, time\n"
        "from pianoroll_tf.config import RecordsConfig\n"
        "from pianoroll_tf.data.workers import Reader\n"
        "reader = Reader(RecordsConfig(grid='seconds', parser='pretty_midi'))\n"
        "reader.receive()\n"
        "reader.send(sys.argv[1])\n"
        "print(reader.process.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code, hang(tmp_path)], stdout=subprocess.PIPE, text=True) as parent:
        state = Path("/proc", parent.stdout.readline().strip(), "stat")
        assert state.exists()
        parent.kill()
    for _ in range(200):  # up to 2 s: long before its 5 s of CPU are over
        if not state.exists() or state.read_text().rsplit(")", 1)[1].split()[0] == "Z":
            return
        time.sleep(0.01)
    pytest.fail("the reader is still running")


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (OUT_OF_MEMORY, "takes more than 1024 MiB of memory"),
        (-signal.SIGXCPU, "takes more than 5 s of CPU"),
        (-signal.SIGALRM, "takes more than 60 s"),
        (-signal.SIGKILL, "reader process died: SIGKILL"),
        (3, "reader process died: exit code 3"),
    ],
)
def test_reasons_for_deaths(code: int, reason: str) -> None:
    assert reason_of_exit(code) == reason


def test_readers_are_kept_from_one_set_of_files_to_the_next(tmp_path: Path) -> None:
    started: list[Reader] = []

    def start(config: RecordsConfig) -> Reader:
        started.append(Reader(config))
        return started[-1]

    paths = corpus(tmp_path, 4)
    readers = workers.Readers(RecordsConfig(grid="seconds"), 1, start)
    found = [path for half in (paths[:2], paths[2:]) for path, _ in readers.convert(half)]
    readers.close()
    assert sorted(found) == sorted(paths)
    assert [reader.served for reader in started] == [4]
    assert started[0].process.poll() is not None
