"""The structure of MIDI files: headers, events, and times that would wrap around."""

import itertools
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from midi_files import header, note, pedal, song, tempo, track

from pianoroll_tf.data.midi import parse_notes
from pianoroll_tf.data.smf import (
    MAX_TICK,
    TEMPO,
    Event,
    MidiError,
    _ticks_bound,
    check_header,
    check_ticks,
    events,
    plain_header,
    without_riff,
)

BIG = b"\xff\xff\xff\x7f"  # the largest delta time, 2**28 - 1
TEXT = b"\xff\x01\x00"
END = b"\x00\xff\x2f\x00"


def chunk(body: bytes) -> bytes:
    return b"MTrk" + struct.pack(">I", len(body)) + body


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty file"),
        (b"\xff" * 1000, "not a MIDI file"),
        (b"RIFF" + b"\0" * 40, "not a MIDI file"),
        (b"MThd\0\0", "damaged: the file ends within its header"),
        (b"MThd\xff\xff\xff\xff" + b"\0" * 20, "damaged: the file ends within its header"),
        (b"MThd\0\0\0\7\0\0\0\1\1\xe0", "damaged: the file ends within its header"),  # 7 bytes, 6 are there
        (b"MThd\0\0\0\5\0\0\0\1\1\xe0", "damaged: the header must have at least 6 bytes"),
        (header(1, kind=2), "MIDI type 2, whose tracks are separate pieces"),
        (header(1, kind=7), "damaged: unknown MIDI type"),
        (header(1, division=0), "damaged: 0 ticks a quarter note"),
        (header(1, division=0xE728), "SMPTE time code instead of quarter notes"),
    ],
)
def test_headers_that_are_refused(data: bytes, reason: str) -> None:
    with pytest.raises(MidiError, match=f"^{reason}$"):
        check_header(data)


def test_what_a_longer_header_holds_beyond_6_bytes_is_left_out() -> None:
    data = song([(0, 480, 60)])
    longer = data[:4] + struct.pack(">I", 10) + data[8:14] + b"MTrk" + data[14:]
    check_header(longer)
    assert plain_header(longer) == plain_header(data) == data


@pytest.mark.parametrize("kind", [0, 1])
def test_headers_that_are_read(kind: int) -> None:
    check_header(header(3, kind=kind, division=1))


def test_events_of_all_tracks_in_the_order_of_the_file() -> None:
    data = header(2) + track([tempo(0, 500_000), *note(5, 200, 60, channel=3)]) + track([pedal(130, 127)])
    assert list(events(data)) == [
        Event(0, 5, 0x90, 3, 60, 64),
        Event(0, 200, 0x80, 3, 60, 0),
        Event(1, 130, 0xB0, 0, 64, 127),
    ]
    assert [event.tick for event in events(data, every=True)] == [0, 5, 200, 200, 130, 130]


def test_running_status_goes_on_and_skips_system_events() -> None:
    body = b"\x00\x90\x3c\x40" + b"\x01\x3d\x40" + b"\x01\xc0\x05" + b"\x01\x06" + b"\x01\x90\x3c\x00" + END
    assert [(event.tick, event.data1) for event in events(header(1) + chunk(body))] == [(0, 60), (1, 61), (4, 60)]


def test_unknown_chunks_padding_and_what_follows_the_end_of_track_are_passed_over() -> None:
    odd = b"XFIH" + struct.pack(">I", 2) + b"ab"
    data = header(1) + odd + chunk(b"\x00\x90\x3c\x40" + END + b"\x00\x90\x3d\x40") + b"\0\0"
    assert [event.data1 for event in events(data)] == [60]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"\x00\x90\x3c", "a track ends within an event"),
        (b"\x00\xff\x01\x05ab", "a track ends within an event"),
        (b"\x81", "a track ends within an event"),
        (b"\x81\x81\x81\x81\x01\x90\x3c\x40", "a delta time of more than 4 bytes"),
        (b"\x00\x3c\x40", "an event without a kind"),
        (b"\x00\xf4\x40", "an event without a kind"),
        (b"\x00\x90\xc8\x40", "a value above 127 in an event"),
    ],
)
def test_damaged_tracks_are_refused(body: bytes, reason: str) -> None:
    with pytest.raises(MidiError, match=f"^damaged: {reason}$"):
        list(events(header(1) + chunk(body)))


def test_a_chunk_that_is_longer_than_the_file_is_refused() -> None:
    with pytest.raises(MidiError, match=r"^damaged: the file ends within a chunk$"):
        list(events(song([(0, 10, 60)])[:-1]))


