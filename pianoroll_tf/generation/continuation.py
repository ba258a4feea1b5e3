"""From a primer's MIDI file to the continued piano-roll; needs an exported model and no code of its training."""

import dataclasses
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from pianoroll_tf.config import NUM_PITCHES, RecordsConfig, SamplingConfig
from pianoroll_tf.data.clock import Meter
from pianoroll_tf.generation.compiled import worthwhile
from pianoroll_tf.generation.saved_model import MusicModel

BATCH_ROWS = 64  # pieces per batch
BATCH_CELLS = 1 << 28  # largest number of cells of a batch, primer and music
MODEL_BYTES_PER_CELL = 64  # of the primer, while the model reads it, against one for music
MAX_DENSITY_RATIO = 2.0  # a density beyond this factor gets a warning


@dataclasses.dataclass(frozen=True)
class Primer:
    """Music to continue.

    Attributes:
        roll: 0 silent, 1 held, 2 struck, uint8 [steps, 84].
        tempo: Quarters per minute; None: not known.
        meters: (step, time signature), ascending; empty: not known.
    """

    roll: np.ndarray
    tempo: float | None = None
    meters: tuple[tuple[int, Meter], ...] = ()

    def first(self, steps: int) -> "Primer":
        """The first `steps` steps."""
        meters = tuple(change for change in self.meters if change[0] < max(steps, 1))
        return dataclasses.replace(self, roll=self.roll[:steps], meters=meters)

    def from_first_bar(self, steps_per_beat: int | None) -> "Primer":
        """Without the silence before the bar of its first note (in seconds, before the note itself).

        >>> silent = Primer(np.eye(40, 84, -20, np.uint8), meters=((0, Meter(3, 4)),))
        >>> [len(silent.from_first_bar(steps_per_beat).roll) for steps_per_beat in (4, None)]
        [28, 20]
        """
        sounding = np.flatnonzero(self.roll.any(axis=1))
        first = int(sounding[0]) if len(sounding) else 0
        past = [change for change in self.meters if change[0] <= first]
        if steps_per_beat is not None:
            begin, meter = past[-1] if past else (0, Meter())
            first -= (first - begin) % meter.bar_steps(steps_per_beat)
        if first <= 0:
            return self
        later = [(step - first, meter) for step, meter in self.meters[len(past) :]]
        meters = (*((0, meter) for _, meter in past[-1:]), *later)
        return dataclasses.replace(self, roll=self.roll[first:], meters=meters)

    def clock(self, steps_per_beat: int | None) -> tuple[Meter | None, int]:
        """The time signature at its end, and the position of its first step in a bar of it."""
        if not self.meters or steps_per_beat is None:
            return None, 0
        begin, meter = self.meters[-1]
        return meter, -begin % meter.bar_steps(steps_per_beat)


NO_PRIMER = Primer(np.zeros((0, NUM_PITCHES), np.uint8))


def read_primer(path: Path, grid: RecordsConfig) -> Primer:
    """A MIDI file on the model's grid, read by a process with limits; ValueError if it cannot be read soundly."""
    from pianoroll_tf.data.roll import to_dense
    from pianoroll_tf.data.workers import convert_all

    if not path.exists():
        raise ValueError(f"primer must be a MIDI file. Received: primer={path} (there is no such file)")
    [(_, piece)] = convert_all([os.path.realpath(path)], grid, workers=1)  # a reader follows no links
    record = piece.record
    if piece.reason or record is None:
        raise ValueError(f"primer must be a MIDI file. Received: primer={path} ({piece.reason})")
    return Primer(to_dense(record.roll), record.tempo, record.meters)


def continue_music(
    model: MusicModel,
    primer: np.ndarray,
    steps: int | None,
    sampling: SamplingConfig,
    count: int = 1,
    meter: Meter | None = None,
    place: int = 0,
) -> Iterator[tuple[np.ndarray, bool]]:
    """Generates pieces, batch by batch; piece i is drawn with `sampling.seed` + i.

    Args:
        model: An exported model.
        primer: uint8 [primer_steps >= 0, 84], common to all pieces.
        steps: Steps per piece; None: until the model ends the piece, up to `MusicModel.longest_piece`.
        sampling: Temperature, top-p, density, seed.
        count: Number of pieces.
        meter: See `MusicModel.generate`.
        place: See `MusicModel.generate`.

    Yields:
        (uint8 [steps, 84], the drawn steps without the primer; whether the model ended the piece).
    """
    max_steps = steps or model.longest_piece
    cells = NUM_PITCHES * (len(primer) * MODEL_BYTES_PER_CELL + max_steps)
    rows = max(1, min(BATCH_ROWS, BATCH_CELLS // cells))
    compiled = model.can_be_compiled and worthwhile(rows, max_steps * (count // rows))  # by all batches together
    for first in range(0, count, rows):
        batch = np.repeat(primer[np.newaxis], min(rows, count - first), axis=0)
        use_xla = compiled if len(batch) == rows else None  # another size is compiled separately
        clock: dict[str, Any] = {"first_row": first, "compiled": use_xla, "meter": meter, "place": place}
        if steps is None:
            yield from zip(*model.compose(batch, sampling, **clock), strict=True)
        else:
            yield from ((music, False) for music in model.generate(batch, steps, sampling, **clock))


def density_warning(density: float, expected: float) -> str:
    """A warning about music whose density is off by more than `MAX_DENSITY_RATIO`, or an empty text.

    `expected` is the density of the training data, times the requested factor; 0: not known.

    >>> density_warning(0.04, 0.03)
    ''
    >>> density_warning(0.09, 0.03)
    'it is 3.0 times as dense as requested: train longer, or use a lower --density or --temperature'
    >>> density_warning(0.0, 0.03)
    'it is silent: train longer, or use a higher --density or another --seed'
    """
    if not expected or expected / MAX_DENSITY_RATIO <= density <= expected * MAX_DENSITY_RATIO:
        return ""
    if not density:
        return "it is silent: train longer, or use a higher --density or another --seed"
    advice = "a lower --density or --temperature" if density > expected else "a higher --density or another --seed"
    return f"it is {density / expected:.1f} times as dense as requested: train longer, or use {advice}"
