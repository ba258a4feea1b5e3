"""Reading MIDI: notes, tempo maps, both parsers, and every kind of file that is refused."""

import os
import random
from pathlib import Path

import numpy as np
import pytest
from midi_files import header, note, pedal, random_song, song, tempo, track

from pianoroll_tf.data import midi
from pianoroll_tf.data.clock import Meter
from pianoroll_tf.data.midi import PARSERS, MidiError, Notes, ignores_tempo, parse_notes, read_bytes

NOTES = [(0, 480, 60), (480, 960, 64), (480, 1920, 67), (960, 1440, 60)]


def rows(notes: Notes) -> list[tuple[int, int, int]]:
    """(start, end, pitch) in ticks, sorted."""
    return sorted(zip(notes.start_ticks.tolist(), notes.end_ticks.tolist(), notes.pitch.tolist(), strict=True))


@pytest.mark.parametrize("parser", PARSERS)
def test_notes_and_seconds_by_hand(parser: str) -> None:
    notes = parse_notes(song(NOTES, tempos=[(0, 600_000), (960, 300_000)]), parser=parser)
    assert rows(notes) == sorted(NOTES)
    assert notes.ticks_per_quarter == 480
    np.testing.assert_allclose(notes.seconds(np.array([0, 480, 960, 1440, 1920])), [0, 0.6, 1.2, 1.5, 1.8], atol=1e-12)
    np.testing.assert_array_equal(notes.quarters(np.array([0, 240, 1920])), [0, 0.5, 4])
    assert notes.start_ticks.dtype == notes.end_ticks.dtype == notes.pitch.dtype == np.int64


@pytest.mark.parametrize("parser", PARSERS)
def test_without_a_tempo_a_quarter_is_half_a_second(parser: str) -> None:
    notes = parse_notes(song(NOTES), parser=parser)
    assert notes.seconds(np.array([960])).tolist() == [1.0]


@pytest.mark.parametrize("parser", PARSERS)
@pytest.mark.parametrize("seed", range(3))
def test_the_parsers_agree_on_ordinary_songs(parser: str, seed: int) -> None:
    data = random_song(seed)
    expected = parse_notes(data)
    found = parse_notes(data, parser=parser)
    assert rows(found) == rows(expected)
    np.testing.assert_allclose(found.seconds(found.start_ticks.max()), expected.seconds(expected.start_ticks.max()))


def test_tempo_events_of_all_tracks_hold_and_pretty_midi_takes_the_first_tracks() -> None:
    data = header(2) + track([tempo(0, 500_000)]) + track([tempo(480, 1_000_000), *note(960, 1440, 60)])
    notes = parse_notes(data)
    assert notes.seconds(notes.start_ticks).tolist() == [1.5]
    assert not ignores_tempo(data, notes)
    other = parse_notes(data, parser="pretty_midi")
    assert other.seconds(other.start_ticks).tolist() == [1.0]
    assert ignores_tempo(data, other)


def signature(tick: int, numerator: int, power: int) -> tuple[int, bytes]:
    """A time signature whose denominator is a power of two."""
    return tick, bytes([0xFF, 0x58, 4, numerator, power, 24, 8])


def with_signatures(*signatures: tuple[int, bytes]) -> bytes:
    return header(2) + track(signatures) + track(note(0, 480, 60))


@pytest.mark.parametrize("parser", PARSERS)
def test_time_signatures_in_order_without_those_that_change_nothing(parser: str) -> None:
    data = with_signatures(signature(0, 3, 2), signature(480, 3, 2), signature(960, 6, 3))
    assert parse_notes(data, parser=parser).meters == ((0, Meter(3, 4)), (960, Meter(6, 8)))
    assert parse_notes(with_signatures(), parser=parser).meters == ()


@pytest.mark.parametrize("parser", PARSERS)
def test_of_several_time_signatures_at_a_tick_the_last_holds(parser: str) -> None:
    data = with_signatures(signature(480, 3, 2), signature(480, 5, 2))
    assert parse_notes(data, parser=parser).meters == ((480, Meter(5, 4)),)


