"""Files that appear whole."""

import os
import resource
import subprocess
import sys

import pytest

from pianoroll_tf.generation.files import write_whole


def test_writes_and_replaces(tmp_path):
    for content in (b"one", b"another"):
        write_whole(tmp_path / "a.mid", content)
        assert (tmp_path / "a.mid").read_bytes() == content
    assert [path.name for path in tmp_path.iterdir()] == ["a.mid"]
    mask = os.umask(0)
    os.umask(mask)
    assert (tmp_path / "a.mid").stat().st_mode & 0o777 == 0o666 & ~mask


def test_full_disk_leaves_what_stood(tmp_path):
    (tmp_path / "a.mid").write_bytes(b"before")
    code = (
        "from pathlib import Path\n"
        "from pianoroll_tf.generation.files import write_whole\n"
        f"write_whole(Path({str(tmp_path / 'a.mid')!r}), bytes(100_000))\n"
    )

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))

    done = subprocess.run([sys.executable, "-c", code], preexec_fn=limit, capture_output=True, text=True)
    assert done.returncode != 0
    assert "OSError" in done.stderr
    assert (tmp_path / "a.mid").read_bytes() == b"before"
    assert [path.name for path in tmp_path.iterdir()] == ["a.mid"]


def test_folder_that_is_not_there(tmp_path):
    with pytest.raises(OSError, match="No such file"):
        write_whole(tmp_path / "none" / "a.mid", b"")
