"""The music of a study: rolls of each combination beside real ones, and files to listen to."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pretty_midi
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from pianoroll_tf.config import HIGHEST_PITCH, LOWEST_PITCH, RecordsConfig
from pianoroll_tf.data.roll import roll_to_notes
from pianoroll_tf.generation.audio import wav_bytes
from pianoroll_tf.generation.render import BAR_HEIGHT, midi_bytes
from pianoroll_tf.progress import Progress
from pianoroll_tf.settings import from_dict
from tuner.report.data import StudyData
from tuner.report.figures import choice_style, numbers, panels
from tuner.report.language import N_, Language
from tuner.report.page import AUDIO

COLUMNS = 2  # of panels
AXES = {"seconds": N_("seconds"), "beats": N_("beats")}  # by the grid of the records
REAL_COLOUR = "0.25"
BEATS_PER_SECOND = 120 / 60  # of a grid of beats: at the tempo that a MIDI file states


def real_examples(data: StudyData) -> list[np.ndarray]:
    """Real pieces for comparison: those of median and of upper-quartile density, parts of full length only."""
    pieces = data.real_pieces()
    whole = sorted((piece for piece in pieces if len(piece) == max(map(len, pieces))), key=np.mean)
    return [whole[index] for index in sorted({len(whole) * place // 4 for place in (2, 3)}) if whole]


def examples(data: StudyData, language: Language) -> dict[str, tuple[str, np.ndarray, object]]:
    """File name → label, roll and colour, of real pieces and of each combination; empty if there is no music yet."""
    generated = {}
    for combination in data.measured():
        pieces = data.pieces(combination)
        if pieces:
            colour = choice_style(data, "loss", combination.loss)["color"]
            generated[combination.name] = (language.combination(combination), pieces[0], colour)
    if not generated:
        return {}
    real = {
        f"real-{number}": (language.gettext("real piece {number}", number=number), roll, REAL_COLOUR)
        for number, roll in enumerate(real_examples(data), 1)
    }
    return real | generated


def rolls(data: StudyData, language: Language) -> Figure | None:
    """The rolls, one panel each, with the same axes; None if there is no music."""
    found = examples(data, language)
    if not found:
        return None
    grid = from_dict(RecordsConfig, data.study.records["settings"])
    low, high = _pitches([roll for _, roll, _ in found.values()])
    octaves = [pitch for pitch in range(LOWEST_PITCH, HIGHEST_PITCH + 2, 12) if low <= pitch <= high]
    length = max(len(roll) for _, roll, _ in found.values()) / grid.steps_per_unit
    figure, all_axes = panels(len(found), COLUMNS, 1.75, 0.5, sharex=True, sharey=True)
    for index, (axes, (label, roll, colour)) in enumerate(zip(all_axes, found.values(), strict=True)):
        axes.add_collection(PolyCollection(_bars(roll, grid.steps_per_unit), facecolor=colour, linewidth=0))
        axes.set(xlim=(0, length), ylim=(low - 1, high + 1))
        axes.set_yticks(octaves, [pretty_midi.note_number_to_name(pitch) for pitch in octaves])
        axes.set_title(label, loc="left")
        axes.xaxis.set_major_locator(MaxNLocator(8))
        axes.tick_params(labelbottom=index + COLUMNS >= len(found))
        numbers(language, axes.xaxis)
    figure.supxlabel(language.gettext(AXES[grid.grid]), fontsize="medium")
    figure.supylabel(language.gettext("pitch"), fontsize="medium")
    return figure


def _bars(roll: np.ndarray, steps_per_unit: float) -> Any:
    """Corners of a bar for each note, [notes, 4, time and pitch]."""
    start, end, pitch = roll_to_notes(roll)
    left, right = start / steps_per_unit, end / steps_per_unit
    low, high = pitch - BAR_HEIGHT / 2, pitch + BAR_HEIGHT / 2
    corners = [(left, low), (right, low), (right, high), (left, high)]
    return np.stack([np.stack(corner, axis=-1) for corner in corners], axis=1)


def _pitches(found: Sequence[np.ndarray]) -> tuple[int, int]:
    """Lowest and highest pitch that sounds in any of the rolls, not less than two octaves apart."""
    columns = np.flatnonzero(np.any([roll.any(axis=0) for roll in found], axis=0)) + LOWEST_PITCH
    low, high = (int(columns[0]), int(columns[-1])) if len(columns) else (60, 60)
    return max(LOWEST_PITCH, min(low, 48)), min(HIGHEST_PITCH, max(high, 72))


def sounds(data: StudyData, language: Language, folder: Path, with_wav: bool) -> tuple[dict, dict[str, bytes], str]:
    """The rolls of `rolls` as MIDI and, `with_wav`, WAV files; WAV files of this music in `folder` are kept.

    Returns:
        (label → names of MIDI and WAV file, name → content of the files to write, the synthesizer of the
        sound; empty if no file was made).
    """
    grid = from_dict(RecordsConfig, data.study.records["settings"])
    steps_per_second = grid.steps_per_unit * (1 if grid.grid == "seconds" else BEATS_PER_SECOND)
    names, files, synthesizer = {}, {}, ""
    found = examples(data, language)
    with Progress(len(found), "sounds") as progress:
        for name, (label, roll, _) in found.items():
            midi, wav = f"{AUDIO}/{name}.mid", f"{AUDIO}/{name}.wav"
            files[midi] = midi_bytes(roll, steps_per_second)
            names[label] = (midi, wav if with_wav else None)
            if with_wav and not _plays(folder / wav, folder / midi, files[midi]):
                files[wav], synthesizer = wav_bytes(files[midi], len(roll) / steps_per_second)
            progress.update(note=label)
    return names, files, synthesizer


def _plays(wav: Path, midi: Path, content: bytes) -> bool:
    """Whether a WAV file was made after a MIDI file with this content."""
    if not wav.is_file() or not midi.is_file() or midi.read_bytes() != content:
        return False
    return wav.stat().st_mtime_ns >= midi.stat().st_mtime_ns
