"""What the manifest counts, and what it says of each file."""

from pathlib import Path

import numpy as np
import pytest

from pianoroll_tf.config import RecordsConfig
from pianoroll_tf.data.conversion import Piece
from pianoroll_tf.data.journal import Journal
from pianoroll_tf.data.manifest import skipped_by_reason
from pianoroll_tf.data.records import SPLITS, PieceRecord, read_manifest
from pianoroll_tf.data.roll import SparseRoll
from pianoroll_tf.data.shards import write_records
from pianoroll_tf.data.splits import choose


def record(sha256: str) -> PieceRecord:
    """A record that is identified by its digest."""
    roll = SparseRoll(np.ones(1, np.uint8), np.array([128], np.uint8))
    return PieceRecord(roll, bytes.fromhex(sha256.ljust(64, "0")))


def piece(sha256: str, content: str = "", **facts: float | tuple[int, ...]) -> Piece:
    """A piece of made-up facts whose record is its name."""
    values = {"notes": 2, "steps": 10, "active_cells": 21, "milliseconds": 1000} | facts
    digest = sha256.ljust(64, "0")
    return Piece(
        sha256=digest,
        content=content or digest,
        music=digest,
        pitch_counts=(0,) * 83 + (21,),
        hold_counts=(1, 0, 2)[: values["notes"]],
        record=record(sha256),
        **values,
    )


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    journal = Journal(tmp_path / "journal.sqlite", {})
    yield journal
    journal.close()


def fill(journal: Journal, **pieces: Piece) -> None:
    for path, each in pieces.items():
        journal.add(path, "", each)


def test_totals_and_files_by_hand(journal: Journal, tmp_path: Path) -> None:
    fill(
        journal,
        a=piece("f1", notes=5, notes_outside_range=2, velocity_sums=(3,) * 16),
        b=piece("f2", tempo_ignored=True),
        c=piece("f3", "same"),
        d=piece("f4", "same", tempo_ignored=True),
        e=Piece(reason="no notes", sha256="e" * 64),
        f=Piece(reason="damaged: one"),
        g=Piece(reason="damaged: two"),
    )
    choose(journal, RecordsConfig())
    returned = write_records(journal, RecordsConfig(), "seconds", tmp_path)
    manifest = read_manifest(tmp_path, with_files=True)
    assert {name: manifest[name] for name in returned} == returned
    assert manifest["totals"] == {
        "pieces": 3, "notes": 9, "notes_outside_range": 2, "steps": 30, "active_cells": 63, "milliseconds": 3000,
        "hours": 0.0008, "density": 63 / (30 * 84), "files": 7, "tempo_ignored": 1,
        "skipped": {"damaged": 2, "duplicate": 1, "no notes": 1},
        "drum_notes": 0, "unclosed_notes": 0, "silences": {"pieces": 0, "longest": []},
        "versions": 0, "largest_family": 1, "divided_families": {"pieces": 0, "example": []},
    }  # fmt: skip
    assert manifest["splits"]["train"]["pitch_counts"] == [0] * 83 + [21]
    assert sorted(manifest["splits"][split]["velocity_sums"][0] for split in SPLITS) == [0, 0, 3]
    assert sorted(manifest["splits"][split]["hold_counts"] for split in SPLITS) == [[1], [1], [1, 0, 2]]
    assert [manifest["splits"][split]["pieces"] for split in SPLITS] == [1, 1, 1]
    assert [(file["path"], file["status"], file["reason"], file["notes"]) for file in manifest["files"]] == [
        ("a", "used", None, 5),
        ("b", "used", None, 2),
        ("c", "used", None, 2),
        ("d", "skipped", "duplicate: same roll as c", 2),
        ("e", "skipped", "no notes", 0),
        ("f", "skipped", "damaged: one", 0),
        ("g", "skipped", "damaged: two", 0),
    ]
    assert [file["sha256"] for file in manifest["files"]][4:] == ["e" * 64, None, None]
    assert list(skipped_by_reason(journal)) == ["damaged", "duplicate", "no notes"]


def test_versions_are_counted_and_named(journal: Journal, tmp_path: Path) -> None:
    fill(journal, a=piece("f1"), b=piece("f2"), c=piece("f3"), d=piece("f4"))
    journal.database.execute("UPDATE files SET sketch = '0100000002000000' WHERE path IN (x'61', x'62', x'63')")
    choose(journal, RecordsConfig(), {"a": "train", "b": "test", "c": "test", "d": "train"})
    write_records(journal, RecordsConfig(), "seconds", tmp_path)
    manifest = read_manifest(tmp_path, with_files=True)
    assert manifest["totals"]["versions"] == 2
    assert manifest["totals"]["divided_families"] == {"pieces": 1, "example": ["b (test)", "a (train)"]}
    assert [entry.get("version_of") for entry in manifest["files"]] == [None, "a", "a", None]


def test_what_is_left_out_is_counted_by_reason_and_named_where_there_is_something(
    journal: Journal, tmp_path: Path
) -> None:
    fill(
        journal,
        a=piece("f1", drum_notes=7, silence_seconds=299.0),
        b=piece("f2", unclosed_notes=2, silence_seconds=7260.5),
        c=piece("f3", drum_notes=1, unclosed_notes=1, silence_seconds=300.0),
    )
    choose(journal, RecordsConfig())
    totals = write_records(journal, RecordsConfig(), "seconds", tmp_path)["totals"]
    assert (totals["drum_notes"], totals["unclosed_notes"]) == (8, 3)
    assert totals["silences"] == {"pieces": 2, "longest": [["b", 7260.5]]}
    names = ("drum_notes", "unclosed_notes", "silence_seconds")
    files = read_manifest(tmp_path, with_files=True)["files"]
    assert [{name: file[name] for name in names if name in file} for file in files] == [
        {"drum_notes": 7},
        {"unclosed_notes": 2, "silence_seconds": 7260.5},
        {"drum_notes": 1, "unclosed_notes": 1, "silence_seconds": 300.0},
    ]
