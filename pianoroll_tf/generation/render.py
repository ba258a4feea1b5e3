"""A piano-roll as MIDI file, picture and sound."""

import io
import wave

import numpy as np
import pretty_midi
import symusic

from pianoroll_tf.config import HIGHEST_PITCH, LOWEST_PITCH
from pianoroll_tf.data.roll import roll_to_notes

TICKS_PER_QUARTER = 480
VELOCITY = 80  # of every note; a roll knows none
SAMPLE_RATE = 44_100
PEAK = 0.9  # of full scale
LINE_STEPS = 640  # of a line of a picture: three dots a step
BAR_HEIGHT = 0.8  # of the distance of two pitches
PRIMER_COLOUR, MUSIC_COLOUR = "#E69F00", "#0072B2"  # Okabe and Ito 2008: apart for every kind of colour vision


def midi_bytes(roll: np.ndarray, steps_per_second: float, tempo: float = 120.0) -> bytes:
    """The content of a MIDI file of a roll as piano music; a run of active cells of one pitch is one note.

    Args:
        roll: [steps, 84], not 0 where a pitch sounds.
        steps_per_second: Of the grid.
        tempo: Quarters a minute that the file states; edges of notes are rounded to a 480th of a quarter.
    """
    ticks_per_step = TICKS_PER_QUARTER * tempo / 60 / steps_per_second
    start, end, pitch = roll_to_notes(roll)
    begin, stop = (np.rint(edges * ticks_per_step).astype(np.int32) for edges in (start, end))
    piano = symusic.Track("piano", program=0, is_drum=False)
    velocity = np.full(len(pitch), VELOCITY, np.int8)
    piano.notes = symusic.Note.from_numpy(begin, stop - begin, pitch.astype(np.int8), velocity)
    music = symusic.Score(TICKS_PER_QUARTER)
    music.tempos.append(symusic.Tempo(0, tempo))
    music.time_signatures.append(symusic.TimeSignature(0, 4, 4))
    music.tracks.append(piano)
    return music.dumps_midi()


def playable(roll: np.ndarray, steps_per_second: float) -> pretty_midi.PrettyMIDI:
    """The notes of `midi_bytes` for what makes sound of them; arguments are those of `midi_bytes`."""
    music = pretty_midi.PrettyMIDI()
    piano = pretty_midi.Instrument(program=0, name="piano")
    for start, end, pitch in zip(*roll_to_notes(roll), strict=True):
        times = (float(edge) / steps_per_second for edge in (start, end))
        piano.notes.append(pretty_midi.Note(VELOCITY, int(pitch), *times))
    music.instruments.append(piano)
    return music


