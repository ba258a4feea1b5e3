"""Locks: one process at a time."""

import subprocess
import sys

import pytest

from pianoroll_tf.storage.locks import exclusive_lock, lock


@pytest.mark.parametrize("is_folder", [False, True])
def test_one_process_at_a_time_until_it_ends_or_dies(tmp_path, is_folder):
    path = tmp_path / "lock"
    held = "import sys; from pathlib import Path; from pianoroll_tf.storage.locks import exclusive_lock\n"
    held += f"with exclusive_lock(Path(sys.argv[1]), is_folder={is_folder}): print(1, flush=True); sys.stdin.read()"
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}

    def locked(refusal):
        return exclusive_lock(path, refusal, is_folder=is_folder)

    with subprocess.Popen([sys.executable, "-c", held, path], **pipes) as process:
        process.stdout.readline()
        assert path.is_dir() == is_folder
        with pytest.raises(ZeroDivisionError, match="another"), locked(ZeroDivisionError("another")):
            pytest.fail("two at a time")
        process.kill()
    with locked(OSError()):
        pass
    with pytest.raises(KeyError), locked(OSError()):
        raise KeyError
    with locked(OSError()):
        pass


def test_without_a_refusal_it_waits(tmp_path):
    path = tmp_path / "lock"
    waits = "import sys; from pathlib import Path; from pianoroll_tf.storage.locks import exclusive_lock\n"
    waits += "print(1, flush=True)\nwith exclusive_lock(Path(sys.argv[1])): print(Path(sys.argv[1]).read_text())"
    with exclusive_lock(path):
        process = subprocess.Popen([sys.executable, "-c", waits, path], stdout=subprocess.PIPE, text=True)
        process.stdout.readline()
        path.write_text("held until now")
    assert process.communicate()[0] == "held until now\n"


def test_an_error_of_the_block_is_not_taken_for_a_refusal(tmp_path):
    with pytest.raises(BlockingIOError), exclusive_lock(tmp_path / "lock", ZeroDivisionError()):
        raise BlockingIOError


def test_an_open_file_is_locked_until_it_is_closed(tmp_path):
    with (tmp_path / "a").open("wb") as first, (tmp_path / "a").open("rb") as second:
        assert lock(first)
        assert not lock(second)
        first.close()
        assert lock(second)
