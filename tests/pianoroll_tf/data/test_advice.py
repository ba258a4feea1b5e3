"""Advice is given where the data ask for it, with commands that can be pasted."""

import shlex
from pathlib import Path

import pytest

from pianoroll_tf.data.advice import advice, cure_for_empty_split

GIVEN = ["my music", "tfrecords/it's", "--val", "0.2"]


def manifest(pieces: int = 100, files: int = 100, **skipped: int) -> dict:
    reasons = {name.replace("_", " "): number for name, number in skipped.items()}
    return {
        "totals": {"pieces": pieces, "files": files, "skipped": reasons},
        "splits": {"train": {"pieces": pieces}},
        "settings": {"splits": "auto", "val": 0.1, "test": 0.1},
    }


def lines(made: dict, given: list[str] = GIVEN) -> list[str]:
    return list(advice(made, Path("tfrecords/it's"), given))


def test_data_that_ask_for_nothing_get_none() -> None:
    assert lines(manifest()) == []
    assert lines(manifest(damaged=9)) == []  # fewer than a tenth
    assert lines(manifest(duplicate=50)) == []


def test_few_pieces() -> None:
    assert lines(manifest(pieces=30)) == []
    first, command = lines(manifest(pieces=29))
    assert first == "  advice      29 pieces to train on: more files help most; to hear each in more keys:"
    assert shlex.split(command) == [
        *("python", "-m", "pianoroll_tf.train", "tfrecords/it's", "runs/it's", "--transpose", "11"),
    ]


@pytest.mark.parametrize(
    ("reason", "flags"),
    [
        ("only drums (--drums keeps them)", ["--drums"]),
        ("a link (--follow-links reads it)", ["--follow-links"]),
        ("a link to a folder (--follow-links reads it)", ["--follow-links"]),
        ("in no split that was given", ["--splits", "music"]),
    ],
)
def test_the_main_reason_of_many_skipped_files_and_the_command_that_cures_it(reason: str, flags: list[str]) -> None:
    [line] = lines(manifest(**{reason: 8}, damaged=3))
    told, command = line.rsplit("; ", 1)
    assert told == f"  advice      8 of 11 skipped: {reason}"
    assert shlex.split(command) == ["python", "-m", "pianoroll_tf.build_records", *GIVEN, *flags, "--overwrite"]
    [line] = lines(manifest(**{reason: 10}), [*GIVEN, "--overwrite"])
    assert line.count("--overwrite") == 1


@pytest.mark.parametrize(
    ("reason", "cure"),
    [
        ("no such file", "paths in a list are relative to the folder of the list"),
        ("encrypted", "unpack the archive with its password"),
        ("MIDI type 2, whose tracks are separate pieces", "export them again as MIDI type 1"),
        ("not a MIDI file", "--list-skipped names them"),
    ],
)
def test_reasons_without_a_flag(reason: str, cure: str) -> None:
    assert lines(manifest(**{reason: 10})) == [f"  advice      10 of 10 skipped: {reason}; {cure}"]


@pytest.mark.parametrize(
    ("pieces", "settings", "cure"),
    [
        (2, {}, "add files: from 3 different pieces on, each split has one (there are 2)"),
        (2, {"val": 0.0}, "build the records again with --val above 0"),
        (5, {}, "assign files to val in the given splits"),  # folders named train and test
        (2, {"splits": "mine.csv@abc"}, "assign files to val in the given splits"),
    ],
)
def test_an_empty_split_is_cured_by_what_helps(pieces: int, settings: dict, cure: str) -> None:
    made = manifest(pieces)
    made["settings"] |= settings
    assert cure_for_empty_split(made, "val") == cure


def test_versions_of_one_piece_are_not_different_pieces() -> None:
    made = manifest(4)
    made["totals"]["versions"] = 2
    assert cure_for_empty_split(made, "test").endswith("(there are 2)")
