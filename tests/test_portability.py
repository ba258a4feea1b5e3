"""The package runs without what only Linux, or only POSIX, offers."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from midi_files import write_corpus
from repository import ROOT

from pianoroll_tf.data import workers

# What Windows lacks is removed, after the standard library has adapted to this system; flock imitates msvcrt
WINDOWS = """
import asyncio, fcntl, multiprocessing.connection, os, shutil, subprocess, sys, tempfile, types
flock, shutil._use_fd_functions = fcntl.flock, False
sys.modules["fcntl"] = sys.modules["resource"] = None
missing = "sched_getaffinity O_DIRECTORY O_NONBLOCK O_NOFOLLOW O_CLOEXEC fork getuid killpg setsid"
for name in missing.split():
    delattr(os, name)
import signal
for name in ("SIGALRM", "SIGXCPU", "SIGHUP"):
    delattr(signal, name)
msvcrt = sys.modules["msvcrt"] = types.ModuleType("msvcrt")
msvcrt.LK_NBLCK = 2
def locking(descriptor, mode, count):
    assert mode == msvcrt.LK_NBLCK
    flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
msvcrt.locking = locking
"""


def run(code: str, *words: object) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, "-c", WINDOWS + code, *map(str, words)], capture_output=True, text=True)


def test_every_module_can_be_imported():
    names = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for package in ("pianoroll_tf", "tuner")
        for path in (ROOT / package).rglob("*.py")
        if path.name != "__init__.py" and "node_modules" not in path.parts
    ]
    done = run("import importlib\nfor name in sys.argv[1:]: importlib.import_module(name)", *names)
    assert done.returncode == 0, done.stderr


def test_records_are_built_and_the_missing_limits_are_said_once(tmp_path: Path):
    write_corpus(tmp_path / "midi", 2, quarters=8)
    code = (
        "from pianoroll_tf.build_records import main\n"
        "from pianoroll_tf.storage import files\n"
        "files._RENAMES_OPEN_FILES = False\n"
        "sys.exit(main(sys.argv[1:]))\n"
    )
    done = run(code, tmp_path / "midi", tmp_path / "records", "--grid", "seconds", "--workers", "2")
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("memory and CPU time of reader processes cannot be limited on this system") == 1
    assert {path.name for path in tmp_path.iterdir()} == {"midi", "records"}
    verified = subprocess.run(
        [sys.executable, "-m", "pianoroll_tf.build_records", "--verify", tmp_path / "records"], cwd=ROOT
    )
    assert verified.returncode == 0


@pytest.mark.parametrize("is_folder", [False, True])
def test_a_lock_is_held_by_one_process(tmp_path: Path, is_folder: bool):
    code = (
        "from pathlib import Path\n"
        "from pianoroll_tf.storage.locks import exclusive_lock\n"
        "try:\n"
        f"    with exclusive_lock(Path(sys.argv[1]), KeyError('in use'), is_folder={is_folder}):\n"
        "        print('held', flush=True)\n"
        "        sys.stdin.read()\n"
        "except KeyError as error:\n"
        "    print(*error.args)\n"
    )
    command = [sys.executable, "-c", WINDOWS + code, str(tmp_path / "lock")]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, **pipes) as first:
        assert first.stdout.readline() == "held\n"
        assert (tmp_path / "lock").is_dir() == is_folder
        assert subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL).stdout == "in use\n"
        first.kill()
    again = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert again.stdout == "held\n"
    assert {path.name for path in tmp_path.iterdir()} == {"lock"}


def test_files_are_closed_before_they_are_renamed_where_the_system_asks_for_it(tmp_path: Path):
    code = (
        "from pathlib import Path\n"
        "from pianoroll_tf.storage import files\n"
        "files._RENAMES_OPEN_FILES = False\n"
        "def is_open(path):\n"
        "    return any(os.path.realpath(f'/proc/self/fd/{fd}') == str(path) for fd in os.listdir('/proc/self/fd'))\n"
        "for name in ('replace', 'unlink'):\n"
        "    def checked(self, *words, name=name, before=getattr(Path, name), **more):\n"
        "        print(name, is_open(self))\n"
        "        return before(self, *words, **more)\n"
        "    setattr(Path, name, checked)\n"
        "folder = Path(sys.argv[1]).resolve()\n"
        "(folder / '.a.mid.0123456789abcdef.tmp').touch()\n"
        "files.write_whole(folder / 'a.mid', b'x')\n"
    )
    assert run(code, tmp_path).stdout == "unlink False\nreplace False\n"
    assert [path.name for path in tmp_path.iterdir()] == ["a.mid"]


def test_a_socket_is_inherited_on_windows_by_its_handle(monkeypatch: pytest.MonkeyPatch):
    inheritable = []
    monkeypatch.setattr(os, "name", "nt")
    monkeypatch.setattr(os, "set_handle_inheritable", lambda *words: inheritable.append(words), raising=False)
    monkeypatch.setattr(subprocess, "STARTUPINFO", dict, raising=False)
    monkeypatch.setattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 512, raising=False)
    found = workers._inheriting(7)
    monkeypatch.undo()
    assert inheritable == [(7, True)]
    assert found == {"startupinfo": {"lpAttributeList": {"handle_list": [7]}}, "creationflags": 512}
