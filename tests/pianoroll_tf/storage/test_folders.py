"""A folder appears whole under its name; two processes never write it at once; a foreign folder is never touched."""

import fcntl
import subprocess
import sys
from pathlib import Path

import pytest

from pianoroll_tf.errors import InUseError, UserError
from pianoroll_tf.storage import folders
from pianoroll_tf.storage.folders import (
    check_folder,
    exclusive_folder,
    remove_work_folder,
    replace_folder,
    whole_folder,
    work_folder,
)


def folder(path: Path, content: str) -> Path:
    path.mkdir()
    (path / "file").write_text(content)
    return path


def names(path: Path) -> list[str]:
    return sorted(entry.name for entry in path.iterdir())


def test_only_a_free_path_an_empty_folder_or_one_of_the_kind_may_be_used(tmp_path: Path) -> None:
    assert not check_folder(tmp_path / "free", "a run", "config.json")
    run = tmp_path / "run"
    run.mkdir()
    assert not check_folder(run, "a run", "config.json")
    (run / ".lock").touch()
    assert not check_folder(run, "a run", "config.json")
    with pytest.raises(UserError, match=r"it has \.lock but no config\.json"):
        check_folder(run, "a run", "config.json", allow_hidden=False)
    (run / "thesis.txt").touch()
    with pytest.raises(UserError, match=r"must be a run or an empty folder: it has thesis\.txt but no config\.json"):
        check_folder(run, "a run", "config.json")
    (run / "config.json").touch()
    assert check_folder(run, "a run", "config.json")
    with pytest.raises(UserError, match=r"thesis\.txt must be a folder, but it is a file"):
        check_folder(run / "thesis.txt", "a run", "config.json")


def test_one_process_at_a_time_uses_a_folder_and_a_foreign_one_gets_no_lock(tmp_path: Path) -> None:
    with exclusive_folder(tmp_path / "deep" / "run", "a run", "config.json"):
        with (
            pytest.raises(InUseError, match="deep/run is in use by another process"),
            exclusive_folder(tmp_path / "deep" / "run", "a run", "config.json"),
        ):
            pytest.fail("two at a time")
        assert names(tmp_path / "deep" / "run") == [".lock"]
    with exclusive_folder(tmp_path / "deep" / "run", "a run", "config.json"):
        pass
    with pytest.raises(UserError, match="must be a run"), exclusive_folder(tmp_path, "a run", "config.json"):
        pytest.fail("foreign")
    assert names(tmp_path) == ["deep"]


def test_a_whole_folder_appears_at_the_end_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    target = tmp_path / "out"
    folder(tmp_path / ".out.partial", "left behind by a kill")
    for content in ("new", "newer"):
        with whole_folder(target) as partial:
            assert names(partial) == []
            (partial / "file").write_text(content)
            assert content == "newer" or not target.exists()
        assert (target / "file").read_text() == content
        assert names(tmp_path) == ["out"]


def test_after_an_error_the_target_is_unchanged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = folder(tmp_path / "out", "old")
    with pytest.raises(KeyboardInterrupt), whole_folder(target) as partial:
        (partial / "file").touch()
        raise KeyboardInterrupt
    monkeypatch.setattr(folders, "sync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(OSError, match="No space left"), whole_folder(target):
        pass
    assert (target / "file").read_text() == "old"
    assert names(tmp_path) == ["out"]


def test_everything_is_on_disk_before_the_rename(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced = []
    monkeypatch.setattr(folders, "sync", lambda path: synced.append((path.name, (tmp_path / "out").exists())))
    with whole_folder(tmp_path / "out") as partial:
        folder(partial / "deep", "content")
    expected = [("deep", False), ("file", False), (".out.partial", False), (tmp_path.name, True)]
    assert synced == expected


def test_the_work_folder_is_kept_for_the_next_attempt(tmp_path: Path) -> None:
    with work_folder(tmp_path / "deep" / "out") as partial:
        assert partial == tmp_path / "deep" / ".out.partial"
        (partial / "kept").touch()
    with work_folder(tmp_path / "deep" / "out") as partial:
        assert (partial / "kept").exists()
        remove_work_folder(tmp_path / "deep" / "out")  # in use
        assert (partial / "kept").exists()
    remove_work_folder(tmp_path / "deep" / "out")
    assert names(tmp_path / "deep") == []


def test_a_second_process_is_refused(tmp_path: Path) -> None:
    code = (
        "import pathlib, sys; from pianoroll_tf.storage.folders import work_folder\n"
        "with work_folder(pathlib.Path(sys.argv[1])): print('in')"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "out")]
    with work_folder(tmp_path / "out"):
        done = subprocess.run(command, capture_output=True, text=True)
        assert "out is in use by another process" in done.stderr
    assert subprocess.run(command, capture_output=True, text=True).stdout == "in\n"


def test_a_work_folder_that_was_removed_before_it_was_locked_is_created_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    partial, flock, calls = tmp_path / ".out.partial", fcntl.flock, []

    def lock_too_late(descriptor: int, how: int) -> None:
        if not calls:
            partial.rmdir()  # the other process has just finished
        calls.append(how)
        flock(descriptor, how)

    monkeypatch.setattr(fcntl, "flock", lock_too_late)
    with work_folder(tmp_path / "out") as given:
        assert given == partial
        assert given.is_dir()
    assert len(calls) == 2


def test_rename_to_a_free_name_and_over_an_empty_folder(tmp_path: Path) -> None:
    for name in ("free", "empty"):
        source = folder(tmp_path / f"whole {name}", name)
        if name == "empty":
            (tmp_path / name).mkdir()
        replace_folder(source, tmp_path / name)
        assert (tmp_path / name / "file").read_text() == name


@pytest.mark.parametrize("can_exchange", [True, False])
def test_an_older_folder_is_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, can_exchange: bool) -> None:
    if not can_exchange:
        monkeypatch.setattr(folders, "_exchange", lambda first, second: False)
    target, source = folder(tmp_path / "out", "old"), folder(tmp_path / "whole", "new")
    replace_folder(source, target)
    assert (target / "file").read_text() == "new"
    if can_exchange and sys.platform == "linux":
        assert (source / "file").read_text() == "old"
    else:
        assert names(tmp_path) == ["out"]


def test_without_renameat2_nothing_is_exchanged(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert not folders._exchange(tmp_path / "a", tmp_path / "b")
    assert list(tmp_path.iterdir()) == []


def test_files_that_systems_leave_behind_make_no_folder_foreign_and_are_kept(tmp_path: Path) -> None:
    target = tmp_path / "out"
    target.mkdir()
    for name in (".DS_Store", ".gitkeep", "Thumbs.db", "desktop.ini"):
        (target / name).write_text(name)
    assert not check_folder(target, "a run", "config.json", allow_hidden=False)
    with whole_folder(target) as partial:
        (partial / "config.json").write_text("{}")
    assert sorted(path.name for path in target.iterdir()) == [
        ".DS_Store", ".gitkeep", "Thumbs.db", "config.json", "desktop.ini",
    ]  # fmt: skip
    assert (target / ".gitkeep").read_text() == ".gitkeep"
    (target / "config.json").unlink()
    (target / ".git").mkdir()
    with pytest.raises(UserError, match=r"it has \.git but no"):
        check_folder(target, "a run", "config.json", allow_hidden=False)
