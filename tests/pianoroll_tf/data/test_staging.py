"""A folder appears whole under its name; two processes never make it at once."""

import fcntl
import subprocess
import sys
from pathlib import Path

import pytest

from pianoroll_tf.data import staging as staging_module
from pianoroll_tf.data.staging import publish, staging


def folder(path: Path, content: str) -> Path:
    path.mkdir()
    (path / "file").write_text(content)
    return path


def test_the_place_stays_for_the_next_attempt(tmp_path: Path) -> None:
    with staging(tmp_path / "deep" / "out") as place:
        assert place == tmp_path / "deep" / ".out.partial"
        (place / "kept").touch()
    with staging(tmp_path / "deep" / "out") as place:
        assert (place / "kept").exists()


def test_a_second_process_is_told(tmp_path: Path) -> None:
    code = (
        "import pathlib, sys; from pianoroll_tf.data.staging import staging\n"
        "with staging(pathlib.Path(sys.argv[1])): print('in')"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "out")]
    with staging(tmp_path / "out"):
        done = subprocess.run(command, capture_output=True, text=True)
        assert "UserError: another build is making" in done.stderr
    assert subprocess.run(command, capture_output=True, text=True).stdout == "in\n"


def test_a_place_that_was_removed_before_the_lock_was_taken_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place, flock, calls = tmp_path / ".out.partial", fcntl.flock, []

    def lock_too_late(descriptor: int, how: int) -> None:
        if not calls:
            place.rmdir()  # the other process has just finished
        calls.append(how)
        flock(descriptor, how)

    monkeypatch.setattr(fcntl, "flock", lock_too_late)
    with staging(tmp_path / "out") as given:
        assert given == place
        assert given.is_dir()
    assert len(calls) == 2


def test_publish_under_a_free_name_and_over_an_empty_folder(tmp_path: Path) -> None:
    for name in ("free", "empty"):
        whole = folder(tmp_path / f"whole {name}", name)
        if name == "empty":
            (tmp_path / name).mkdir()
        publish(whole, tmp_path / name)
        assert (tmp_path / name / "file").read_text() == name


@pytest.mark.parametrize("can_exchange", [True, False])
def test_publish_changes_places_with_what_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, can_exchange: bool
) -> None:
    if not can_exchange:
        monkeypatch.setattr(staging_module, "_exchange", lambda first, second: False)
    target, whole = folder(tmp_path / "out", "old"), folder(tmp_path / "whole", "new")
    publish(whole, target)
    assert (target / "file").read_text() == "new"
    old = whole if can_exchange and sys.platform == "linux" else tmp_path / "whole.old"
    assert (old / "file").read_text() == "old"


def test_without_renameat2_nothing_is_exchanged(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert not staging_module._exchange(tmp_path / "a", tmp_path / "b")
    assert list(tmp_path.iterdir()) == []
