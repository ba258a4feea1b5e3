"""MIDI, picture and sound of small rolls."""

import io
import struct

import mido
import numpy as np
import pretty_midi
import pytest
import symusic
from matplotlib import image

from pianoroll_tf.config import RecordsConfig
from pianoroll_tf.data.clock import Meter
from pianoroll_tf.data.midi import parse_notes
from pianoroll_tf.data.roll import as_states, notes_to_roll, to_dense
from pianoroll_tf.generation import render


def roll_of(*notes, steps=16):
    roll = np.zeros((steps, 84), np.uint8)
    for pitch, start, end in notes:
        roll[start:end, pitch - 24] = 1
    return roll


@pytest.mark.parametrize("rate", [1, 8, 7, 100])
def test_midi_file_has_the_roll(rate):
    roll = (np.random.default_rng(0).random((200, 84)) < 0.05).astype(np.uint8)
    roll[-1, 5] = 1  # the length is that of the last note
    content = render.midi_bytes(roll, rate)
    found, outside = notes_to_roll(parse_notes(content), RecordsConfig(grid="seconds", steps_per_second=rate))
    assert outside == 0
    np.testing.assert_array_equal(to_dense(found), as_states(roll))


def test_struck_notes_tempo_and_time_signatures_are_in_the_file():
    roll = np.zeros((24, 84), np.uint8)
    roll[:, 36] = [2, 1, 2, 1, 1, 1] * 4
    content = render.midi_bytes(roll, 4 * 138 / 60, 138, [(0, Meter(3, 4)), (12, Meter(6, 8))])
    notes = parse_notes(content)
    assert sorted(notes.start_ticks // 120) == [0, 2, 6, 8, 12, 14, 18, 20]
    assert notes.meters == ((0, Meter(3, 4)), (1440, Meter(6, 8)))
    assert 6e7 / notes.tempo_microseconds[0] == pytest.approx(138, rel=1e-4)
    found, _ = notes_to_roll(notes, RecordsConfig(grid="beats"))
    np.testing.assert_array_equal(to_dense(found), roll)


def test_two_notes_of_one_pitch_are_seen_to_be_two():
    roll = np.zeros((16, 84), np.uint8)
    roll[:, 36] = [2] + [1] * 15
    one = image.imread(io.BytesIO(render.png_bytes(roll, 0, 4, "beats")))
    roll[8, 36] = 2
    two = image.imread(io.BytesIO(render.png_bytes(roll, 0, 4, "beats")))
    assert (one != two).any()


def test_bars_are_lines():
    plain = render.png_bytes(roll_of((60, 0, 4)), 0, 4, "beats")
    assert render.png_bytes(roll_of((60, 0, 4)), 0, 4, "beats", bar_steps=[0, 8]) != plain


def test_other_readers_find_the_same_notes_in_the_file():
    roll = roll_of((60, 0, 4), (60, 6, 7), (107, 8, 16), (24, 15, 16))
    content = io.BytesIO(render.midi_bytes(roll, 7, tempo=90))
    notes = [(60, 0.0, 4 / 7), (60, 6 / 7, 1.0), (107, 8 / 7, 16 / 7), (24, 15 / 7, 16 / 7)]
    [piano] = pretty_midi.PrettyMIDI(content).instruments
    found = [(note.pitch, note.start, note.end) for note in piano.notes]
    assert sorted(found) == [pytest.approx(note, abs=60 / 90 / 480) for note in sorted(notes)]
    assert (piano.program, piano.is_drum, piano.name) == (0, False, "piano")
    content.seek(0)
    file = mido.MidiFile(file=content)
    assert file.ticks_per_beat == 480
    assert {message.tempo for message in file if message.type == "set_tempo"} == {666_667}  # microseconds a quarter


@pytest.mark.parametrize("steps", [0, 3, 16, 40_000])
def test_the_file_ends_with_the_roll(steps):
    roll = roll_of((60, 0, 2), steps=steps)
    for meters in ([(0, Meter())], [(0, Meter(3, 4)), (2, Meter())]):
        [track] = mido.MidiFile(file=io.BytesIO(render.midi_bytes(roll, 8, meters=meters))).tracks
        assert track[-1].type == "end_of_track"
        assert sum(message.time for message in track) == max(steps, meters[-1][0]) * 120


def velocities(content):
    """(step, pitch) → velocity, of a file with 120 ticks per step."""
    [track] = symusic.Score.from_midi(content).tracks
    return {(note.time // 120, note.pitch): note.velocity for note in track.notes}


def test_notes_are_accented_by_metre_and_voice():
    roll = np.zeros((16, 84), np.uint8)
    roll[[0, 1, 2, 4, 12], 40] = 2
    roll[0, 36] = roll[12, 45] = 2
    waltz = [(0, Meter(3, 4))]
    found = velocities(render.midi_bytes(roll, 8, 120, waltz, steps_per_beat=4))
    assert found == {
        (0, 64): 92,  # the first beat
        (0, 60): 84,  # below the highest voice
        (1, 64): 76,
        (2, 64): 80,
        (4, 64): 85,  # another beat
        (12, 69): 92,  # the next bar
        (12, 64): 84,
    }
    assert set(velocities(render.midi_bytes(roll, 8)).values()) == {85, 77}  # no beats on the grid of seconds


def test_played_notes_keep_their_velocities():
    played = np.zeros((2, 84), np.uint8)
    played[0, 36] = 33
    content = render.midi_bytes(roll_of((60, 0, 1), (62, 1, 2), (64, 3, 4)), 8, velocities=played)
    assert velocities(content) == {(0, 60): 33, (1, 62): 85, (3, 64): 85}


def test_the_key_signature_is_written_if_it_is_clear():
    scale = [(67 + step, number * 2, number * 2 + 2) for number, step in enumerate((0, 2, 4, 5, 7, 9, 11, 12))]
    [key] = symusic.Score.from_midi(render.midi_bytes(roll_of(*scale), 8)).key_signatures
    assert (key.time, key.key, key.tonality) == (0, 1, 0)  # G major
    chromatic = [(60 + step, step, step + 1) for step in range(12)]
    assert not symusic.Score.from_midi(render.midi_bytes(roll_of(*chromatic), 8)).key_signatures


def test_a_file_that_begins_within_a_bar_has_a_short_first_bar():
    content = render.midi_bytes(roll_of((60, 0, 16)), 8, meters=[(-6, Meter(6, 8)), (10, Meter())], steps_per_beat=4)
    assert parse_notes(content).meters == ((0, Meter(3, 8)), (6 * 120, Meter(2, 8)), (10 * 120, Meter()))
    content = render.midi_bytes(roll_of((60, 0, 16)), 8, meters=[(-1, Meter())], steps_per_beat=4)
    assert parse_notes(content).meters == ((0, Meter(15, 16)), (15 * 120, Meter()))
    content = render.midi_bytes(roll_of((60, 0, 16)), 8, meters=[(-1, Meter(3, 4))])
    assert parse_notes(content).meters == ((0, Meter(3, 4)),)


def test_music21_reads_tempo_metre_key_name_and_program():
    converter = pytest.importorskip("music21", reason="the extra demo is not installed").converter
    scale = [(67 + step, number * 2, number * 2 + 2) for number, step in enumerate((0, 2, 4, 5, 7, 9, 11, 12))]
    content = render.midi_bytes(roll_of(*scale), 6, 90, [(0, Meter(3, 4))], steps_per_beat=4, name="A waltz")
    [part] = converter.parseData(content, format="midi").parts
    assert part.partName == "A waltz"
    assert part.recurse().getElementsByClass("MetronomeMark")[0].number == 90
    assert part.recurse().getElementsByClass("TimeSignature")[0].ratioString == "3/4"
    assert part.recurse().getElementsByClass("KeySignature")[0].sharps == 1
    assert [one.midiProgram for one in part.recurse().getElementsByClass("Instrument")] == [0]
    assert [note.volume.velocity for note in part.recurse().notes][:2] == [92, 80]


@pytest.mark.parametrize("steps", [0, 3])
def test_midi_file_of_silence_has_no_note(steps):
    music = pretty_midi.PrettyMIDI(io.BytesIO(render.midi_bytes(np.zeros((steps, 84), np.uint8), 8)))
    assert [instrument.notes for instrument in music.instruments] in ([], [[]])


def test_hours_of_music_stay_in_time():
    roll = np.zeros((3 * 3600 * 8, 84), np.uint8)
    roll[[0, -1], 3] = 1
    ticks = parse_notes(render.midi_bytes(roll, 8)).start_ticks
    assert sorted(ticks) == [0, (3 * 3600 * 8 - 1) * 120]  # 120 ticks a step: two quarters a second


def test_midi_file_on_beats_has_the_roll_at_any_tempo():
    roll = roll_of((60, 0, 4), (64, 3, 16))
    content = render.midi_bytes(roll, 4 * 90 / 60, tempo=90)
    found, _ = notes_to_roll(parse_notes(content), RecordsConfig(grid="beats"))
    np.testing.assert_array_equal(to_dense(found), as_states(roll))


def pixels(content):
    """The colours in a PNG, as a set of hexadecimal texts."""
    picture = np.round(image.imread(io.BytesIO(content))[..., :3] * 255).astype(np.uint32)
    return {f"#{colour:06X}" for colour in np.unique(picture @ np.array([1 << 16, 1 << 8, 1], np.uint32))}


def test_picture_tells_primer_and_continuation_apart():
    roll = roll_of((60, 0, 8), (72, 8, 16))
    both = pixels(render.png_bytes(roll, 8, 8))
    assert {render.PRIMER_COLOUR, render.MUSIC_COLOUR} <= both
    alone = pixels(render.png_bytes(roll, 0, 8))
    assert render.MUSIC_COLOUR in alone
    assert render.PRIMER_COLOUR not in alone


def test_long_music_has_lines_in_which_the_shortest_note_is_clear():
    roll = np.zeros((4096, 84), np.uint8)
    roll[4000, 40] = 1
    content = render.png_bytes(roll, 0, 8)
    assert render.MUSIC_COLOUR in pixels(content)
    _, height = struct.unpack(">II", content[16:24])
    assert height >= 7 * 300


def test_a_line_is_cut_between_primer_and_music_anywhere():
    roll = np.ones((1500, 84), np.uint8)
    for primer_steps in (1, 639, 640, 641, 1499):
        assert {render.PRIMER_COLOUR, render.MUSIC_COLOUR} <= pixels(render.png_bytes(roll, primer_steps, 8))


@pytest.mark.parametrize("roll", [roll_of(), np.ones((1, 84)), roll_of((24, 0, 1)), roll_of((107, 0, 16))])
def test_picture_of_extremes(roll):
    content = render.png_bytes(roll, len(roll), 8)
    assert content.startswith(b"\x89PNG")
    width, height = struct.unpack(">II", content[16:24])
    assert width >= 800
    assert height >= 400


def test_pitch_axis_shows_three_octaves_at_least():
    assert render._pitch_limits(roll_of((60, 0, 1))) == (42, 78)
    assert render._pitch_limits(roll_of((24, 0, 1), (107, 0, 1))) == (24, 107)
    low, high = render._pitch_limits(roll_of((107, 0, 1)))
    assert high == 107
    assert low < 95
