"""Notes that never end are counted, whatever else is in the file."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from midi_files import header, note, song, track

from pianoroll_tf.data.midi import MidiError, parse_notes
from pianoroll_tf.data.unclosed import with_all_notes_closed


def on(tick: int, pitch: int, channel: int = 0) -> tuple[int, bytes]:
    return tick, bytes([0x90 | channel, pitch, 64])


def file(*tracks: list[tuple[int, bytes]], end: bool = True) -> bytes:
    return header(len(tracks)) + b"".join(track(events, end) for events in tracks)


@pytest.mark.parametrize("parser", ["symusic", "pretty_midi"])
@pytest.mark.parametrize("pedal", [False, True])
def test_unclosed_notes_are_counted_and_the_others_kept(parser: str, pedal: bool) -> None:
    good = note(0, 480, 60)
    data = file(
        [*good, on(960, 60), on(960, 61), on(1000, 61), on(0, 62, channel=3)], [on(0, 60), on(5, 40, channel=9)]
    )
    notes = parse_notes(data, parser, pedal=pedal)
    assert (notes.pitch.tolist(), notes.unclosed) == ([60], 5)
    assert parse_notes(data, parser, drums=True, pedal=pedal).unclosed == 6


def test_a_file_of_whole_notes_has_none() -> None:
    assert parse_notes(song([(0, 480, 60), (0, 480, 64), (480, 480, 67)])).unclosed == 0
    twice = [on(0, 60), on(240, 60), (480, b"\x80\x3c\x00"), (960, b"\x80\x3c\x00")]
    assert parse_notes(file(twice)).unclosed == 0
    assert parse_notes(file(twice[:3])).unclosed == 1  # the first note-off ends the first note


def test_tracks_without_an_end_and_an_end_after_a_delta_time() -> None:
    events = [*note(0, 480, 60), on(960, 61)]
    assert parse_notes(file(events, end=False)).unclosed == 1
    late = file([*events, (9999, b"\xff\x2f\x00")], end=False)
    assert parse_notes(late).unclosed == 1
    assert parse_notes(with_all_notes_closed(late)).end_ticks.tolist() == [480, 9999]


def test_a_file_in_which_no_note_ends_says_so() -> None:
    with pytest.raises(MidiError, match=r"^no note ends$"):
        parse_notes(file([on(0, 60), on(480, 62)]))


@given(
    st.lists(
        st.tuples(st.integers(0, 2000), st.booleans(), st.integers(60, 63), st.integers(0, 2), st.integers(0, 1)),
        max_size=40,
    )
)
def test_the_count_is_that_of_first_in_first_out(events: list[tuple[int, bool, int, int, int]]) -> None:
    events = sorted(events, key=lambda event: event[0])
    still_open: dict[tuple[int, int, int], int] = {}
    tracks: list[list[tuple[int, bytes]]] = [note(0, 3000, 90), note(0, 3000, 90)]
    for tick, begins, pitch, channel, number in events:
        tracks[number].append((tick, bytes([(0x90 if begins else 0x80) | channel, pitch, 64])))
        key = number, channel, pitch
        still_open[key] = still_open.get(key, 0) + 1 if begins else max(0, still_open.get(key, 0) - 1)
    assert parse_notes(file(*tracks)).unclosed == sum(still_open.values())
