"""Renders a piano-roll as a MIDI file and as a picture."""

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
import pretty_midi
import symusic

from pianoroll_tf.config import HIGHEST_PITCH, LOWEST_PITCH
from pianoroll_tf.data.clock import Meter
from pianoroll_tf.data.roll import as_states, roll_to_notes
from pianoroll_tf.data.velocities import strengths
from pianoroll_tf.generation.bars import changes_of
from pianoroll_tf.generation.dynamics import Dynamics
from pianoroll_tf.generation.key import estimate_key

TICKS_PER_QUARTER = 480
LINE_STEPS = 640  # per line of a picture, at three pixels per step
_END_AFTER_A_TICK = b"\x01\xff\x2f\x00"  # delay and event with which symusic ends a track
NOTE_GAP = 0.2  # steps by which a note is drawn shorter
BAR_HEIGHT = 0.8  # of the distance of two pitches
PRIMER_COLOUR, MUSIC_COLOUR = "#E69F00", "#0072B2"  # Okabe and Ito 2008: apart for every kind of colour vision


def midi_bytes(
    roll: np.ndarray,
    steps_per_second: float,
    tempo: float = 120.0,
    meters: Sequence[tuple[int, Meter]] = ((0, Meter()),),
    *,
    steps_per_beat: int | None = None,
    dynamics: Dynamics = Dynamics(),  # noqa: B008 (frozen)
    velocities: np.ndarray | None = None,
    name: str = "piano",
) -> bytes:
    """Renders a roll as the bytes of a MIDI file with one piano track; a struck cell begins a note.

    The file has a key signature if its estimate is clear, and ends with the roll, even if that ends in silence.

    Args:
        roll: [steps, 84], 0 silent, 1 held, 2 struck, or 0 and 1 only.
        steps_per_second: Rate of the grid.
        tempo: Quarters per minute in the file; edges of notes are rounded to a 480th of a quarter.
        meters: (step, time signature) in the file, ascending; a bar begins at each. If the first is before step 0, the
            file begins with the rest of that bar.
        steps_per_beat: Steps per quarter note, by which a bar that is cut short gets a time signature of its own, and
            notes get accents; None: there is neither, as on the grid of seconds.
        dynamics: Velocities by metrical strength and voice.
        velocities: Of the first steps, which were played, uint8 [<= steps, 84]; of notes with 0 they are not known.
        name: Name of the track.
    """
    ticks_per_step = TICKS_PER_QUARTER * tempo / 60 / steps_per_second
    start, end, pitch = roll_to_notes(roll)
    begin, stop = (np.rint(edges * ticks_per_step).astype(np.int32) for edges in (start, end))
    velocity = dynamics.velocities(roll, start, pitch, strengths(meters, len(roll), steps_per_beat))
    if velocities is not None:
        played = np.pad(velocities, ((0, len(roll) - len(velocities)), (0, 0)))[start, pitch - LOWEST_PITCH]
        velocity = np.where(played > 0, played, velocity)
    piano = symusic.Track(name, program=0, is_drum=False)
    piano.notes = symusic.Note.from_numpy(begin, stop - begin, pitch.astype(np.int8), velocity.astype(np.int8))
    music = symusic.Score(TICKS_PER_QUARTER)
    music.tempos.append(symusic.Tempo(0, tempo))
    tick = 0
    for step, meter in changes_of(meters, len(roll), steps_per_beat) if steps_per_beat else meters:
        tick = round(max(step, 0) * ticks_per_step)
        music.time_signatures.append(symusic.TimeSignature(tick, meter.numerator, meter.denominator))
    key = estimate_key(roll)
    if key.is_clear:
        music.key_signatures.append(symusic.KeySignature(0, key.sharps, int(key.is_minor)))
    music.tracks.append(piano)
    return _ending_at(round(len(roll) * ticks_per_step), int(stop.max(initial=tick)), music.dumps_midi())


def _ending_at(tick: int, last_tick: int, midi: bytes) -> bytes:
    """A MIDI file of symusic with one track, its end moved from one tick after the last event to `tick`."""
    head, body = midi.split(b"MTrk", 1)
    delay = max(tick - last_tick, 0)
    digits = [delay & 127]
    while delay := delay >> 7:
        digits.insert(0, 128 | delay & 127)
    body = body[4:].removesuffix(_END_AFTER_A_TICK) + bytes(digits) + _END_AFTER_A_TICK[1:]
    return head + b"MTrk" + len(body).to_bytes(4, "big") + body


def png_bytes(roll: np.ndarray, primer_steps: int, steps_per_unit: float, *labels: Any, **more: Any) -> bytes:
    """The picture of a roll, drawn by `roll_figure` with the same arguments, as the content of a PNG file."""
    return as_png(roll_figure(roll, primer_steps, steps_per_unit, *labels, **more))


