"""Tests of pianoroll_tf.storage.files: whole or not at all, leftovers removed, errors that name the file."""

import errno
import os
import subprocess
import sys

import pytest

from pianoroll_tf.storage import files
from pianoroll_tf.storage.files import naming, remove_temporaries, sync, write_changed, write_whole

LEFTOVER = ".a.mid.0123456789abcdef.tmp"


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_writes_and_replaces(tmp_path):
    for content in (b"one", b"another"):
        write_whole(tmp_path / "a.mid", content)
        assert (tmp_path / "a.mid").read_bytes() == content
    assert names(tmp_path) == ["a.mid"]
    mask = os.umask(0)
    os.umask(mask)
    assert (tmp_path / "a.mid").stat().st_mode & 0o777 == 0o666 & ~mask


@pytest.mark.parametrize("name", ["é" * 127, "a" * 255, "[*?].mid", b"\xff.mid".decode(errors="surrogateescape")])
def test_any_name_that_a_file_can_have(tmp_path, name):
    write_whole(tmp_path / name, b"x")
    assert names(tmp_path) == [name]


def test_full_disk_leaves_what_stood_and_names_the_file(tmp_path):
    path = tmp_path / "a.mid"
    path.write_bytes(b"before")
    code = (
        "import resource, sys\n"
        "from pathlib import Path\n"
        "from pianoroll_tf.storage.files import write_whole\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))\n"
        "try:\n"
        "    write_whole(Path(sys.argv[1]), bytes(100_000))\n"
        "except OSError as error:\n"
        "    print(error.strerror, error.filename, sep='|')\n"
    )
    done = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True)
    assert done.stdout == f"File too large|{path}\n", done.stderr
    assert path.read_bytes() == b"before"
    assert names(tmp_path) == ["a.mid"]


def test_a_folder_that_is_not_there_is_named_by_the_file(tmp_path):
    with pytest.raises(FileNotFoundError, match="No such file") as error:
        write_whole(tmp_path / "none" / "a.mid", b"")
    assert error.value.filename == str(tmp_path / "none" / "a.mid")


def test_the_folder_is_synced_after_the_rename(tmp_path, monkeypatch):
    synced = []
    monkeypatch.setattr(files, "sync", lambda folder: synced.append((folder, names(folder))))
    write_whole(tmp_path / "a.mid", b"x")
    assert synced == [(tmp_path, ["a.mid"])]


def test_an_interrupt_leaves_nothing(tmp_path, monkeypatch):
    def interrupt(_):
        raise KeyboardInterrupt

    monkeypatch.setattr(files, "flush", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_whole(tmp_path / "a.mid", b"x")
    assert names(tmp_path) == []


def test_leftovers_of_the_same_file_are_removed_others_stay(tmp_path):
    others = [".b.mid.0123456789abcdef.tmp", ".a.mid.tmp", "a.mid.0123456789abcdef.tmp", ".a.mid.0123456789abcdeg.tmp"]
    for name in [LEFTOVER, *others]:
        (tmp_path / name).write_bytes(b"half")
    write_whole(tmp_path / "a.mid", b"whole")
    assert names(tmp_path) == sorted(["a.mid", *others])
    remove_temporaries(tmp_path)
    assert names(tmp_path) == sorted(["a.mid", *others[1:]])


def test_what_a_kill_leaves_is_removed(tmp_path):
    code = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from pianoroll_tf.storage import files\n"
        "files.flush = lambda file: os.kill(os.getpid(), signal.SIGKILL)\n"
        "files.write_whole(Path(sys.argv[1]), bytes(100_000))\n"
    )
    subprocess.run([sys.executable, "-c", code, tmp_path / "a.mid"])
    (left,) = names(tmp_path)
    assert left != "a.mid"
    write_whole(tmp_path / "a.mid", b"whole")
    assert names(tmp_path) == ["a.mid"]


def test_a_temporary_file_in_use_is_not_taken_for_a_leftover(tmp_path, monkeypatch):
    flush = files.flush

    def meanwhile(file):
        monkeypatch.setattr(files, "flush", flush)
        write_whole(tmp_path / "a.mid", b"second")
        remove_temporaries(tmp_path)
        flush(file)

    monkeypatch.setattr(files, "flush", meanwhile)
    write_whole(tmp_path / "a.mid", b"first")
    assert (tmp_path / "a.mid").read_bytes() == b"first"
    assert names(tmp_path) == ["a.mid"]


def test_a_file_with_the_same_content_is_left_alone(tmp_path):
    write_changed(tmp_path / "a", b"one")
    before = (tmp_path / "a").stat()
    write_changed(tmp_path / "a", b"one")
    after = (tmp_path / "a").stat()  # reading changes the time of access
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    write_changed(tmp_path / "a", b"two")
    assert (tmp_path / "a").read_bytes() == b"two"


def test_an_error_keeps_its_kind_and_gets_a_name(tmp_path):
    with pytest.raises(PermissionError, match=r"a\.mid"), naming(tmp_path / "a.mid"):
        raise OSError(errno.EACCES, os.strerror(errno.EACCES))


def test_sync_takes_files_and_folders(tmp_path):
    (tmp_path / "a").write_bytes(b"x")
    sync(tmp_path / "a")
    sync(tmp_path)
    with pytest.raises(FileNotFoundError):
        sync(tmp_path / "b")
