"""A piece knows its grid, tempo and time signatures; what it saves holds the same music."""

import numpy as np
import pytest
from midi_files import TICKS, song

from pianoroll_tf import Piece
from pianoroll_tf.data.clock import Meter

FOUR, THREE = Meter(4, 4), Meter(3, 4)


def scale(steps: int = 32, **more) -> Piece:
    """One pitch after the other from middle C, four steps each."""
    roll = np.zeros((steps, 84), np.uint8)
    for step in range(steps):
        roll[step, 36 + step // 4] = 1 + (step % 4 == 0)
    return Piece(roll, **more)


def test_durations_follow_grid_and_tempo():
    beats, seconds = scale(tempo=60, meters="3/4"), scale(grid="seconds", steps_per_unit=8, tempo=60)
    assert (beats.seconds, beats.steps_per_second, beats.steps_per_beat, beats.meter) == (8.0, 4.0, 4, "3/4")
    assert (seconds.seconds, seconds.steps_per_second, seconds.steps_per_beat) == (4.0, 8, None)
    assert repr(seconds) == "Piece(4.0 s, 32 steps, 8 per second, tempo 60, 4/4)"
    assert len(beats) == 32


def test_a_roll_of_zeros_and_ones_becomes_states():
    roll = np.zeros((3, 84), bool)
    roll[:2, 0] = True
    assert Piece(roll).roll[:, 0].tolist() == [2, 1, 0]
    assert Piece(roll).roll.dtype == np.uint8
    assert {name: values.tolist() for name, values in Piece(roll).notes.items()} == {
        "start": [0],
        "end": [2],
        "pitch": [24],
    }


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"roll": np.zeros((3, 88))}, r"roll must be numbers of shape \[steps, 84\]. Received: shape=\(3, 88\)"),
        ({"tempo": 0}, "tempo must be a number > 0. Received: tempo=0"),
        ({"grid": "auto"}, "grid must be one of beats, seconds. Received: grid='auto'"),
        ({"steps_per_unit": 0}, "steps_per_beat must be a whole number >= 1"),
        ({"meters": "waltz"}, "meter must be N/D"),
    ],
)
def test_what_is_not_allowed(changes, line):
    with pytest.raises(ValueError, match=line):
        Piece(**{"roll": np.zeros((3, 84))} | changes)


def test_a_part_keeps_the_time_signature_it_is_in():
    piece = scale(meters=((0, FOUR), (16, THREE)), primer_steps=20)
    part = piece.part(18, 8)
    assert (len(part), part.meters, part.primer_steps) == (8, ((0, THREE),), 2)
    assert piece.part(12).meters == ((0, FOUR), (4, THREE))
    assert piece.part(24).primer_steps == 0
    assert (piece.roll[18, 40], part.roll[0, 40]) == (1, 2)  # a note that sounds already begins with the part
    np.testing.assert_array_equal(part.roll[1:], piece.roll[19:26])


def test_midi_is_read_as_the_piece_that_was_saved(tmp_path):
    piece = scale(tempo=90, meters=((0, THREE),))
    read = Piece.from_midi(piece.save(tmp_path / "new" / "a.mid"), grid="beats")
    np.testing.assert_array_equal(read.roll, piece.roll)
    assert (round(read.tempo, 3), read.meters, read.steps_per_beat) == (90.0, ((0, THREE),), 4)
    assert read.name == str(tmp_path / "new" / "a.mid")


def test_the_grid_is_chosen_by_the_music(tmp_path):
    bars = [(quarter * TICKS, (quarter + 1) * TICKS, 60) for quarter in range(64) if quarter % 4 != 3]
    free = [(step * 137, step * 137 + 60, 60) for step in range(200)]
    for name, notes in (("beats", bars), ("seconds", free)):
        (tmp_path / f"{name}.mid").write_bytes(song(notes))
        assert Piece.from_midi(tmp_path / f"{name}.mid").grid == name
    assert Piece.from_midi(tmp_path / "beats.mid", "seconds", steps_per_second=16).steps_per_unit == 16


