"""The sustain pedal, in ticks that can be checked by hand."""

import pytest
from midi_files import header, note, pedal, track

from pianoroll_tf.data.pedal import pair_notes, sustained_notes
from pianoroll_tf.data.smf import events


def sustained(*tracks: list, drums: bool = False) -> list[tuple[int, int, int]]:
    """(start, end, pitch) of the notes of a file, sorted."""
    data = header(len(tracks)) + b"".join(map(track, tracks))
    return sorted(zip(*(array.tolist() for array in sustained_notes(data, drums)), strict=True))


def test_a_note_lasts_until_the_pedal_comes_up() -> None:
    assert sustained([pedal(0, 127), *note(10, 20, 60), pedal(50, 0)]) == [(10, 50, 60)]


def test_a_note_that_ends_without_pedal_stays() -> None:
    assert sustained([*note(10, 20, 60), pedal(30, 127), pedal(50, 0)]) == [(10, 20, 60)]


@pytest.mark.parametrize(("value", "end"), [(63, 20), (64, 50)])
def test_the_pedal_is_down_from_64_on(value: int, end: int) -> None:
    assert sustained([pedal(0, value), *note(10, 20, 60), pedal(50, 63)]) == [(10, end, 60)]


def test_the_same_pitch_struck_again_ends_it() -> None:
    events_ = [pedal(0, 127), *note(10, 20, 60), *note(30, 40, 60), *note(35, 36, 64), pedal(90, 0)]
    assert sustained(events_) == [(10, 30, 60), (30, 90, 60), (35, 90, 64)]


def test_a_note_of_no_length_is_held_like_any_other() -> None:
    events_ = [pedal(0, 127), *note(480, 480, 60), *note(960, 1440, 60), *note(500, 500, 64), pedal(1920, 0)]
    assert sustained(events_) == [(480, 960, 60), (500, 1920, 64), (960, 1920, 60)]


def test_a_pedal_that_never_comes_up_holds_until_the_last_note_ends() -> None:
    assert sustained([pedal(0, 127), *note(10, 20, 60), *note(30, 70, 64)]) == [(10, 70, 60), (30, 70, 64)]


def test_pedal_and_note_off_at_the_same_tick() -> None:
    assert sustained([*note(10, 20, 60), pedal(20, 127), pedal(50, 0)]) == [(10, 50, 60)]
    assert sustained([pedal(0, 127), *note(10, 20, 60), pedal(20, 0), *note(30, 60, 62)]) == [
        (10, 20, 60),
        (30, 60, 62),
    ]


def test_the_last_of_several_pedal_events_at_a_tick_holds() -> None:
    events_ = [pedal(0, 127), *note(10, 20, 60), pedal(40, 0), pedal(40, 127), pedal(60, 0)]
    assert sustained(events_) == [(10, 60, 60)]


def test_the_pedal_works_on_its_channel_in_all_tracks() -> None:
    pedals = [pedal(0, 127), pedal(50, 0)]
    assert sustained(note(10, 20, 60), pedals) == [(10, 50, 60)]
    assert sustained(note(10, 20, 60, channel=1), pedals) == [(10, 20, 60)]


def test_reset_all_controllers_lifts_it() -> None:
    reset = (30, bytes([0xB0, 121, 0]))
    assert sustained([pedal(0, 127), *note(10, 20, 60), reset, pedal(50, 0)]) == [(10, 30, 60)]


def test_drums_are_kept_only_when_asked_for() -> None:
    drum = note(0, 5, 36, channel=9)
    assert sustained([*drum, *note(10, 20, 60)]) == [(10, 20, 60)]
    assert sustained([*drum, *note(10, 20, 60)], drums=True) == [(0, 5, 36), (10, 20, 60)]


def test_no_notes_are_no_error() -> None:
    assert sustained([pedal(0, 127)]) == []


def test_a_note_off_ends_the_oldest_open_note_of_its_track_channel_and_pitch() -> None:
    on, off = bytes([0x90, 60, 64]), bytes([0x80, 60, 0])
    data = header(2) + track([(0, on), (5, on), (9, off), (20, off), (30, off)]) + track([(7, off)])
    start, end, pitch, channel = pair_notes(events(data))
    assert list(zip(start, end, pitch, channel, strict=True)) == [(0, 9, 60, 0), (5, 20, 60, 0)]
