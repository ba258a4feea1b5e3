"""From a primer's MIDI file to the continued piano-roll; needs an exported model and no code of its training."""

import dataclasses
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from pianoroll_tf.config import HIGHEST_PITCH, LOWEST_PITCH, NUM_PITCHES, RecordsConfig, SamplingConfig
from pianoroll_tf.data.clock import Meter, meter_spans
from pianoroll_tf.data.conversion import Piece
from pianoroll_tf.data.roll import HELD, as_states, to_dense
from pianoroll_tf.data.velocities import dense_velocities, strengths
from pianoroll_tf.generation.compiled import worthwhile
from pianoroll_tf.generation.dynamics import Dynamics, played_dynamics
from pianoroll_tf.generation.saved_model import MusicModel
from pianoroll_tf.generation.steering import NO_STEERING, Steering
from pianoroll_tf.messages import count

BATCH_ROWS = 64  # pieces per batch
BATCH_CELLS = 1 << 28  # largest number of cells of a batch, primer and music
MODEL_BYTES_PER_CELL = 64  # of the primer, while the model reads it, against one for music
MAX_DENSITY_RATIO = 2.0  # a density beyond this factor gets a warning


@dataclasses.dataclass(frozen=True)
class Primer:
    """Music to continue: a MIDI file, or a part of it.

    Attributes:
        roll: 0 silent, 1 held, 2 struck, uint8 [steps, 84].
        tempo: Quarters per minute; None: not known.
        meters: (step, time signature), ascending; empty: not known. The first may be before step 0.
        velocities: Of its struck cells, uint8 [steps, 84]; None: not known.
        first_step: Where it begins in the file.
        tempo_changes: Changes of tempo in the file, which a grid of beats does not keep.
        left_out: Notes of the file outside the pitches of a roll.
    """

    roll: np.ndarray
    tempo: float | None = None
    meters: tuple[tuple[int, Meter], ...] = ()
    velocities: np.ndarray | None = None
    first_step: int = 0
    tempo_changes: int = 0
    left_out: int = 0

    def bars(self, steps_per_beat: int | None) -> list[int]:
        """The steps at which its bars begin; every step on the grid of seconds."""
        if steps_per_beat is None:
            return list(range(len(self.roll)))
        return [
            bar
            for begin, end, meter in meter_spans(self.meters, len(self.roll))
            for bar in range(begin, end, meter.bar_steps(steps_per_beat))
            if 0 <= bar < len(self.roll)
        ]

    def first(self, steps: int) -> "Primer":
        """The first `steps` steps."""
        meters = tuple(change for change in self.meters if change[0] < max(steps, 1))
        velocities = None if self.velocities is None else self.velocities[:steps]
        return dataclasses.replace(self, roll=self.roll[:steps], meters=meters, velocities=velocities)

    def last(self, steps: int, steps_per_beat: int | None) -> "Primer":
        """The last steps, at most `steps`, from a bar line if half of them or more follow one.

        >>> two_bars_and_a_half = Primer(np.ones((40, 84), np.uint8), meters=((0, Meter()),))
        >>> [len(two_bars_and_a_half.last(steps, steps_per_beat=4).roll) for steps in (40, 39, 24, 7)]
        [40, 24, 24, 7]
        """
        begin = max(0, len(self.roll) - steps)
        latest = len(self.roll) - steps / 2
        bar = next((bar for bar in self.bars(steps_per_beat) if begin <= bar <= latest), begin)
        return self._from_step(bar, steps_per_beat)

    def from_first_bar(self, steps_per_beat: int | None) -> "Primer":
        """Without the silence before the bar of its first note (in seconds, before the note itself).

        >>> silent = Primer(np.eye(40, 84, -20, np.uint8), meters=((0, Meter(3, 4)),))
        >>> [len(silent.from_first_bar(steps_per_beat).roll) for steps_per_beat in (4, None)]
        [28, 20]
        """
        sounding = np.flatnonzero(self.roll.any(axis=1))
        first = int(sounding[0]) if len(sounding) else 0
        return self._from_step(
            max((bar for bar in self.bars(steps_per_beat) if bar <= first), default=0), steps_per_beat
        )

    def _from_step(self, step: int, steps_per_beat: int | None) -> "Primer":
        """Without the steps before `step`; notes that are held there begin there, with their velocity."""
        if step <= 0:
            return self
        later = [(begin - step, meter) for begin, meter in self.meters if begin > step]
        past = [(begin, meter) for begin, meter in self.meters if begin <= step]
        if past and steps_per_beat is not None:
            begin, meter = past[-1]
            later.insert(0, (-((step - begin) % meter.bar_steps(steps_per_beat)), meter))
        velocities, played = None, self.velocities
        if played is not None:
            velocities = played[step:].copy()
            for column in np.flatnonzero(self.roll[step] == HELD):
                velocities[0, column] = played[:step, column][played[:step, column] > 0][-1]
        return dataclasses.replace(
            self,
            roll=as_states(self.roll[step:]),
            meters=tuple(later),
            velocities=velocities,
            first_step=self.first_step + step,
        )

    def clock(self, steps_per_beat: int | None) -> tuple[Meter | None, int]:
        """The time signature at its end, and the position of its first step in a bar of it."""
        if not self.meters or steps_per_beat is None:
            return None, 0
        begin, meter = self.meters[-1]
        return meter, -begin % meter.bar_steps(steps_per_beat)