def test_what_cannot_be_read_is_named(tmp_path):
    (tmp_path / "a.mid").write_bytes(b"MThd")
    with pytest.raises(ValueError, match=r"path must be a MIDI file. Received: path=.*a.mid \("):
        Piece.from_midi(tmp_path / "a.mid")
    with pytest.raises(ValueError, match="there is no such file"):
        Piece.from_midi(tmp_path / "b.mid")


@pytest.mark.parametrize(
    ("suffix", "begin"), [(".MID", b"MThd"), (".midi", b"MThd"), (".png", b"\x89PNG"), (".wav", b"RIFF")]
)
def test_the_suffix_says_what_is_saved(tmp_path, suffix, begin):
    path = scale(16).save(tmp_path / f"a{suffix}")
    assert path.read_bytes().startswith(begin)


def test_a_file_is_replaced_only_on_request(tmp_path):
    path = scale(8).save(tmp_path / "a.mid")
    before = path.read_bytes()
    with pytest.raises(FileExistsError, match="path must be a new file, or overwrite be True"):
        scale(16).save(path)
    assert path.read_bytes() == before
    scale(16).save(path, overwrite=True)
    assert path.read_bytes() != before


def test_other_suffixes_and_scores_of_seconds_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"path must end in one of .mid, .midi, .png, .wav, .musicxml"):
        scale().save(tmp_path / "a.mp3")
    with pytest.raises(ValueError, match="a score needs the grid of beats"):
        scale(grid="seconds").save(tmp_path / "a.musicxml")
    assert not list(tmp_path.iterdir())


def test_a_score_has_the_bars(tmp_path):
    music21 = pytest.importorskip("music21", reason="the extra demo is not installed")
    path = scale(meters="4/4").save(tmp_path / "a.musicxml")
    score = music21.converter.parse(path)
    assert {note.pitch.midi for note in score.recurse().notes} == set(range(60, 68))
    assert [len(part.getElementsByClass("Measure")) for part in score.parts] == [2, 2]


def test_statistics_are_those_of_the_roll():
    facts = scale().statistics()
    assert (facts["polyphony"], facts["longest_note"], facts["lowest_pitch"], facts["highest_pitch"]) == (1, 4, 60, 67)


def test_velocities_are_those_of_the_file_and_accents_elsewhere(tmp_path):
    path = tmp_path / "a.mid"
    path.write_bytes(song([(0, TICKS, 60), (TICKS, TICKS, 64)], [(0, 500_000)]))
    piece = Piece.from_midi(path, grid="beats")
    heard = Piece.from_midi(scale().save(tmp_path / "b.mid"), grid="beats")
    assert piece.velocities[[0, 4], [36, 40]].tolist() == [read_velocity(path)] * 2
    assert heard.velocities[[0, 4], [36, 37]].tolist() == [92, 85]  # the first beat, and another
    again = Piece.from_midi(heard.part(4).save(tmp_path / "c.mid"), grid="beats")
    assert again.velocities[0, 37] == 85


def read_velocity(path):
    from symusic import Score

    return Score(path).tracks[0].notes[0].velocity


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"roll": np.full((3, 84), 0.5)}, "cells of the roll must be 0, 1 or 2. Received: 0.5"),
        ({"tempo": "120"}, "tempo must be a number > 0. Received: tempo='120'"),
        ({"meters": ["3/4"]}, "meters must be N/D, or pairs"),
        ({"velocities": np.zeros((4, 84), np.uint8)}, r"velocities must be of shape \[up to 3, 84\]"),
    ],
)
def test_more_that_is_not_allowed(changes, line):
    with pytest.raises(ValueError, match=line):
        Piece(**{"roll": np.zeros((3, 84))} | changes)


@pytest.mark.parametrize(("first", "steps"), [(-8, None), (33, None), (0, -1)])
def test_a_part_lies_within_the_piece(first, steps):
    with pytest.raises(ValueError, match=f"first must be >= 0 and <= 32, and steps >= 0. Received: first={first}"):
        scale().part(first, steps)
    assert Piece(np.zeros((3, 84)), meters=THREE).meter == "3/4"
