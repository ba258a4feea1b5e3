"""Which files are found, and why others are not."""

import os
from pathlib import Path

import pytest

from pianoroll_tf.data.discover import A_LINK, A_LINK_TO_A_FOLDER, Folder, FoundFile, find_files, printable, stamp
from pianoroll_tf.errors import UserError


def make(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"")


def test_both_cases_at_any_depth_sorted_by_path(tmp_path: Path) -> None:
    make(tmp_path, "b.MID", "a/deep/er/c.midi", "a/d.mid", "a.MiDi", "x.txt", "mid", "y.mid.bak")
    assert [found.path for found in find_files(tmp_path)] == ["a.MiDi", "a/d.mid", "a/deep/er/c.midi", "b.MID"]


def test_include_is_case_sensitive(tmp_path: Path) -> None:
    make(tmp_path, "b.MID", "a/c.mid", "bach_1.mid")
    assert [found.path for found in find_files(tmp_path, "*.mid")] == ["a/c.mid", "bach_1.mid"]
    assert [found.path for found in find_files(tmp_path, "bach*")] == ["bach_1.mid"]


def test_links_and_fifos_are_named_and_link_loops_are_not_followed(tmp_path: Path) -> None:
    make(tmp_path, "a.mid")
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "self").symlink_to("self")
    (tmp_path / "notes.txt").symlink_to("a.mid")
    (tmp_path / "folder.midi").symlink_to("folder.mid")
    (tmp_path / "link.mid").symlink_to("a.mid")
    (tmp_path / "broken.mid").symlink_to("nowhere")
    os.mkfifo(tmp_path / "fifo.mid")
    (tmp_path / "folder.mid").mkdir()
    assert list(find_files(tmp_path)) == [
        FoundFile("a.mid"),
        FoundFile("broken.mid", A_LINK),
        FoundFile("fifo.mid", "not a regular file"),
        FoundFile("folder.midi/", A_LINK_TO_A_FOLDER),
        FoundFile("link.mid", A_LINK),
        FoundFile("loop/", A_LINK_TO_A_FOLDER),
    ]


def test_a_folder_of_nothing_but_links_to_folders_holds_no_file(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to(tmp_path)
    with pytest.raises(UserError, match="holds no file"):
        find_files(tmp_path)


def test_the_folder_itself_may_be_a_link(tmp_path: Path) -> None:
    make(tmp_path / "real", "a.mid")
    (tmp_path / "link").symlink_to("real")
    assert list(find_files(tmp_path / "link")) == [FoundFile("a.mid")]


def test_names_that_are_not_utf8_are_found_and_readable(tmp_path: Path) -> None:
    name = os.fsdecode(b"caf\xe9\n.mid")
    make(tmp_path, name)
    assert list(find_files(tmp_path)) == [FoundFile(name)]
    assert printable(name) == "caf\\xe9\\n.mid"
    assert printable("über/ж.mid") == "über/ж.mid"


def test_an_unreadable_folder_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(tmp_path, "a.mid", "closed/b.mid")
    scandir = os.scandir

    def refuse(path: Path) -> object:
        if Path(path).name == "closed":
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)  # permissions do not bind the superuser
    assert list(find_files(tmp_path)) == [
        FoundFile("a.mid"),
        FoundFile("closed/", "unreadable folder: Permission denied"),
    ]


@pytest.mark.parametrize(
    ("folder", "include", "message"),
    [
        ("", None, r"holds no file that ends in \.mid, \.midi, \.kar or \.rmi"),
        ("", "*.kra", "holds no file that matches --include '\\*.kra'"),
        ("x.txt", None, "INPUT must be a folder, .*Received: .*x.txt"),
        ("nowhere", None, "INPUT must be a folder, an archive .*Received: .*nowhere"),
    ],
)
def test_nothing_found_says_why(tmp_path: Path, folder: str, include: str | None, message: str) -> None:
    make(tmp_path, "x.txt")
    with pytest.raises(UserError, match=message):
        find_files(tmp_path / folder, include)


def test_sorted_by_path_where_names_go_on_behind_a_folders_name(tmp_path: Path) -> None:
    make(tmp_path, "a/b.mid", "a.mid", "a b.mid", "a0.mid", "a-/c.mid", "ab/a.mid", "a/b/c.mid", "a/b0.mid", "Z/x.mid")
    paths = [found.path for found in find_files(tmp_path)]
    assert len(paths) == 9
    assert paths == sorted(paths)


def test_links_are_followed_on_demand_and_every_search_ends(tmp_path: Path) -> None:
    make(tmp_path, "in/a.mid", "out/b.mid", "out/deep/c.mid")
    root = tmp_path / "in"
    (root / "l1").symlink_to(tmp_path / "out")
    (root / "l2").symlink_to(tmp_path / "out")
    (root / "l3").symlink_to(tmp_path)
    (tmp_path / "out" / "deep" / "back").symlink_to(tmp_path / "out")
    (tmp_path / "out" / "root").symlink_to(root)
    (root / "link.mid").symlink_to("a.mid")
    (root / "broken.mid").symlink_to("nowhere")
    (root / "self.mid").symlink_to("self.mid")
    elsewhere = "a link to a folder that is read elsewhere, or that holds INPUT itself"
    assert list(find_files(root, follow_links=True)) == [
        FoundFile("a.mid"),
        FoundFile("broken.mid", "a link to nothing"),
        FoundFile("l1/b.mid"),
        FoundFile("l1/deep/back/", elsewhere),
        FoundFile("l1/deep/c.mid"),
        FoundFile("l1/root/", elsewhere),
        FoundFile("l2/", elsewhere),
        FoundFile("l3/", elsewhere),
        FoundFile("link.mid"),
        FoundFile("self.mid", "a link to nothing"),
    ]
    folder = Folder(root, follow_links=True)
    assert list(folder.sources(["link.mid"])) == [("link.mid", str(root.resolve() / "a.mid"))]


def test_files_that_systems_leave_behind_are_no_input(tmp_path: Path) -> None:
    make(tmp_path, "a.mid", "._a.mid", ".DS_Store", "Thumbs.db", "desktop.ini", ".gitkeep", "karaoke.KAR", "b.rmi")
    assert [found.path for found in find_files(tmp_path)] == ["a.mid", "b.rmi", "karaoke.KAR"]
    assert [found.path for found in find_files(tmp_path, "*")] == ["a.mid", "b.rmi", "karaoke.KAR"]


def test_a_stamp_changes_with_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a"
    assert stamp(path) == ""
    path.write_bytes(b"1")
    first = stamp(path)
    assert first == stamp(path)
    os.utime(path, ns=(0, 5))
    second = stamp(path)
    path.write_bytes(b"22")
    assert len({first, second, stamp(path)}) == 3
