"""The cache outlives a kill; damaged rows and rows of changed files are never used."""

import os
import random
from pathlib import Path

import numpy as np
import pytest

from pianoroll_tf.data.conversion import Piece
from pianoroll_tf.data.journal import ROWS_PER_COMMIT, Journal
from pianoroll_tf.data.records import PieceRecord, encode_piece
from pianoroll_tf.data.roll import SparseRoll


def record_of(cells: bytes) -> PieceRecord:
    """A record that holds some bytes."""
    return PieceRecord(SparseRoll(np.zeros(0, np.uint8), np.frombuffer(cells, np.uint8)), bytes(32))


PIECE = Piece(sha256="ab", content="cd", notes=3, steps=9, pitch_counts=(1, 2), record=record_of(b"record"))


def paths(journal: Journal) -> list[str]:
    return [os.fsdecode(path) for (path,) in journal.rows("path")]


def test_rows_are_kept_when_it_is_opened_again(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j", {"grid": "beats"})
    journal.add("a", "1", PIECE)
    journal.add(os.fsdecode(b"\xff"), "2", Piece(reason="no notes"))
    journal.commit()
    journal.close()
    again = Journal(tmp_path / "j", {"grid": "beats"})
    assert paths(again) == ["a", "\udcff"]
    assert list(again.rows("reason, sha256, notes, record", "1", "path")) == [
        ("", "ab", 3, encode_piece(PIECE.record)),
        ("no notes", "", 0, None),
    ]
    assert again.count("path = x'61'") == 1
    assert again.count("path = x'62'") == 0
    again.close()


def test_without_a_commit_at_most_so_many_rows_are_lost(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j", {})
    for number in range(ROWS_PER_COMMIT + 5):
        journal.add(str(number), "", PIECE)
    journal.close()
    again = Journal(tmp_path / "j", {})
    assert len(paths(again)) == ROWS_PER_COMMIT
    again.close()


@pytest.mark.parametrize("damage", ["other settings", "cut", "overwritten", "empty", "no database"])
def test_a_damaged_journal_or_one_of_other_settings_is_replaced(tmp_path: Path, damage: str) -> None:
    journal = Journal(tmp_path / "j", {"grid": "beats"})
    for number in range(200):
        journal.add(str(number), "", PIECE)
    journal.commit()
    journal.close()
    data = (tmp_path / "j").read_bytes()
    damaged = {
        "cut": data[: len(data) // 2],
        "overwritten": data[:8192] + os.urandom(8192) + data[16384:],
        "empty": b"",
        "no database": b"x" * 10_000,
    }
    (tmp_path / "j").write_bytes(damaged.get(damage, data))
    again = Journal(tmp_path / "j", {"grid": "seconds" if damage == "other settings" else "beats"})
    assert paths(again) == []
    again.add("a", "", PIECE)
    again.close()


def test_after_a_flipped_bit_anywhere_the_rows_are_right_or_there_are_none(tmp_path: Path) -> None:
    settings = {"grid": "beats"}
    journal = Journal(tmp_path / "j", settings)
    for number in range(12):
        record = record_of(random.Random(number).randbytes(700 * number))  # also on more than one page
        piece = Piece(sha256=f"{number:064}", content="cd", notes=3, steps=9, pitch_counts=(1, 2), record=record)
        journal.add(str(number), "stamp", piece)
    journal.add("bad", "stamp", Piece(reason="no notes"))
    journal.database.execute("UPDATE files SET reason = 'duplicate', split = 'val' WHERE path = ?", (b"3",))
    journal.commit()
    every = "path, stamp, reason, sha256, content, notes, steps, pitch_counts, hold_counts, record"
    rows = list(journal.rows(every))
    journal.close()
    data = (tmp_path / "j").read_bytes()
    inside = data.index(random.Random(11).randbytes(7700)[:50])
    rng, replaced = random.Random(7), 0
    for byte in [None, inside, *rng.sample(range(len(data)), 400)]:
        flipped = bytearray(data)
        if byte is not None:
            flipped[byte] ^= 1 << rng.randrange(8)
        (tmp_path / "j").write_bytes(flipped)
        again = Journal(tmp_path / "j", settings)
        found = list(again.rows(every))
        again.close()
        assert found in (([],) if byte == inside else (rows,) if byte is None else (rows, [])), byte
        replaced += not found
    assert replaced > 100


def test_only_wanted_files_with_the_same_stamp_are_kept_and_choices_are_undone(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j", {})
    for path in "abcd":
        journal.add(path, "1", PIECE)
    journal.add("e", "1", Piece(reason="no notes"))
    journal.database.execute("UPDATE files SET split = 'val', reason = 'duplicate' WHERE path = ?", (b"a",))
    assert journal.keep_only((path, mark, "") for path, mark in zip("abdef", "12111", strict=True)) == 5
    assert list(journal.rows("path, split, reason")) == [(b"a", "", ""), (b"d", "", ""), (b"e", "", "no notes")]
    journal.close()


def test_what_is_missing_comes_in_order_while_rows_are_added(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pianoroll_tf.data.journal.ROWS_PER_QUERY", 2)
    journal = Journal(tmp_path / "j", {})
    journal.add("c", "1", PIECE)
    journal.keep_only((path, "1", "a link" * (path == "d")) for path in ["e", "c", os.fsdecode(b"\xff"), "a", "d", "b"])
    seen = []
    for path, mark, reason in journal.missing():
        seen.append((path, mark, reason))
        journal.add(path, mark, PIECE)
        journal.commit()
    assert seen == [(path, "1", "a link" * (path == "d")) for path in ["a", "b", "d", "e", "\udcff"]]
    assert list(journal.missing()) == []
    assert journal.count() == 6
    assert journal.count("path = x'61'") == 1
    journal.close()


def test_closed_while_rows_are_read_it_is_not_locked(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j", {})
    for number in range(3):
        journal.add(str(number), "", PIECE)
    journal.commit()
    reading = journal.rows("path")
    next(reading)
    journal.close()
    again = Journal(tmp_path / "j", {})
    again.keep_only([("0", "", "")])
    assert paths(again) == ["0"]
    again.close()


def test_a_record_that_is_stored_elsewhere_has_its_place_in_the_row(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j", {})
    journal.keep_only([("a", "first", ""), ("b", "second", "")])
    for path, piece, place in (("a", PIECE, b"part 7"), ("b", Piece(reason="no notes"), None)):
        journal.add(path, journal.stamp(path), piece, place)
    journal.commit()
    journal.close()
    journal = Journal(tmp_path / "j", {})  # whose checksums are right
    assert list(journal.rows("stamp, record")) == [("first", b"part 7"), ("second", None)]
    journal.close()
