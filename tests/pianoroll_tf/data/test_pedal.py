"""The sustain pedal, in ticks that can be checked by hand."""

import pytest
from midi_files import header, note, pedal, track

from pianoroll_tf.data.pedal import sustained_notes


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
    first, last = note(10, 20, 60)
    assert sustained([first, last, pedal(20, 127), pedal(50, 0)]) == [(10, 20, 60)]
    assert sustained([first, pedal(20, 127), last, pedal(50, 0)]) == [(10, 50, 60)]
    assert sustained([pedal(0, 127), first, last, pedal(20, 0), *note(30, 60, 62)]) == [(10, 20, 60), (30, 60, 62)]
    assert sustained([pedal(0, 127), first, pedal(20, 0), last, *note(30, 60, 62)]) == [(10, 20, 60), (30, 60, 62)]


def test_a_pedal_that_is_released_and_pressed_again_at_a_tick_ends_the_notes_before() -> None:
    change = [pedal(40, 0), pedal(40, 127)]  # as LilyPond and Verovio write every change
    events_ = [pedal(0, 127), *note(10, 20, 60), *change, *note(40, 50, 64), pedal(60, 0)]
    assert sustained(events_) == [(10, 40, 60), (40, 60, 64)]


def test_a_pedal_that_is_pressed_and_released_at_a_tick_holds_nothing() -> None:
    assert sustained([*note(10, 40, 60), pedal(40, 127), pedal(40, 0), *note(50, 60, 62)]) == [
        (10, 40, 60),
        (50, 60, 62),
    ]


def test_the_ports_of_a_file_have_pedals_of_their_own() -> None:
    first, second = (0, bytes([0xFF, 0x21, 1, 0])), (0, bytes([0xFF, 0x21, 1, 1]))
    pedals = [pedal(0, 127), pedal(50, 0)]
    assert sustained([first, *note(10, 20, 60)], [second, *pedals]) == [(10, 20, 60)]
    assert sustained([second, *note(10, 20, 60)], [second, *pedals]) == [(10, 50, 60)]
    drum = note(0, 5, 36, channel=9)
    assert sustained([second, *drum, *note(10, 20, 60)]) == [(10, 20, 60)]


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
    assert sustained([(0, on), (5, on), (9, off), (20, off), (30, off)], [(7, off)]) == [(0, 9, 60), (5, 20, 60)]