def test_time_signatures_of_all_tracks_hold() -> None:
    data = header(2) + track([signature(960, 2, 2)]) + track([signature(0, 3, 2), *note(0, 480, 60)])
    assert parse_notes(data).meters == ((0, Meter(3, 4)), (960, Meter(2, 4)))


@pytest.mark.parametrize("parser", PARSERS)
@pytest.mark.parametrize(("numerator", "power"), [(4, 7), (4, 8), (4, 255), (65, 2), (255, 0)])
def test_time_signatures_that_cannot_be_used_are_left_out(parser: str, numerator: int, power: int) -> None:
    data = with_signatures(signature(0, numerator, power), signature(480, 3, 2))
    assert parse_notes(data, parser=parser).meters == ((480, Meter(3, 4)),)


def test_a_time_signature_of_no_notes_is_left_out() -> None:
    data = with_signatures(signature(0, 0, 2), signature(480, 3, 2))
    assert parse_notes(data).meters == ((480, Meter(3, 4)),)
    with pytest.raises(MidiError, match="pretty_midi cannot read it"):  # the library refuses the whole file
        parse_notes(data, parser="pretty_midi")


def test_of_very_many_time_signatures_the_first_are_kept() -> None:
    data = with_signatures(*(signature(tick, 2 + tick % 2, 2) for tick in range(midi.MAX_METERS + 5)))
    meters = parse_notes(data).meters
    assert len(meters) == midi.MAX_METERS
    assert meters[:2] == ((0, Meter(2, 4)), (1, Meter(3, 4)))


@pytest.mark.parametrize("parser", PARSERS)
@pytest.mark.parametrize("pedal", [False, True])
def test_a_header_longer_than_6_bytes_changes_nothing(parser: str, pedal: bool) -> None:
    data = song(NOTES, tempos=[(0, 600_000)])
    longer = data[:4] + (10).to_bytes(4, "big") + data[8:14] + bytes(4) + data[14:]
    notes = parse_notes(longer, parser=parser, pedal=pedal)
    assert rows(notes) == sorted(NOTES)
    assert notes.seconds(np.array([480])).tolist() == [0.6]
    assert not ignores_tempo(longer, notes)


def test_of_several_tempos_at_a_tick_the_last_holds() -> None:
    notes = parse_notes(song([(480, 960, 60)], tempos=[(0, 400_000), (0, 600_000)]))
    assert notes.seconds(np.array([480])).tolist() == [0.6]
    assert notes.tempo_ticks.tolist() == [0]


def test_seconds_do_not_drift_over_thousands_of_tempo_changes() -> None:
    tempos = [(tick * 7, 333_333 + tick % 5) for tick in range(6000)]
    notes = parse_notes(song([(42_000, 42_001, 60)], tempos=tempos))
    microseconds_times_ticks = sum(7 * microseconds for _, microseconds in tempos)  # whole numbers: exact
    assert notes.seconds(notes.start_ticks)[0] == microseconds_times_ticks / 480e6


def test_a_note_of_no_length_is_a_note_for_symusic_and_none_for_pretty_midi() -> None:
    data = song([(0, 480, 60), (480, 480, 62)])
    assert rows(parse_notes(data)) == [(0, 480, 60), (480, 480, 62)]
    assert rows(parse_notes(data, parser="pretty_midi")) == [(0, 480, 60)]


@pytest.mark.parametrize("parser", PARSERS)
def test_drums_are_kept_only_when_asked_for(parser: str) -> None:
    data = header(1) + track([*note(0, 480, 60), *note(0, 480, 36, channel=9)])
    assert rows(parse_notes(data, parser=parser)) == [(0, 480, 60)]
    assert rows(parse_notes(data, parser=parser, drums=True)) == [(0, 480, 36), (0, 480, 60)]


