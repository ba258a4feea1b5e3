"""A text file of paths as input."""

import os
from pathlib import Path

import pytest

from pianoroll_tf.data.discover import A_LINK, FoundFile
from pianoroll_tf.data.path_list import PathList
from pianoroll_tf.errors import UserError


def write(folder: Path, *lines: str) -> Path:
    path = folder / "list.txt"
    path.write_bytes(b"\xef\xbb\xbf" + os.fsencode("\r\n".join(["", *lines, "", "  "])))
    return path


def test_paths_are_relative_to_the_list_and_a_missing_one_is_named(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    names = ["a.mid", "sub/odd name", "\udcff.mid"]
    for name in names:
        (tmp_path / name).write_bytes(b"")
    elsewhere = str(tmp_path / "a.mid")
    (tmp_path / "link.mid").symlink_to("a.mid")
    path = write(tmp_path, "./a.mid", "sub/odd name", "\udcff.mid", elsewhere, "gone.mid", "sub", "link.mid", "a.mid")
    files = PathList(path)
    assert list(files.found()) == sorted(
        [
            FoundFile("a.mid"),
            FoundFile("a.mid#2"),  # named twice
            FoundFile(elsewhere),
            FoundFile("gone.mid", "no such file"),
            FoundFile("link.mid", A_LINK),
            FoundFile("sub", "not a regular file"),
            FoundFile("sub/odd name"),
            FoundFile("\udcff.mid"),
        ]
    )
    assert dict(files.sources(["a.mid#2", "sub/odd name"])) == {
        "a.mid#2": str(tmp_path.resolve() / "a.mid"),
        "sub/odd name": str(tmp_path.resolve() / "sub" / "odd name"),
    }
    assert files.stamp("a.mid") == files.stamp(elsewhere) != files.stamp("sub/odd name")
    assert FoundFile("link.mid") in list(PathList(path, follow_links=True).found())


def test_include_applies_to_names(tmp_path: Path) -> None:
    path = write(tmp_path, "x/b.mid", "b/x.mid")
    assert [found.path for found in PathList(path, "b*").found()] == ["x/b.mid"]


def test_a_list_without_paths_or_that_is_no_text_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"list\.txt holds no file"):
        PathList(write(tmp_path))
    (tmp_path / "music.txt").write_bytes(b"MThd\0\0")
    with pytest.raises(UserError, match=r"music\.txt \(not a text file\)"):
        PathList(tmp_path / "music.txt")


def test_a_path_that_the_system_refuses_is_a_reason(tmp_path):
    (tmp_path / "a.mid").write_bytes(b"")
    (tmp_path / "list.txt").write_text("a.mid\n" + "x" * 300 + ".mid\n")
    assert [found.reason for found in PathList(tmp_path / "list.txt").found()] == ["", "unreadable: File name too long"]
