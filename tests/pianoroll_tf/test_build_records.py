"""The command: what it prints, its exit codes, and what a kill or a full disk does to it."""

import os
import random
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from midi_files import write_corpus

from pianoroll_tf import build_records
from pianoroll_tf.data.records import read_manifest
from pianoroll_tf.storage.folders import work_folder

COMMAND = [sys.executable, "-m", "pianoroll_tf.build_records"]


@pytest.fixture
def midi(tmp_path: Path) -> Path:
    return write_corpus(tmp_path / "midi", pieces=8, quarters=4)


def run(*arguments: object) -> subprocess.CompletedProcess:
    return subprocess.run([*COMMAND, *map(str, arguments)], capture_output=True, text=True)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def one_line(done: subprocess.CompletedProcess) -> str:
    """The last line of stderr; there is no traceback."""
    assert "Traceback" not in done.stderr
    return done.stderr.strip().splitlines()[-1].removeprefix("python -m pianoroll_tf.build_records: ")


def wait_for(path: Path, seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not path.exists():
        assert time.monotonic() < end, f"{path} does not appear"
        time.sleep(0.005)


def test_summary_list_and_second_run(midi: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    (midi / "bad.mid").write_bytes(b"bad")
    arguments = [str(midi), str(tmp_path / "out"), "--workers", "1", "--list-skipped", "--steps-per-second", "16"]
    assert build_records.main(arguments) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[:3] == [
        "bad.mid: not a MIDI file",
        f"{tmp_path / 'out'}: built",
        "  pieces      8 used of 9 files, 1 skipped",
    ]
    assert read_manifest(tmp_path / "out")["settings"]["steps_per_second"] == 16
    assert build_records.main(arguments) == 0
    assert "already up to date" in capsys.readouterr().out


def test_options_of_beam_need_its_runner(midi: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    arguments = [str(midi), str(tmp_path / "out"), "--beam-options=--runner=DataflowRunner"]
    assert build_records.main(arguments) == 2
    line = "--beam-options must be given with --runner beam. Received: runner=direct\n"
    assert capsys.readouterr().err == f"python -m pianoroll_tf.build_records: {line}"
    assert not (tmp_path / "out").exists()


def test_records_at_a_url_have_summary_and_list(
    midi: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    pytest.importorskip("apache_beam")
    monkeypatch.setenv("SHELF_ROOT", str(tmp_path))
    (midi / "bad.mid").write_bytes(b"bad")
    assert build_records.main([str(midi), str(tmp_path / "local"), "--workers", "1"]) == 0
    capsys.readouterr()
    arguments = ["shelf://midi", "shelf://bucket/out", "--list-skipped", "--workers", "1", "--runner", "beam"]
    assert build_records.main([*arguments, "--beam-options=--beam_plugin=shelf_filesystem"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == ["bad.mid: not a MIDI file", "shelf://bucket/out: built"]
    assert not any("advice" in line for line in lines)
    assert contents(tmp_path / "bucket" / "out") == contents(tmp_path / "local")


def test_verify_says_what_is_damaged(midi: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    out = tmp_path / "out"
    assert build_records.main([str(midi), str(out), "--workers", "1"]) == 0
    assert build_records.main(["--verify", str(out)]) == 0
    assert "every shard matches the manifest" in capsys.readouterr().out
    shard = min(out.glob("train-*"))
    shard.write_bytes(shard.read_bytes()[:-2])
    assert build_records.main(["--verify", str(out)]) == 1
    progress, damage, last = capsys.readouterr().err.splitlines()
    assert re.fullmatch(r"8/8 records checked, \d+ s", progress)
    assert damage.startswith(f"{shard}: record ")
    assert "is damaged (1 found); build the records again with --overwrite" in last


def test_what_holds_no_records_is_not_called_damaged(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    assert build_records.main(["--verify", str(tmp_path)]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith(f": {tmp_path} must hold records, written by build_records. Received: no manifest.json")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "INPUT and RECORDS_DIR must be given"),
        (["a"], "INPUT and RECORDS_DIR must be given"),
        (["a", "b", "--workers", "0"], "workers must be a whole number >= 1. Received: workers=0"),
        (["a", "b", "--val", "0.5", "--test", "0.5"], "val + test must be < 1"),
        (["a", "b", "--shards", "0"], "shards must be a whole number >= 1"),
        (["a", "b", "--verify", "c"], "--verify must be used alone"),
    ],
)
def test_wrong_usage(arguments: list[str], message: str, capsys: pytest.CaptureFixture) -> None:
    assert build_records.main(arguments) == 2
    assert message in capsys.readouterr().err


def test_what_cannot_be_written_is_one_line(midi: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    done = run(midi, tmp_path / "file")
    assert (done.returncode, one_line(done)) == (
        1, f"{tmp_path / 'file'} must be a folder, but it is a file",
    )  # fmt: skip
    done = run(midi, tmp_path / "file" / "out")
    assert (done.returncode, one_line(done).split(":")[0]) == (1, "Not a directory")
    done = run(midi, "/proc/out")
    assert (done.returncode, one_line(done).split(":")[0]) == (1, "No such file or directory")
    assert (tmp_path / "file").read_text() == "mine"


def test_names_that_are_not_utf8_are_printed_escaped(midi: Path, tmp_path: Path) -> None:
    odd = tmp_path / os.fsdecode(b"caf\xe9")
    try:
        odd.mkdir()
        (odd / os.fsdecode(b"\xe9.mid")).write_bytes(b"bad")
    except OSError:
        pytest.skip("this file system has no such names")
    for path in midi.iterdir():
        path.rename(odd / path.name)
    table = tmp_path / os.fsdecode(b"\xe9.csv")
    table.write_text("path,split\n" + "".join(f"0{number}.mid,train\n" for number in range(8)))
    done = run(odd, odd / "out", "--list-skipped", "--splits", table)
    assert (done.returncode, "Traceback" in done.stderr) == (0, False)
    first, second = done.stdout.splitlines()[:2]
    assert (first, second) == ("\\xe9.mid: not a MIDI file", f"{tmp_path}/caf\\xe9/out: built")
    assert run("--verify", odd / "out").returncode == 0
    assert run(odd, odd).returncode == 1
    assert read_manifest(odd / "out")["settings"]["splits"].startswith("\\xe9.csv@")


def test_an_archive_as_a_command(midi: Path, tmp_path: Path) -> None:
    (midi / "link.mid").symlink_to(midi / "00.mid")
    done = run(midi, tmp_path / "plain")
    assert "1 skipped: a link (--follow-links reads it)" in done.stdout
    *_, link, few, train = done.stdout.splitlines()
    again = shlex.join(["python", "-m", "pianoroll_tf.build_records", str(midi), str(tmp_path / "plain")])
    assert link.endswith(f"reads it); {again} --follow-links --overwrite")
    assert "pieces to train on: more files help most" in few
    assert train.endswith(" --transpose 11")
    done = run(midi, tmp_path / "followed", "--follow-links")
    assert "1 skipped: duplicate" in done.stdout
    archive = shutil.make_archive(str(tmp_path / "packed"), "zip", midi)
    assert run(archive, tmp_path / "out").returncode == 0
    assert read_manifest(tmp_path / "out")["totals"]["pieces"] == 8


def test_a_second_build_into_the_same_folder_is_refused(midi: Path, tmp_path: Path) -> None:
    with work_folder(tmp_path / "out"):
        done = run(midi, tmp_path / "out")
    assert done.returncode == 1
    assert one_line(done).startswith(f"{tmp_path / 'out'} is in use by another process")


@pytest.mark.parametrize("limit", [1_000, 30_000, 45_000, 60_000, 90_000, 120_000])
def test_a_full_disk_is_one_line_and_leaves_nothing_under_the_final_name(tmp_path: Path, limit: int) -> None:
    midi = write_corpus(tmp_path / "midi", pieces=40, quarters=16)
    code = (
        f"import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))\n"
        "from pianoroll_tf import build_records\n"
        "sys.exit(build_records.main(sys.argv[1:]))"
    )
    command = [sys.executable, "-c", code, midi, tmp_path / "out", "--shards", "1", "--workers", "1"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode == 0:  # it fits: the largest file is the journal
        assert limit > 45_000
        assert not run("--verify", tmp_path / "out").returncode
        return
    assert done.returncode == 1
    assert one_line(done).startswith("cannot write beside")
    assert not (tmp_path / "out").exists()
    assert run(midi, tmp_path / "out", "--shards", "1").returncode == 0  # with space on the disk again it resumes
    build_records.main([str(midi), str(tmp_path / "plain"), "--shards", "1", "--workers", "1"])
    assert contents(tmp_path / "out") == contents(tmp_path / "plain")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_polite_signal_leaves_cleanly(tmp_path: Path, number: int) -> None:
    midi = write_corpus(tmp_path / "midi", pieces=300, quarters=4)
    with subprocess.Popen([*COMMAND, midi, tmp_path / "out"], stderr=subprocess.PIPE, text=True) as process:
        wait_for(tmp_path / ".out.partial" / "journal-beats.sqlite")
        process.send_signal(number)
        errors = process.stderr.read()
    assert process.returncode in (128 + number, 0)
    assert "Traceback" not in errors
    assert (tmp_path / "out").exists() == (process.returncode == 0)


@pytest.mark.slow
def test_kill_at_random_moments_then_the_same_command_gives_the_same_bytes(tmp_path: Path) -> None:
    midi = write_corpus(tmp_path / "midi", pieces=250, quarters=24)
    (midi / "bad.mid").write_bytes(b"bad")
    begin = time.monotonic()
    assert run(midi, tmp_path / "plain").returncode == 0
    whole_seconds = time.monotonic() - begin
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    rng = random.Random(seed)
    for round_ in range(3):
        out = tmp_path / f"out{round_}"
        kills = 0
        for attempt in range(4):
            process = subprocess.Popen([*COMMAND, midi, out], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            if attempt:
                time.sleep(rng.uniform(0.1, whole_seconds))
            else:
                wait_for(
                    tmp_path / f".out{round_}.partial" / "journal-beats.sqlite"
                )  # it then has the whole work before it
            process.kill()
            kills += process.wait() == -signal.SIGKILL
            assert not out.exists() or contents(out) == contents(tmp_path / "plain")
        assert kills, "every attempt ended before it was killed"
        assert run(midi, out).returncode == 0
        assert contents(out) == contents(tmp_path / "plain")
        assert not (tmp_path / f".out{round_}.partial").exists()