@pytest.mark.parametrize("parser", PARSERS)
def test_the_pedal_holds_only_when_asked_for(parser: str) -> None:
    data = header(1) + track([pedal(0, 127), *note(0, 480, 60), pedal(960, 0)])
    assert rows(parse_notes(data, parser=parser)) == [(0, 480, 60)]
    assert rows(parse_notes(data, parser=parser, pedal=True)) == [(0, 960, 60)]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty file"),
        (b"hello", "not a MIDI file"),
        (song([]), "no notes"),
        (song(NOTES)[:-5], "^damaged: "),
        (song(NOTES, division=0), "0 ticks a quarter"),
        (song(NOTES, tempos=[(0, 0)]), "a tempo of 0"),
        (header(1) + track(note(0, 10, 36, channel=9)), "only drums"),
        (header(1) + track([(2**28 - 1, b"\xff\x01\x00")] + [(n * (2**28 - 1), b"\xff\x01\x00") for n in range(17)]
                           + note(17 * (2**28 - 1), 17 * (2**28 - 1) + 5, 60)), "beyond 2"),
        (header(1) + track([(n * (2**28 - 1), b"\xff\x01\x00") for n in range(10)]
                           + note(10 * (2**28 - 1), 10 * (2**28 - 1) + 5, 60)), "beyond 2"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_soundly_is_refused_with_a_reason(data: bytes, reason: str) -> None:
    with pytest.raises(MidiError, match=reason):
        parse_notes(data)


def test_pretty_midis_many_exceptions_are_one() -> None:
    with pytest.raises(MidiError, match="pretty_midi cannot read it: "):
        parse_notes(song(NOTES)[:-5], parser="pretty_midi")


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("start_ticks", -1, "times run backwards"),
        ("end_ticks", -1, "times run backwards"),
        ("pitch", 128, r"a pitch outside 0\.\.127"),
        ("pitch", -1, r"a pitch outside 0\.\.127"),
        ("tempo_microseconds", 0.0, "a tempo of 0"),
        ("tempo_microseconds", float("nan"), "a tempo of 0"),
        ("tempo_ticks", 5, "times run backwards"),
    ],
)
def test_unsound_notes_of_a_parser_are_refused(field: str, value: float, reason: str) -> None:
    values = {"start_ticks": 0, "end_ticks": 1, "pitch": 60, "tempo_ticks": 0, "tempo_microseconds": 5e5} | {
        field: value
    }
    notes = Notes(ticks_per_quarter=480, **{name: np.array([number]) for name, number in values.items()})
    with pytest.raises(MidiError, match=reason):
        midi.check_notes(notes)


def test_too_many_notes_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(midi, "MAX_NOTES", 3)
    with pytest.raises(MidiError, match="more than 3 notes"):
        parse_notes(song(NOTES))


@pytest.mark.parametrize("parser", PARSERS)
@pytest.mark.parametrize("seed", range(4))
def test_damaged_files_give_notes_or_a_reason_and_nothing_else(parser: str, seed: int) -> None:
    rng = random.Random(seed)
    whole = random_song(seed, quarters=8)
    outcomes = set()
    for _ in range(60):
        data = bytearray(whole[: rng.choice([len(whole), rng.randrange(1, len(whole))])])
        for _ in range(rng.randrange(6)):
            data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        try:
            notes = parse_notes(bytes(data), parser=parser)
            assert (notes.start_ticks >= 0).all()
            assert (notes.end_ticks >= notes.start_ticks).all()
            assert np.isfinite(notes.seconds(notes.end_ticks)).all()
            outcomes.add("notes")
        except MidiError as error:
            assert str(error).strip()
            outcomes.add("reason")
    assert outcomes == {"notes", "reason"}


def test_only_regular_files_of_a_sane_size_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    good = tmp_path / "good.mid"
    good.write_bytes(song(NOTES))
    assert rows(parse_notes(read_bytes(good))) == sorted(NOTES)
    link, fifo = tmp_path / "link.mid", tmp_path / "fifo.mid"
    link.symlink_to(good)
    os.mkfifo(fifo)
    with pytest.raises(OSError, match="symbolic links"):
        read_bytes(link)
    for path in (fifo, tmp_path):
        with pytest.raises(MidiError, match="not a regular file"):
            read_bytes(path)
    monkeypatch.setattr(midi, "MAX_FILE_BYTES", len(song(NOTES)) - 1)
    with pytest.raises(MidiError, match="larger than"):
        read_bytes(good)