NO_PRIMER = Primer(np.zeros((0, NUM_PITCHES), np.uint8))


def piece_primer(piece: Piece) -> Primer:
    """A converted MIDI file, which has a record, as a primer."""
    record = piece.record
    assert record is not None
    velocities = None if record.velocities is None else dense_velocities(record.roll, record.velocities)
    facts = {"tempo_changes": piece.tempo_changes, "left_out": piece.notes_outside_range}
    return Primer(to_dense(record.roll), record.tempo, record.meters, velocities, **facts)


def read_primer(path: Path, grid: RecordsConfig) -> Primer:
    """A MIDI file on the model's grid, read by a process with limits; ValueError if it cannot be read soundly."""
    from pianoroll_tf.data.workers import convert_all

    if not path.exists():
        raise ValueError(f"primer must be a MIDI file. Received: primer={path} (there is no such file)")
    [(_, piece)] = convert_all([os.path.realpath(path)], grid, workers=1)  # a reader follows no links
    if piece.reason or piece.record is None:
        raise ValueError(f"primer must be a MIDI file. Received: primer={path} ({piece.reason})")
    return piece_primer(piece)


def primer_dynamics(primer: Primer, base: Dynamics, steps_per_beat: int | None) -> Dynamics:
    """The dynamics of a primer; what its velocities do not show is taken from `base`, those of the training data."""
    if primer.velocities is None:
        return base
    strength = strengths(primer.meters, len(primer.roll), steps_per_beat)
    return played_dynamics(base, primer.roll, primer.velocities, strength)


def describe_primer(part: Primer, whole: Primer, path: Path, steps_per_beat: int | None) -> str:
    """Describes the part of a MIDI file that is used as the primer, and what is omitted.

    Args:
        part: What is continued.
        whole: The file from its first bar on, of which it is a part.
        path: The file.
        steps_per_beat: Of the grid; None: a grid of seconds.

    >>> march = Primer(np.ones((220, 84), np.uint8), 100.0, ((0, Meter()),))
    >>> describe_primer(march.last(64, 4), march, Path("march.mid"), 4)
    'primer: the last 60 of the 220 steps of march.mid, from bar 11; 100 quarters per minute, 4/4'
    """
    begin, used, steps = part.first_step - whole.first_step, len(part.roll), len(whole.roll)
    text = f"all {steps} steps" if used == steps else f"the {'last' if begin else 'first'} {used} of the {steps} steps"
    text = f"primer: {text} of {path}"
    if steps_per_beat is not None and begin:
        bars = whole.bars(steps_per_beat)
        text += f", from {'' if begin in bars else 'within '}bar {sum(bar <= begin for bar in bars)}"
    if whole.first_step:
        text += f", after {whole.first_step} steps of silence"
    if whole.left_out:
        text += f", without {count(whole.left_out, 'note')} outside MIDI {LOWEST_PITCH} to {HIGHEST_PITCH}"
    if steps_per_beat is None:
        return text
    if part.tempo:
        text += f"; {part.tempo:.4g} quarters per minute"
        if part.tempo_changes:
            text += f" (the first tempo of the file; {count(part.tempo_changes, 'change')} left out)"
    meter, _ = part.clock(steps_per_beat)
    return text + (f", {meter}" if meter else "")


def continue_music(
    model: MusicModel,
    primer: np.ndarray,
    steps: int | None,
    sampling: SamplingConfig,
    count: int = 1,
    meter: Meter | None = None,
    place: int = 0,
    steering: Steering = NO_STEERING,
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
        steering: What the music keeps to.

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
        more: dict[str, Any] = {"compiled": use_xla, "meter": meter, "place": place, "steering": steering}
        if steps is None:
            yield from zip(*model.compose(batch, sampling, first, **more), strict=True)
        else:
            yield from ((music, False) for music in model.generate(batch, steps, sampling, first, **more))


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
