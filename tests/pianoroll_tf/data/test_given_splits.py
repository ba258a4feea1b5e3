"""Splits by folders and by a table: what is recognised, and what is refused."""

from pathlib import Path

import pytest

from pianoroll_tf.data.given_splits import from_folders, from_table, identity
from pianoroll_tf.errors import UserError


@pytest.mark.parametrize(
    ("paths", "splits"),
    [
        (["train/a.mid", "valid/x/b.mid", "TEST/c.mid"], ["train", "val", "test"]),
        (["train/a.mid", "validation/b.mid"], ["train", "val"]),
        (["train/a.mid", "val/b.mid", "c.mid"], None),  # a file outside
        (["train/a.mid", "bach/b.mid"], None),
        (["train/a.mid", "train/b.mid"], None),  # a folder with a name like any other
        (["val/a.mid", "test/b.mid"], None),
        (["train", "test"], None),  # files
        ([], None),
    ],
)
def test_folders_are_recognised_if_all_files_are_in_them(paths, splits):
    assert from_folders(paths) == (dict(zip(paths, splits, strict=True)) if splits else None)


def test_required_folders_leave_other_files_out():
    assert from_folders(["train/a.mid", "test/b.mid", "c.mid"], required=True) == {
        "train/a.mid": "train",
        "test/b.mid": "test",
    }
    with pytest.raises(UserError, match=r"must hold the folders train, val and test\. Received: bach/a\.mid"):
        from_folders(["bach/a.mid"], required=True)


def write(folder: Path, text: str) -> Path:
    (folder / "splits.csv").write_text(text, encoding="utf-8")
    return folder / "splits.csv"


def test_a_table_of_paths(tmp_path):
    table = write(tmp_path, "path,split,note\nx/a.mid,train,\n./b.mid,Validation,\nx\\c.mid,test,\n")
    assert from_table(table) == {"x/a.mid": "train", "b.mid": "val", "x/c.mid": "test"}


def test_the_table_of_maestro(tmp_path):
    head = "canonical_composer,canonical_title,split,year,midi_filename,audio_filename,duration"
    row = '"Bach, J. S.","Prelude, in C",validation,2018,2018/a.midi,2018/a.wav,698.66'
    assert from_table(write(tmp_path, f"\ufeff{head}\n{row}\n")) == {"2018/a.midi": "val"}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("file,split\na.mid,train\n", r"must have the columns path and split\. Received: file, split"),
        ("", "must have the columns path and split"),
        ("path,split\na.mid,holdout\n", r"must be train, val or test\. Received: 'holdout' for a\.mid"),
        ("path,split\na.mid\n", "must be train, val or test"),
        ("path,split\na.mid,train\na.mid,test\n", "must name a path once. Received: a.mid in train and test"),
    ],
)
def test_a_table_that_cannot_be_used(tmp_path, text, reason):
    with pytest.raises(UserError, match=reason):
        from_table(write(tmp_path, text))


def test_a_missing_table_names_the_choices(tmp_path):
    for function in (from_table, identity):
        with pytest.raises(UserError, match="splits must be auto, music, folders or a CSV file"):
            function(tmp_path / "none.csv")


def test_the_identity_of_a_table_is_that_of_its_content(tmp_path):
    first = identity(write(tmp_path, "path,split\n"))
    assert first.startswith("splits.csv@")
    assert identity(write(tmp_path, "path,split\na.mid,train\n")) != first
