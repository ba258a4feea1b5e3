"""What the launcher and the workers write for each other."""

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("apache_beam")

from pianoroll_tf.data.beam import chunks
from pianoroll_tf.data.beam.chunks import ListedFile
from pianoroll_tf.data.conversion import Piece
from pianoroll_tf.data.records import PieceRecord, encode_piece
from pianoroll_tf.data.roll import SparseRoll
from pianoroll_tf.data.tfrecord import frame
from pianoroll_tf.errors import DamagedError


def piece(digest: int) -> Piece:
    """A usable piece with its record."""
    record = PieceRecord(SparseRoll(np.ones(2, np.uint8), np.array([128, 5], np.uint8)), bytes([digest]) * 32)
    return Piece(sha256=f"{digest:02x}" * 32, steps=2, pitch_counts=(1, 1), evidence=(0.5, 2.0), record=record)


def test_the_name_of_a_chunk_follows_from_its_files_and_settings(tmp_path: Path) -> None:
    one, other = ListedFile("a\udcff.mid", "1", "/a"), ListedFile("b.mid", "1", "/b")
    names = [
        chunks.write_list(str(tmp_path), files, settings)
        for files, settings in [
            ([one, other], {}),
            ([one, other], {}),
            ([one], {}),
            ([one, other._replace(stamp="2")], {}),
            ([one, other], {"grid": "beats"}),
        ]
    ]
    assert names[0] == names[1]
    assert len(set(names)) == 4
    assert chunks.read_list(str(tmp_path), names[0]) == [one, other]


def test_results_are_read_as_they_were_written_also_when_written_twice(tmp_path: Path) -> None:
    work = str(tmp_path)
    pieces = [("a", piece(1)), ("b", Piece(reason="no notes")), ("c", piece(2))]
    assert not chunks.has_results(work, "name")
    for _ in range(2):  # as an engine tries again
        chunks.write_results(work, "name", pieces)
    assert chunks.has_results(work, "name")
    (path_a, a, place_a), (_, b, place_b), (_, c, place_c) = chunks.read_results(work, "name")
    assert (path_a, a, b, c) == ("a", *(Piece(**vars(each) | {"record": None}) for _, each in pieces))
    part, index = chunks.json.loads(place_a)
    assert (index, place_b, chunks.json.loads(place_c)) == (0, None, [part, 1])
    assert chunks.records_of(work, part) == [encode_piece(piece(1).record), encode_piece(piece(2).record)]


def test_records_that_are_cut_or_damaged_are_no_results(tmp_path: Path) -> None:
    work = str(tmp_path)
    chunks.write_results(work, "name", [("a", piece(1)), ("c", piece(2))])
    [path] = tmp_path.glob("*.records")
    whole = path.read_bytes()
    first = len(frame(encode_piece(piece(1).record)))
    for damaged in (whole[:first], whole[:-1], whole[:30] + bytes([whole[30] ^ 1]) + whole[31:]):
        path.write_bytes(damaged)
        assert not chunks.has_results(work, "name")
    with pytest.raises(DamagedError, match=r"is damaged \(record 0: the CRC"):
        chunks.records_of(work, path.name)
    path.unlink()
    assert not chunks.has_results(work, "name")


def test_chosen_records_are_read_with_their_places_and_written(tmp_path: Path) -> None:
    work = str(tmp_path)
    chunks.write_results(work, "name", [("a", piece(1)), ("b", piece(2)), ("c", piece(3))])
    [path] = tmp_path.glob("*.records")
    chunks.write_plan(work, path.name, [(0, 4, 1), (2, 4, 0)])
    records = list(chunks.planned_records(work, path.name))
    assert records == [(4, (1, encode_piece(piece(1).record))), (4, (0, encode_piece(piece(3).record)))]
    chunks.write_planned_shard(work, "shard", [record for _, (_, record) in records], None)
    content = (tmp_path / "shard").read_bytes()
    assert content == b"".join(frame(record) for _, (_, record) in records)
    assert chunks.shard_facts(work, "shard").bytes == len(content)
