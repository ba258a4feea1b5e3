"""The sound of MIDI files: a piano whose notes have their pitch, are struck again, and fade."""

import io
import sys
import wave

import numpy as np
import pytest

from pianoroll_tf.generation import audio, render


def midi(*notes, steps=16, states=None):
    roll = np.zeros((steps, 84), np.uint8)
    for pitch, start, end in notes:
        roll[start:end, pitch - 24] = 1
    if states is not None:
        roll[:, 45] = states
    return render.midi_bytes(roll, 8)


def read_wav(content):
    with wave.open(io.BytesIO(content)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, 44_100)
        return np.frombuffer(file.readframes(file.getnframes()), "<i2")


def loudest(samples):
    """The frequency that is strongest, Hz."""
    return np.abs(np.fft.rfft(samples.astype(float))).argmax() * 44_100 / len(samples)


def test_a_note_has_its_pitch():
    content, maker = audio.wav_bytes(midi((69, 0, 16)))
    samples = read_wav(content)
    assert maker == "a sampled piano"
    assert np.abs(samples.astype(int)).max() == pytest.approx(audio.PEAK * 32767, abs=1)
    assert loudest(samples) == pytest.approx(440, abs=3)


def level(samples, second):
    """Root mean square of a tenth of a second."""
    begin = int(second * 44_100)
    return float(np.sqrt(np.mean(samples[begin : begin + 4410].astype(float) ** 2)))


def test_louder_notes_sound_louder():
    roll, velocities = np.zeros((16, 84), np.uint8), np.zeros((16, 84), np.uint8)
    roll[[0, 8], 45] = 2
    velocities[0, 45], velocities[8, 45] = 30, 110
    samples = read_wav(audio.wav_bytes(render.midi_bytes(roll, 8, velocities=velocities))[0])
    assert level(samples, 1.02) > 2 * level(samples, 0.02)


def test_a_struck_note_sounds_struck_and_a_held_one_fades():
    held, again = ([2] + [1] * 31, [2] + [1] * 15 + [2] + [1] * 15)
    one, two = (read_wav(audio.wav_bytes(midi(steps=32, states=states))[0]) for states in (held, again))
    assert level(one, 2.05) < level(one, 0.05)
    assert level(two, 2.05) > 1.2 * level(one, 2.05)


def test_sine_waves_where_the_synthesizer_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "midirenderer", None)
    content, maker = audio.wav_bytes(midi((69, 0, 8)))
    assert maker == audio.SINES
    assert loudest(read_wav(content)) == pytest.approx(440, abs=2)


def test_silence_has_a_sound_file_of_its_length():
    content, maker = audio.wav_bytes(midi(), seconds=2.5)
    assert "no note" in maker
    samples = read_wav(content)
    assert len(samples) == 2.5 * 44_100
    assert not samples.any()


def test_the_sound_is_at_least_as_long_as_it_should_be():
    samples = read_wav(audio.wav_bytes(midi((69, 0, 1)), seconds=30)[0])
    assert len(samples) == 30 * 44_100
    assert samples[:5000].any()
    assert not samples[-5000:].any()