def png_bytes(
    roll: np.ndarray,
    primer_steps: int,
    steps_per_unit: float,
    unit: str = "seconds",
    title: str = "",
    first_step: int = 0,
) -> bytes:
    """The picture of a piano-roll: time to the right, pitch upwards, one bar a note, long music in several lines.

    Args:
        roll: [steps >= 1, 84], not 0 where a pitch sounds.
        primer_steps: Its first so many steps are shown as primer, in another colour.
        steps_per_unit: Steps a second or a beat.
        unit: What the time axis counts.
        title: Above the picture.
        first_step: Where on the time axis the roll begins.

    Returns:
        The content of a PNG file.
    """
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

    lines, width = -(-len(roll) // LINE_STEPS), min(len(roll), LINE_STEPS)
    size = (float(np.clip(width / 40, 9, 16)), 5 if lines == 1 else 3.5 * lines)
    figure = Figure(figsize=size, dpi=120, layout="constrained")
    low, high = _pitch_limits(roll)
    octaves = range(LOWEST_PITCH, HIGHEST_PITCH + 2, 12)
    for line, axes in enumerate(figure.subplots(lines, squeeze=False)[:, 0]):
        begin = line * width
        _draw_line(axes, roll[begin : begin + width], primer_steps - begin, first_step + begin, steps_per_unit)
        axes.set_yticks(octaves, [pretty_midi.note_number_to_name(pitch) for pitch in octaves])
        limits = (first_step + begin) / steps_per_unit, (first_step + begin + width) / steps_per_unit
        axes.set(xlim=limits, ylim=(low - 1, high + 1), ylabel="pitch")
        axes.set_axisbelow(True)
        axes.grid(color="0.9", linewidth=0.6)
    axes.set_xlabel(unit)
    figure.suptitle(title)
    if primer_steps:
        colours = {"primer": PRIMER_COLOUR, "continuation": MUSIC_COLOUR}
        handles = [Patch(color=colour, label=label) for label, colour in colours.items()]
        figure.legend(handles=handles, loc="outside upper right", ncols=2, frameon=False)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()


def _draw_line(axes, rows: np.ndarray, primer_steps: int, first: int, steps_per_unit: float) -> None:
    """The notes of one line, which begins at step `first`; what follows the end of the roll is grey."""
    cut = int(np.clip(primer_steps, 0, len(rows)))
    _draw_notes(axes, rows[:cut], first, steps_per_unit, PRIMER_COLOUR)
    _draw_notes(axes, rows[cut:], first + cut, steps_per_unit, MUSIC_COLOUR)
    if 0 < primer_steps < len(rows):
        axes.axvline((first + cut) / steps_per_unit, color="0.4", linewidth=0.8, linestyle="--")
    axes.axvspan((first + len(rows)) / steps_per_unit, (first + LINE_STEPS) / steps_per_unit, color="0.93", linewidth=0)


def _draw_notes(axes, rows: np.ndarray, first: int, steps_per_unit: float, colour: str) -> None:
    """Bars for the notes of `rows`, which begin at step `first`."""
    from matplotlib.collections import PolyCollection

    start, end, pitch = roll_to_notes(rows)
    left, right = (start + first) / steps_per_unit, (end + first) / steps_per_unit
    low, high = pitch - BAR_HEIGHT / 2, pitch + BAR_HEIGHT / 2
    corners = [(left, low), (right, low), (right, high), (left, high)]
    bars = np.stack([np.stack(corner, axis=-1) for corner in corners], axis=1)  # [notes, corners, time and pitch]
    axes.add_collection(PolyCollection(bars, facecolor=colour, linewidth=0))


def _pitch_limits(roll: np.ndarray) -> tuple[int, int]:
    """Lowest and highest pitch to show: those that sound, and never less than three octaves."""
    sounding = np.flatnonzero(np.asarray(roll).any(axis=0)) + LOWEST_PITCH
    low, high = (int(sounding[0]), int(sounding[-1])) if len(sounding) else (60, 60)
    missing = max(0, 36 - (high - low))
    low = max(LOWEST_PITCH, low - (missing + 1) // 2)
    return low, min(HIGHEST_PITCH, max(high + missing // 2, low + 36))


def wav_bytes(music: pretty_midi.PrettyMIDI, seconds: float = 0.0) -> tuple[bytes, str]:
    """The sound: 44.1 kHz, 16 bit, one channel, normalised.

    Args:
        music: What to play.
        seconds: Least length; silence at the end of a roll is in no MIDI file.

    Returns:
        (content of a WAV file, what made the sound in words).
    """
    samples, maker = synthesize(music, seconds)
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        file.writeframes((samples * 32767).astype("<i2").tobytes())
    return buffer.getvalue(), maker


def synthesize(music: pretty_midi.PrettyMIDI, seconds: float = 0.0) -> tuple[np.ndarray, str]:
    """The sound by FluidSynth where it can be used, else by sine waves.

    Args:
        music: What to play.
        seconds: Least length.

    Returns:
        (samples within ±`PEAK`, float64 [samples], what made the sound in words).
    """
    silence = np.zeros(round(seconds * SAMPLE_RATE))
    if not any(instrument.notes for instrument in music.instruments):
        return silence, "silence: there is no note"
    missing = _missing_for_fluidsynth()
    play = music.synthesize if missing else music.fluidsynth
    sound = play(fs=SAMPLE_RATE)
    sound = np.pad(sound, (0, max(0, len(silence) - len(sound))))
    maker = f"pretty_midi's sine waves ({missing})" if missing else "FluidSynth with pretty_midi's soundfont"
    return sound * (PEAK / np.abs(sound).max()), maker


def _missing_for_fluidsynth() -> str:
    """What keeps FluidSynth from being used, in words; empty if nothing does."""
    try:
        import fluidsynth  # noqa: F401 (pretty_midi uses it)
    except ModuleNotFoundError:
        return "for a piano, install pyfluidsynth and the FluidSynth library"
    except (ImportError, OSError):  # what it raises depends on how it fails to load the library
        return "for a piano, install the FluidSynth library; pyfluidsynth does not find it"
    return ""