def test_ticks_beyond_31_bits_are_refused_and_fewer_are_not() -> None:
    fits = header(1) + chunk((BIG + TEXT) * 8 + b"\x07" + TEXT)
    beyond = header(1) + chunk((BIG + TEXT) * 8 + b"\x08" + TEXT)
    assert [event.tick for event in events(fits, every=True)][-1] == MAX_TICK
    check_ticks(fits, tempos=0)
    with pytest.raises(MidiError, match=r"a time beyond 2\^31 ticks"):
        check_ticks(beyond, tempos=0)


def test_ticks_that_wrap_to_a_small_number_are_refused() -> None:
    data = header(1) + chunk((BIG + TEXT) * 16 + b"\x10\x90\x3c\x40\x10\x3c\x00" + END)
    with pytest.raises(MidiError, match="a time beyond"):
        check_ticks(data, tempos=0)


def test_the_bound_passes_over_tempo_events_but_not_over_their_imitation() -> None:
    # The data of the tempo and the delta after it look like one delta: 0xFFFFFF, then 0x7F.
    honest = song([(0, 480, 60)], tempos=[(tick * 127, 0xFFFFFF) for tick in range(100)])
    assert honest.count(TEMPO) == 100
    assert _ticks_bound(honest, tempos=100) < MAX_TICK < _ticks_bound(honest, tempos=0)
    check_ticks(honest, tempos=0)  # then it is read event by event, and is valid
    # A text that ends like a tempo event begins: the three bytes after it are a delta's.
    imitation = header(1) + chunk(b"\x00" + (b"\xff\x01\x03" + TEMPO + BIG) * 20 + TEXT)
    with pytest.raises(MidiError, match="a time beyond"):
        check_ticks(imitation, tempos=0)


def bound_byte_by_byte(data: bytes) -> int:
    total = 0
    for end, byte in enumerate(data):
        if byte < 128:
            total += byte
            for back in (1, 2, 3):
                if back > end or data[end - back] < 128:
                    break
                total += (data[end - back] & 0x7F) << 7 * back
    return total


@given(st.lists(st.sampled_from([0, 3, 81, 127, 128, 144, 255]), max_size=40))
def test_the_bound_is_that_of_its_definition(numbers: list[int]) -> None:
    data = bytes(numbers)
    assert _ticks_bound(data, tempos=-1) == bound_byte_by_byte(data)


@given(st.lists(st.sampled_from([b"\x00", b"\x90", b"\xff", TEMPO, b"\x05"]), max_size=20))
def test_tempo_data_are_passed_over_only_where_events_do_not_overlap(parts: list[bytes]) -> None:
    data = b"".join(parts)
    places = [place for place in range(len(data) - 5) if data[place : place + 3] == TEMPO]
    apart = all(after - before >= 6 for before, after in itertools.pairwise(places))
    passed = data
    for place in places if apart else []:
        passed = passed[: place + 1] + bytes(5) + passed[place + 6 :]
    assert _ticks_bound(data, tempos=len(places)) == bound_byte_by_byte(passed)


@pytest.mark.parametrize(
    "behind", [b"\0" * 3, b"\0" * 40, b"XFIH\0\0\0\4a", b"Made by a program of 1998", b"MTrk\x7f\xff\xff\xff"]
)
def test_whatever_follows_the_last_track_is_not_read(behind: bytes) -> None:
    data = song([(0, 10, 60), (10, 20, 62)])
    assert list(events(data + behind)) == list(events(data))
    np.testing.assert_array_equal(parse_notes(data + behind, pedal=True).pitch, [60, 62])


def test_a_running_status_survives_a_text_and_a_system_event() -> None:
    text, system = b"\x05\xff\x01\x01t", b"\x05\xf0\x02\x01\xf7"
    body = b"\x00\x90\x3c\x40" + text + b"\x05\x3c\x00" + system + b"\x05\x3e\x40" + b"\x05\x3e\x00"
    data = header(1) + chunk(body)
    assert [(event.tick, event.data1, event.data2) for event in events(data)] == [
        (0, 60, 64),
        (10, 60, 0),
        (20, 62, 64),
        (25, 62, 0),
    ]
    data = header(1) + chunk(
        body.replace(system, b"")
    )  # symusic does not read a running status after a system event, and says so
    with_library, own = (parse_notes(data, pedal=pedal) for pedal in (False, True))
    for name in ("start_ticks", "end_ticks", "pitch"):
        np.testing.assert_array_equal(getattr(with_library, name), getattr(own, name))


def test_a_riff_file_is_unwrapped() -> None:
    inside = song([(0, 480, 60)])
    info = b"LIST" + struct.pack("<I", 3) + b"abc\0"  # padded to an even length
    chunks = info + b"data" + struct.pack("<I", len(inside)) + inside
    riff = b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"RMID" + chunks
    assert without_riff(riff) == inside
    assert without_riff(inside) == inside
    with pytest.raises(MidiError, match="a RIFF file without a MIDI file"):
        without_riff(riff[: 12 + len(info)])
    assert parse_notes(riff).pitch.tolist() == [60]
