"""Files that appear whole, on the local filesystem and on one without folders that does not rename over a file."""

from pathlib import Path

import pytest

pytest.importorskip("apache_beam")

import shelf_filesystem

from pianoroll_tf.data.beam.files import exists, in_threads, join, read, read_json, write_json, write_whole
from pianoroll_tf.errors import DamagedError


@pytest.fixture(params=["local", "shelf"])
def folder(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv(shelf_filesystem.ROOT, str(tmp_path))
    return str(tmp_path / "a [folder]") if request.param == "local" else "shelf://bucket/folder"


def test_a_file_is_read_as_it_was_written_and_written_again(folder: str, tmp_path: Path) -> None:
    path = join(folder, "name")
    assert not exists(path)
    assert write_whole(path, lambda file: file.write(b"content")) == 7
    assert (read(path), read(path, 4)) == (b"content", b"cont")
    write_whole(path, lambda file: file.write(b"content"))
    assert [found.name for found in tmp_path.rglob("*") if found.is_file()] == ["name"]


def test_a_write_that_fails_leaves_the_file_as_it_was(folder: str) -> None:
    path = join(folder, "name")
    write_whole(path, lambda file: file.write(b"before"))
    with pytest.raises(ZeroDivisionError):
        write_whole(path, lambda file: file.write(b"after") / 0)
    assert read(path) == b"before"


def test_damaged_json_is_detected(folder: str) -> None:
    path = join(folder, "name")
    write_json(path, [1, "a\udcff"])
    assert read_json(path) == [1, "a\udcff"]
    damaged = read(path).replace(b"1", b"2", 1)
    write_whole(join(folder, "other"), lambda file: file.write(damaged))
    with pytest.raises(DamagedError, match="its sha256 does not match"):
        read_json(join(folder, "other"))


def test_a_missing_file_is_an_os_error(folder: str) -> None:
    with pytest.raises(OSError):
        read(join(folder, "none"))


def test_few_items_are_taken_in_advance_and_an_error_is_raised() -> None:
    taken = []

    def items():
        for number in range(1000):
            taken.append(number)
            yield number

    results = in_threads(lambda number: 1 // (number - 40), items())
    assert [next(results) for _ in range(3)] == [-1, -1, -1]
    assert len(taken) < 50
    with pytest.raises(ZeroDivisionError):
        list(results)
