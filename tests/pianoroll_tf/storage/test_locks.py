"""Locks: one process at a time."""

import subprocess
import sys

import pytest

from pianoroll_tf.storage.locks import sole_process


def test_one_process_at_a_time_until_it_ends_or_dies(tmp_path):
    lock = tmp_path / "lock"
    held = "import sys; from pathlib import Path; from pianoroll_tf.storage.locks import sole_process\n"
    held += "with sole_process(Path(sys.argv[1]), OSError()): print(1, flush=True); sys.stdin.read()"
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", held, lock], **pipes) as process:
        process.stdout.readline()
        with pytest.raises(ZeroDivisionError, match="another"), sole_process(lock, ZeroDivisionError("another")):
            pytest.fail("two at a time")
        process.kill()
    with sole_process(lock, OSError()):
        pass
    with pytest.raises(KeyError), sole_process(lock, OSError()):
        raise KeyError
    with sole_process(lock, OSError()):
        pass
