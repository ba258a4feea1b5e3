"""The summary of a build, line by line."""

from pathlib import Path

from pianoroll_tf.config import RecordsConfig
from pianoroll_tf.data import summary as summary_module
from pianoroll_tf.data.summary import skipped_lines
from pianoroll_tf.settings import to_dict

TOTALS = {
    "pieces": 1200, "files": 1205, "skipped": {"damaged": 3, "a link": 2}, "hours": 20.0025, "notes": 710085,
    "steps": 576069, "active_cells": 1769141, "density": 0.03656, "notes_outside_range": 24, "tempo_ignored": 0,
}  # fmt: skip


def manifest(pieces: tuple[int, int, int] = (960, 120, 120), settings: dict | None = None, **totals: object) -> dict:
    splits = {name: {"pieces": number} for name, number in zip(("train", "val", "test"), pieces, strict=True)}
    made = to_dict(RecordsConfig(**{"grid": "seconds"} | (settings or {})))
    grid = {"settings": made, "grid": made["grid"], "grid_decision": ""}
    return grid | {"totals": TOTALS | totals, "splits": splits}


def summary(*args: object, **settings: bool) -> str:
    return "\n".join(summary_module.summary(*args, **settings))


def test_the_whole_text() -> None:
    assert summary(manifest(), Path("tfrecords/a"), is_new=True).splitlines() == [
        "tfrecords/a: built",
        "  pieces      1,200 used of 1,205 files, 5 skipped",
        "              3 skipped: damaged",
        "              2 skipped: a link",
        "  music       20.00 hours, 710,085 notes",
        "  roll        576,069 steps at 8 per second",
        "              1,769,141 active cells, 3.66% of all",
        "  omitted     24 notes outside MIDI 24..107",
        "  splits      train 960, val 120, test 120 pieces",
    ]


def test_records_that_are_up_to_date_and_warnings() -> None:
    text = summary(manifest((1, 0, 0), {"grid": "beats"}, tempo_ignored=5), Path("a"), is_new=False)
    assert "a: already up to date (same files and settings)" in text
    assert "steps at 4 per beat" in text
    assert "5 pieces have tempo changes outside the first track" in text
    assert "no piece in val and test: add files: from 3 different pieces on, each split has one (there are 1)" in text
    assert "warning" not in summary(manifest((1, 0, 0), {"val": 0.0, "test": 0.0}), Path("a"), is_new=True)


def test_a_chosen_grid_is_shown_with_its_reason() -> None:
    chosen = manifest(settings={"grid": "auto"}) | {"grid": "beats", "grid_decision": "the files say so"}
    assert summary(chosen, Path("a"), is_new=True).splitlines()[5:8] == [
        "  roll        576,069 steps at 4 per beat",
        "              1,769,141 active cells, 3.66% of all",
        "  grid        beats, because the files say so",
    ]


def test_skipped_files_are_named() -> None:
    files = [{"path": "a", "status": "used", "reason": None}, {"path": "b", "status": "skipped", "reason": "no notes"}]
    assert list(skipped_lines(files)) == ["b: no notes"]


def test_versions_of_the_same_music_are_said() -> None:
    none = {"versions": 0, "divided_families": {"pieces": 0, "example": []}}
    assert summary(manifest(**none), Path("a"), is_new=True) == summary(manifest(), Path("a"), is_new=True)
    text = summary(manifest(**none | {"versions": 12}), Path("a"), is_new=True)
    assert "  versions    12 pieces of the same music as another piece, kept in its split" in text
    divided = {"versions": 3, "divided_families": {"pieces": 2, "example": ["a (test)", "b (train)"]}}
    text = summary(manifest(**divided), Path("a"), is_new=True)
    assert (
        "  warning     2 times the same music is in two of the given splits, as another version: a (test) and b" in text
    )
    assert "kept in its split" not in text


def test_what_is_left_out_is_said_by_reason() -> None:
    totals = {"drum_notes": 1234, "unclosed_notes": 5, "silences": {"pieces": 1, "longest": [["a.mid", 9000.0]]}}
    lines = summary(manifest(**totals), Path("a"), is_new=True).splitlines()
    assert lines[7:10] == [
        "  omitted     24 notes outside MIDI 24..107",
        "              1,234 notes of channel 10, the drums (--drums keeps them)",
        "              5 notes that never end",
    ]
    assert lines[-1] == "  warning     a.mid is silent for 2.5 hours before a note, which may be a stray one"
    totals["silences"] = {"pieces": 3, "longest": [["a.mid", 600.0]]}
    text = summary(manifest(**totals), Path("a"), is_new=True)
    assert text.endswith("a.mid is silent for 10 minutes before a note, which may be a stray one; 2 other pieces too")


def test_a_family_of_many_pieces_is_a_warning() -> None:
    texts = [summary(manifest(largest_family=size), Path("x"), is_new=True) for size in (240, 241)]
    assert ["241 pieces are taken for versions" in text for text in texts] == [False, True]
