"""The sound of MIDI: a sampled piano by a synthesizer from PyPI and the sound font that pretty_midi brings along."""

import functools
import io
import wave
from pathlib import Path

import numpy as np
import pretty_midi

SAMPLE_RATE = 44_100
PEAK = 0.9  # of full scale
SOUND_FONT = Path(pretty_midi.__file__).parent / "TimGM6mb.sf2"
PIANO = "a sampled piano"
SINES = "sine waves: the package midirenderer, which plays a sampled piano, is not installed"


def wav_bytes(midi: bytes, seconds: float = 0.0) -> tuple[bytes, str]:
    """The sound of a MIDI file: 44.1 kHz, 16 bit, one channel, normalised.

    Args:
        midi: Content of the MIDI file.
        seconds: Least length; silence at the end of a roll is in no MIDI file.

    Returns:
        (content of a WAV file, what made the sound in words).
    """
    samples, maker = synthesize(midi, seconds)
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        file.writeframes((samples * 32767).astype("<i2").tobytes())
    return buffer.getvalue(), maker


def synthesize(midi: bytes, seconds: float = 0.0) -> tuple[np.ndarray, str]:
    """The sound by a sampled piano; by sine waves where the synthesizer is not installed.

    Args:
        midi: Content of the MIDI file.
        seconds: Least length.

    Returns:
        (samples within ±`PEAK`, float64 [samples], what made the sound in words).
    """
    music = pretty_midi.PrettyMIDI(io.BytesIO(midi))
    silence = np.zeros(round(seconds * SAMPLE_RATE))
    if not any(instrument.notes for instrument in music.instruments):
        return silence, "silence: there is no note"
    try:
        sound, maker = _piano(midi), PIANO
    except ModuleNotFoundError:
        sound, maker = music.synthesize(fs=SAMPLE_RATE), SINES
    sound = np.pad(sound, (0, max(0, len(silence) - len(sound))))
    return sound * (PEAK / np.abs(sound).max()), maker


@functools.cache
def _sound_font() -> bytes:
    return SOUND_FONT.read_bytes()


def _piano(midi: bytes) -> np.ndarray:
    """Both channels of the synthesizer as one, at `SAMPLE_RATE`, float64."""
    import midirenderer

    with wave.open(io.BytesIO(bytes(midirenderer.render_wave_from(_sound_font(), midi)))) as file:
        channels, rate = file.getnchannels(), file.getframerate()
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, channels)
    mono = samples.mean(axis=1)
    places = np.arange(int(len(mono) * SAMPLE_RATE / rate)) * (rate / SAMPLE_RATE)
    return np.interp(places, np.arange(len(mono)), mono)
