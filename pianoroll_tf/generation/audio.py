"""Renders MIDI as sound: a sampled piano, by midirenderer with the sound font of pretty_midi."""

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
    """Renders a MIDI file as WAV: 44.1 kHz, 16 bit, one channel, normalised.

    Args:
        midi: Content of the MIDI file.
        seconds: Minimum length, because MIDI files do not hold silence at the end of a roll.

    Returns:
        (content of a WAV file, name of the synthesizer).
    """
    samples, maker = synthesize(midi, seconds)
    return as_wav(samples, SAMPLE_RATE), maker


def as_wav(samples: np.ndarray, rate: int) -> bytes:
    """The content of a WAV file, 16 bit, one channel, from samples within ±1 at `rate` per second."""
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((samples * 32767).astype("<i2").tobytes())
    return buffer.getvalue()


def synthesize(midi: bytes, seconds: float = 0.0) -> tuple[np.ndarray, str]:
    """Samples of at least `seconds`, within ±`PEAK`, float64 [samples], and the name of the synthesizer.

    It is a sampled piano, or sine waves if midirenderer is not installed.
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
    positions = np.arange(int(len(mono) * SAMPLE_RATE / rate)) * (rate / SAMPLE_RATE)
    return np.interp(positions, np.arange(len(mono)), mono)
