"""One file to one record, or to a reason; what is the same music, and what is not."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
from midi_files import header, note, pedal, song, tempo, track

from pianoroll_tf.config import RecordsConfig
from pianoroll_tf.data import conversion, roll
from pianoroll_tf.data.clock import Meter
from pianoroll_tf.data.conversion import Piece, convert, fingerprint, roll_digest
from pianoroll_tf.data.midi import parse_notes
from pianoroll_tf.data.roll import notes_to_roll, steps_to_roll

NOTES = [(0, 480, 60), (480, 960, 64), (0, 480, 67)]


def convert_bytes(tmp_path: Path, data: bytes, **settings: object) -> Piece:
    path = tmp_path / "a.mid"
    path.write_bytes(data)
    return convert(path, RecordsConfig(**{"grid": "seconds"} | settings))


def test_facts_and_record_by_hand(tmp_path: Path) -> None:
    data = song([(0, 960, 60), (0, 480, 64), (960, 960, 108)])
    piece = convert_bytes(tmp_path, data)
    assert (piece.notes, piece.notes_outside_range, piece.steps, piece.active_cells) == (3, 1, 8, 12)
    assert (piece.milliseconds, piece.tempo_ignored, piece.reason) == (1000, False, "")
    assert (piece.pitch_counts[36], piece.pitch_counts[40], sum(piece.pitch_counts)) == (8, 4, 12)
    assert piece.hold_counts == (0, 0, 0, 1, 0, 0, 0, 1)
    record = piece.record
    assert record.roll.counts.tolist() == [2] * 4 + [1] * 4
    assert record.sha256.hex() == piece.sha256 == hashlib.sha256(data).hexdigest()
    assert (record.meters, record.tempo) == ((), 120.0)


def test_time_signatures_and_tempo_on_beats(tmp_path: Path) -> None:
    signatures = [(0, b"\xff\x58\x04\x03\x02\x18\x08"), (1440, b"\xff\x58\x04\x06\x03\x18\x08")]  # 3/4, 6/8
    data = header(1) + track([tempo(0, 400_000), *signatures, *note(0, 480, 60), *note(1440, 1920, 62)])
    piece = convert_bytes(tmp_path, data, grid="beats")
    record = piece.record
    assert record.meters == ((0, Meter(3, 4)), (12, Meter(6, 8)))
    assert record.tempo == 150.0
    assert piece.evidence[2:] == (2, 0, 0, 0)
    assert convert_bytes(tmp_path, data, grid="seconds").evidence == ()


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"x", "not a MIDI file"),
        (song([(0, 10, 20)]), r"no notes within MIDI 24..107"),
        (song([(0, 90_000 * 960, 60)]), "too much music: length must be <= 86400 seconds. Received: seconds=90000"),
    ],
)
def test_reasons(tmp_path: Path, data: bytes, reason: str) -> None:
    piece = convert_bytes(tmp_path, data)
    assert piece.reason == reason
    assert (piece.record, piece.notes, piece.sha256) == (None, 0, hashlib.sha256(data).hexdigest())


def test_too_many_cells_is_a_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(roll, "MAX_CELLS", 5)
    assert convert_bytes(tmp_path, song([(0, 960, 60)])).reason.startswith("too much music: active cells must be <= 5")


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (
            UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"),
            "unreadable: UnicodeDecodeError 'utf-8' codec",
        ),
        (ValueError("need at least one\narray"), "unreadable: ValueError need at least one array"),
    ],
)
def test_other_errors_of_a_library_are_not_too_much_music(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: ValueError, reason: str
) -> None:
    monkeypatch.setattr(conversion, "parse_notes", lambda *_, **__: (_ for _ in ()).throw(error))
    piece = convert_bytes(tmp_path, b"any")
    assert piece.reason.startswith(reason)
    assert piece.sha256 == hashlib.sha256(b"any").hexdigest()


def test_a_file_that_cannot_be_opened_is_a_reason(tmp_path: Path) -> None:
    assert (
        convert(tmp_path / "nowhere.mid", RecordsConfig(grid="seconds")).reason
        == "unreadable: No such file or directory"
    )


def test_settings_reach_the_reader(tmp_path: Path) -> None:
    data = header(1) + track([pedal(0, 127), *note(0, 480, 60), pedal(960, 0), *note(0, 480, 40, channel=9)])
    assert convert_bytes(tmp_path, data).active_cells == 4
    assert convert_bytes(tmp_path, data, pedal=True).active_cells == 8
    assert convert_bytes(tmp_path, data, drums=True).active_cells == 8
    assert convert_bytes(tmp_path, data, grid="beats", steps_per_beat=2).active_cells == 2
    assert convert_bytes(tmp_path, data, steps_per_second=100).active_cells == 50


def test_pretty_midi_is_told_when_it_ignores_a_tempo(tmp_path: Path) -> None:
    data = header(2) + track([]) + track([tempo(0, 1_000_000), *note(480, 960, 60)])
    assert convert_bytes(tmp_path, data, parser="pretty_midi").tempo_ignored
    assert not convert_bytes(tmp_path, data).tempo_ignored


def mark(data: bytes) -> str:
    return fingerprint(parse_notes(data))


def test_the_fingerprint_is_that_of_the_music_and_not_of_its_clothes() -> None:
    title = (0, b"\xff\x03\x04Song")
    in_one_track = header(1, kind=0) + track([title, *(event for item in NOTES for event in note(*item))])
    same = [
        song(NOTES[::-1]),
        in_one_track,
        song(NOTES, tempos=[(0, 400_000)]),
        song([(2 * start, 2 * end, pitch) for start, end, pitch in NOTES], division=960),
        song([(start, end, pitch + 5) for start, end, pitch in NOTES]),  # transposed
        song([(start, end + 30, pitch) for start, end, pitch in NOTES]),  # other lengths
        song([(start + 960, end + 960, pitch) for start, end, pitch in NOTES]),  # after a silence
    ]
    assert {mark(data) for data in same} == {mark(song(NOTES))}


def test_other_music_has_another_fingerprint() -> None:
    others = [song(NOTES[:2]), song([(0, 480, 61), *NOTES[1:]]), song([(240, 480, 60), *NOTES[1:]])]
    assert len({mark(song(NOTES)), *map(mark, others)}) == 4


def test_a_roll_is_the_same_at_another_resolution_and_not_when_struck_otherwise() -> None:
    def digest(data: bytes) -> str:
        return roll_digest(notes_to_roll(parse_notes(data), RecordsConfig(grid="seconds"))[0])

    finer = song([(2 * start, 2 * end, pitch) for start, end, pitch in NOTES], division=960)
    assert digest(song(NOTES)) == digest(finer)
    assert digest(song(NOTES)) != digest(song(NOTES, tempos=[(0, 400_000)]))
    one, two = (steps_to_roll(*map(np.array, ([0, start], [4, 4], [60, 60]))) for start in (1, 2))
    assert roll_digest(one) != roll_digest(two)


def test_tempo_events_after_the_music_change_nothing() -> None:
    assert mark(header(1) + track([tempo(5000, 1), *note(0, 480, 60)])) == mark(song([(0, 480, 60)]))


def test_drums_are_counted_and_a_file_of_drums_alone_says_so() -> None:
    drums = track([event for n in range(5) for event in note(480 * n, 480 * n + 60, 38, channel=9)])
    melody = track(note(0, 480, 60))
    assert convert(header(2) + drums + melody, RecordsConfig(grid="seconds")).drum_notes == 5
    assert convert(header(2) + drums + melody, RecordsConfig(grid="seconds", drums=True)).drum_notes == 0
    for parser in ("symusic", "pretty_midi"):
        alone = convert(header(1) + drums, RecordsConfig(grid="seconds", parser=parser))
        assert alone.reason == "only drums (--drums keeps them)"
    assert convert(song([]), RecordsConfig(grid="seconds")).reason == "no notes"


@pytest.mark.parametrize("grid", ["beats", "seconds"])
def test_the_longest_silence_is_in_seconds(grid: str) -> None:
    config = RecordsConfig(grid=grid)
    minute = 120 * 480  # at 120 quarters per minute
    notes = [(960, 1440, 60), (2400, 2880, 60), (2880 + 70 * minute, 2880 + 70 * minute + 480, 60)]
    assert convert(song(notes), config).silence_seconds == 70 * 60
    assert convert(song(notes, [(2880, 1_000_000)]), config).silence_seconds == 140 * 60  # twice as slow from there
    assert convert(song(notes[:2]), config).silence_seconds == 1
    assert convert(song(notes[:1]), config).silence_seconds == 0  # that before the first note does not count


def test_karaoke_and_riff_files_are_read_whatever_reads_them(tmp_path: Path) -> None:
    """So also as primers, which the same function converts."""
    plain = song([(0, 480, 60)], [(0, 500_000)])
    riff = b"RIFF" + (len(plain) + 12).to_bytes(4, "little") + b"RMIDdata" + len(plain).to_bytes(4, "little") + plain
    expected = convert(plain, RecordsConfig(grid="seconds"))
    for parser in ("symusic", "pretty_midi"):
        for held in (False, True):
            config = RecordsConfig(grid="seconds", parser=parser, pedal=held)
            (tmp_path / "a.kar").write_bytes(plain)
            (tmp_path / "a.rmi").write_bytes(riff)
            assert convert(tmp_path / "a.kar", config) == expected
            assert convert(tmp_path / "a.rmi", config).content == expected.content
