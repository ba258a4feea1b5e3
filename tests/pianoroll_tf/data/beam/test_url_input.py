"""A folder given by its URL: same names, order and filters as a local one."""

import os
import shutil
from pathlib import Path

import pytest
from beam_corpus import contents, write_mixed

pytest.importorskip("apache_beam")

import shelf_filesystem

from pianoroll_tf.config import RecordsConfig
from pianoroll_tf.data.beam.engine import Beam
from pianoroll_tf.data.beam.url_input import UrlFolder, check_url
from pianoroll_tf.data.build import build
from pianoroll_tf.data.discover import find_files
from pianoroll_tf.data.midi import MAX_FILE_BYTES
from pianoroll_tf.data.smf import MidiError
from pianoroll_tf.errors import UserError


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(shelf_filesystem.ROOT, str(tmp_path))
    return tmp_path


def test_names_and_order_are_those_of_a_local_folder(shelf: Path) -> None:
    for name in ("b.mid", "a/z.MID", "a.mid", "a/b/c.kar", "a/._c.mid", ".DS_Store", "a b/é.rmi", "notes.txt"):
        (shelf / "midi" / name).parent.mkdir(parents=True, exist_ok=True)
        (shelf / "midi" / name).write_bytes(b"x")
    folder = UrlFolder("shelf://midi/")
    assert [found.path for found in folder.found()] == [found.path for found in find_files(shelf / "midi")]
    assert dict(folder.sources(["b.mid"])) == {"b.mid": b"x"}
    assert [found.path for found in UrlFolder("shelf://midi", "*.txt").found()] == ["notes.txt"]


def test_a_stamp_tells_whether_a_file_has_changed(shelf: Path) -> None:
    (shelf / "midi").mkdir()
    path = shelf / "midi" / "a.mid"
    path.write_bytes(b"x")
    before = UrlFolder("shelf://midi").stamp("a.mid")
    assert UrlFolder("shelf://midi").stamp("a.mid") == before
    os.utime(path, (1, 1))
    assert UrlFolder("shelf://midi").stamp("a.mid") != before


def test_a_file_that_cannot_be_read_has_a_reason(shelf: Path) -> None:
    (shelf / "midi").mkdir()
    (shelf / "midi" / "a.mid").write_bytes(b"x")
    with (shelf / "midi" / "large.mid").open("wb") as file:
        file.truncate(MAX_FILE_BYTES + 1)
    folder = UrlFolder("shelf://midi")
    (shelf / "midi" / "a.mid").unlink()
    found = dict(folder.sources(["a.mid", "large.mid"]))
    assert all(isinstance(error, MidiError) for error in found.values())
    assert [str(error) for error in found.values()] == ["unreadable: No such file or directory", "larger than 16 MiB"]


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("shelf://midi/*.mid", r"^INPUT must be a URL without any of \*\?\[\. Received: shelf://midi/\*\.mid$"),
        (
            "nowhere://midi",
            r"^INPUT must be a URL whose filesystem Beam knows \(pip install .*\)\. Received: nowhere://",
        ),
        ("shelf://empty", r"^shelf://empty holds no file that ends in \.mid, \.midi, \.kar or \.rmi$"),
    ],
)
def test_a_url_that_cannot_be_used_is_one_line(shelf: Path, url: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        UrlFolder(url)


def test_slashes_at_the_end_are_left_out() -> None:
    assert check_url("shelf://midi//", "INPUT") == "shelf://midi"


def test_records_of_a_url_are_those_of_the_same_folder(shelf: Path) -> None:
    midi = write_mixed(shelf / "midi")
    (midi / "sub" / "link.mid").unlink()
    shutil.rmtree(shelf / "out", ignore_errors=True)
    build(midi, shelf / "direct", RecordsConfig(grid="seconds"))
    build("shelf://midi", shelf / "beam", RecordsConfig(grid="seconds"), engine=Beam())
    assert contents(shelf / "beam") == contents(shelf / "direct")
    manifest, is_new = build("shelf://midi", shelf / "direct", RecordsConfig(grid="seconds"), engine=Beam())
    assert not is_new
    assert manifest["totals"]["pieces"] == 10
