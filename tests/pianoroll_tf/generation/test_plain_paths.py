"""Paths that TensorFlow would take for patterns, or cannot encode."""

import os
from pathlib import Path

import pytest

from pianoroll_tf.generation.plain_paths import plain_path

NAMES = ["a [b] *c", "a\\b", "a?", os.fsdecode(b"a\xff")]


@pytest.mark.parametrize("name", NAMES)
def test_an_odd_folder_has_a_plain_path_for_a_while(tmp_path: Path, name: str):
    folder = tmp_path / name
    folder.mkdir()
    with plain_path(folder) as plain:
        assert plain != folder
        (plain / "x").write_text("written")
    assert (folder / "x").read_text() == "written"
    assert not plain.exists()


def test_a_plain_folder_is_used_as_it_is(tmp_path: Path):
    with plain_path(tmp_path) as plain:
        assert plain == tmp_path


def test_without_links_it_is_a_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def refuse(*_, **__):
        raise OSError("a required privilege is not held by the client")

    (tmp_path / "[b]").mkdir()
    (tmp_path / "[b]" / "x").write_text("copied")
    monkeypatch.setattr(Path, "symlink_to", refuse)
    with plain_path(tmp_path / "[b]") as plain:
        assert (plain / "x").read_text() == "copied"
        assert not plain.is_symlink()