def roll_figure(
    roll: np.ndarray,
    primer_steps: int,
    steps_per_unit: float,
    unit: str = "seconds",
    title: str = "",
    first_step: int = 0,
    bar_steps: Sequence[int] = (),
    figure_class: Any = None,
    music_end: int | None = None,
) -> Any:
    """Draws a piano-roll: time to the right, pitch upwards, one bar per note, long music in several lines.

    Args:
        roll: [steps >= 1, 84], 0 silent, 1 held, 2 struck, or 0 and 1 only.
        primer_steps: Number of steps at the start that are shown as primer, in another colour.
        steps_per_unit: Steps per second or per beat.
        unit: Unit of the time axis.
        title: Title above the picture.
        first_step: Position of the roll on the time axis, in steps.
        bar_steps: Steps of the roll at which bars begin; a line is drawn at each.
        figure_class: Class of the figure; None: `matplotlib.figure.Figure`.
        music_end: Step at which the generated music ends, after which the roll is as given; None: at its end.

    Returns:
        The figure.
    """
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

    lines, width = -(-len(roll) // LINE_STEPS), min(len(roll), LINE_STEPS)
    size = (float(np.clip(width / 40, 9, 16)), 5 if lines == 1 else 3.5 * lines)
    figure = (figure_class or Figure)(figsize=size, dpi=120, layout="constrained")
    roll = as_states(roll)
    low, high = _pitch_limits(roll)
    octaves = range(LOWEST_PITCH, HIGHEST_PITCH + 2, 12)
    for line, axes in enumerate(figure.subplots(lines, squeeze=False)[:, 0]):
        begin = line * width
        new = (primer_steps - begin, (len(roll) if music_end is None else music_end) - begin)
        _draw_line(axes, roll[begin : begin + width], new, first_step + begin, steps_per_unit)
        axes.set_yticks(octaves, [pretty_midi.note_number_to_name(pitch) for pitch in octaves])
        limits = (first_step + begin) / steps_per_unit, (first_step + begin + width) / steps_per_unit
        axes.set(xlim=limits, ylim=(low - 1, high + 1), ylabel="pitch")
        for bar in bar_steps:
            axes.axvline((first_step + bar) / steps_per_unit, color="0.75", linewidth=0.8, zorder=0)
        axes.set_axisbelow(True)
        axes.grid(color="0.9", linewidth=0.6)
    axes.set_xlabel(unit)
    figure.suptitle(title)
    is_filled = music_end is not None and music_end < len(roll)
    if primer_steps or is_filled:
        names = ("given", "filled") if is_filled else ("primer", "continuation")
        colours = dict(zip(names, (PRIMER_COLOUR, MUSIC_COLOUR), strict=True))
        handles = [Patch(color=colour, label=label) for label, colour in colours.items()]
        figure.legend(handles=handles, loc="outside upper right", ncols=2, frameon=False)
    return figure


def as_png(figure) -> bytes:
    """A figure of Matplotlib as a PNG file that does not name the version of Matplotlib."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()


def _draw_line(axes, rows: np.ndarray, new: tuple[int, int], first: int, steps_per_unit: float) -> None:
    """The notes of one line, which begins at step `first`; the area after the end of the roll is grey.

    `new` are the first step of the generated music in `rows`, and the step after its last; both may be outside.
    """
    begin, end = (int(np.clip(step, 0, len(rows))) for step in new)
    parts = ((0, begin, PRIMER_COLOUR), (begin, end, MUSIC_COLOUR), (end, len(rows), PRIMER_COLOUR))
    for start, stop, colour in parts:
        draw_notes(axes, rows[start:stop], first + start, steps_per_unit, colour)
    for step in {begin, end} - {0, len(rows)}:
        axes.axvline((first + step) / steps_per_unit, color="0.4", linewidth=0.8, linestyle="--")
    axes.axvspan((first + len(rows)) / steps_per_unit, (first + LINE_STEPS) / steps_per_unit, color="0.93", linewidth=0)


def draw_notes(axes, rows: np.ndarray, first: int, steps_per_unit: float, colour: str) -> None:
    """Draws bars for the notes of `rows`, [steps, 84], which begin at step `first`."""
    from matplotlib.collections import PolyCollection

    start, end, pitch = roll_to_notes(rows)
    # Notes end a little early, so that consecutive notes of one pitch are separated.
    left, right = (start + first) / steps_per_unit, (end + first - NOTE_GAP) / steps_per_unit
    low, high = pitch - BAR_HEIGHT / 2, pitch + BAR_HEIGHT / 2
    corners = [(left, low), (right, low), (right, high), (left, high)]
    bars: Any = np.stack([np.stack(corner, axis=-1) for corner in corners], axis=1)  # [notes, corners, time and pitch]
    axes.add_collection(PolyCollection(bars, facecolor=colour, linewidth=0))


def _pitch_limits(roll: np.ndarray) -> tuple[int, int]:
    """Lowest and highest pitch to show: those that sound, but at least three octaves."""
    sounding = np.flatnonzero(np.asarray(roll).any(axis=0)) + LOWEST_PITCH
    low, high = (int(sounding[0]), int(sounding[-1])) if len(sounding) else (60, 60)
    missing = max(0, 36 - (high - low))
    low = max(LOWEST_PITCH, low - (missing + 1) // 2)
    return low, min(HIGHEST_PITCH, max(high + missing // 2, low + 36))
