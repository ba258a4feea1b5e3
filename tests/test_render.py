"""MIDI, picture and sound of small rolls."""

import io
import struct
import sys
import types
import wave

import mido
import numpy as np
import pretty_midi
import pytest
from matplotlib import image

from pianoroll_tf.config import RecordsConfig
from pianoroll_tf.data.midi import parse_notes
from pianoroll_tf.data.roll import notes_to_roll, to_dense
from pianoroll_tf.generation import render


def roll_of(*notes, steps=16):
    roll = np.zeros((steps, 84), np.uint8)
    for pitch, start, end in notes:
        roll[start:end, pitch - 24] = 1
    return roll


def test_a_run_of_cells_is_one_note():
    music = render.playable(roll_of((60, 0, 4), (60, 6, 7), (107, 8, 16)), steps_per_second=8)
    notes = [(note.pitch, note.start, note.end, note.velocity) for note in music.instruments[0].notes]
    assert notes == [(60, 0.0, 0.5, 80), (60, 0.75, 0.875, 80), (107, 1.0, 2.0, 80)]


@pytest.mark.parametrize("rate", [1, 8, 7, 100])
def test_midi_file_has_the_roll(rate):
    roll = (np.random.default_rng(0).random((200, 84)) < 0.05).astype(np.uint8)
    roll[-1, 5] = 1  # the length is that of the last note
    content = render.midi_bytes(roll, rate)
    found, outside = notes_to_roll(parse_notes(content), RecordsConfig(steps_per_second=rate))
    assert outside == 0
    np.testing.assert_array_equal(to_dense(found), roll)


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
    assert {message.velocity for message in file if message.type == "note_on"} == {80}


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
    np.testing.assert_array_equal(to_dense(found), roll)


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


def read_wav(content):
    with wave.open(io.BytesIO(content)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, 44_100)
        return np.frombuffer(file.readframes(file.getnframes()), "<i2")


def test_sound_by_sine_waves(monkeypatch):
    monkeypatch.setitem(sys.modules, "fluidsynth", None)
    content, maker = render.wav_bytes(render.playable(roll_of((69, 0, 8)), 8))
    samples = read_wav(content)
    assert maker == "pretty_midi's sine waves (for a piano, install pyfluidsynth and the FluidSynth library)"
    assert np.abs(samples.astype(int)).max() == pytest.approx(render.PEAK * 32767, abs=1)
    assert 44_100 <= len(samples) <= 2 * 44_100  # the second that is played, and its decay
    loudest = np.abs(np.fft.rfft(samples.astype(float))).argmax() * 44_100 / len(samples)
    assert loudest == pytest.approx(440, abs=2)


def test_sound_by_fluidsynth_where_it_is_installed(monkeypatch):
    monkeypatch.setitem(sys.modules, "fluidsynth", types.ModuleType("fluidsynth"))
    monkeypatch.setattr(pretty_midi.PrettyMIDI, "fluidsynth", lambda self, fs: np.array([0.0, 2.0, -1.0]))
    content, maker = render.wav_bytes(render.playable(roll_of((69, 0, 8)), 8))
    assert "FluidSynth" in maker
    assert read_wav(content).tolist() == [0, int(0.9 * 32767), -int(0.45 * 32767)]


def test_pyfluidsynth_without_its_library(tmp_path, monkeypatch):
    (tmp_path / "fluidsynth.py").write_text("raise ImportError('cannot find the library')")
    monkeypatch.delitem(sys.modules, "fluidsynth", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    content, maker = render.wav_bytes(render.playable(roll_of((69, 0, 8)), 8))
    assert "sine waves (for a piano, install the FluidSynth library; pyfluidsynth does not find it)" in maker
    assert read_wav(content).any()


def test_silence_has_a_sound_file_of_its_length():
    content, maker = render.wav_bytes(render.playable(roll_of(), 8), seconds=2.5)
    assert "no note" in maker
    samples = read_wav(content)
    assert len(samples) == 2.5 * 44_100
    assert not samples.any()


def test_silence_at_the_end_sounds(monkeypatch):
    monkeypatch.setitem(sys.modules, "fluidsynth", None)
    content, _ = render.wav_bytes(render.playable(roll_of((69, 0, 1)), 8), seconds=3)
    samples = read_wav(content)
    assert len(samples) == 3 * 44_100
    assert samples[:5000].any()
    assert not samples[-5000:].any()
