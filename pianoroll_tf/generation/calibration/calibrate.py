"""Calibrates sampling on a model's own music: the parts of the governor that it needs, and the shaping tables."""

import dataclasses
import functools

import numpy as np

from pianoroll_tf.config import NUM_PITCHES, DataFacts, SamplingConfig
from pianoroll_tf.data.clock import parse_meter
from pianoroll_tf.data.rhythm import UNUSUAL, onset_averages, positions_in_beat
from pianoroll_tf.generation.calibration.governor_search import needs_governor, search, spread
from pianoroll_tf.generation.calibration.matching import MAX_FIRST_TRIALS, error, match
from pianoroll_tf.generation.calibration.rates import (
    RATE_FLOOR,
    Rates,
    clipped,
    length_shares,
    position_shares,
    rates,
)
from pianoroll_tf.generation.calibration.shaping_search import find_shaping, onset_thresholds
from pianoroll_tf.generation.calibration.trials import TrialGenerator
from pianoroll_tf.generation.endpoints import SamplingModel
from pianoroll_tf.generation.sampling_options import KINDS, NO_THRESHOLD, Shaping
from pianoroll_tf.modeling.network import head_of

ROWS, WINDOW_STEPS = 64, 256  # of a trial: pieces from scratch, steps per window
MATCH_WINDOWS = 2  # of a trial for rate matching; the last one is measured, free of effects of the start
MAX_WINDOWS = 8  # of the pieces that decide about the governor; a model may run away after minutes
MAX_SHARE_ABOVE = 1.5 * UNUSUAL  # of steps above the 95th percentile of the data; beyond it onsets are penalized
MAX_RATE_ERROR = 0.05  # of the rates at temperature 1, relative to the data; beyond it they are shifted


@dataclasses.dataclass(frozen=True)
class Calibration:
    """Result of a calibration, with shift and gain of the governor; densities are shares of active cells.

    Attributes:
        brakes: Whether the governor penalizes onsets.
        uncorrected: Mean density of the model's music without the governor.
        corrected: Mean density with the governor.
        spread: Root mean square of (density of a window / density of the data - 1).
        onsets: Struck notes per step at temperature 1.
    """

    shift: float
    gain: float
    brakes: bool
    uncorrected: float
    corrected: float
    spread: float
    onsets: float
    shaping: Shaping

    def in_words(self) -> str:
        """The density of the model's music and the enabled parts of the governor.

        >>> Calibration(0.1, 0.25, True, 0.05, 0.04, 0.1, 1.0, Shaping()).in_words()
        '4.00%; onset penalty, density control (gain 0.25, shift +0.10; 5.00% without it)'
        >>> Calibration(0.0, 0.0, False, 0.05, 0.05, 0.1, 1.0, Shaping()).in_words()
        '5.00%; no governor'
        """
        parts = ["onset penalty"] if self.brakes else []
        if self.gain:
            settings = f"gain {self.gain:g}, shift {self.shift:+.2f}; {self.uncorrected:.2%} without it"
            parts.append(f"density control ({settings})")
        return f"{self.corrected:.2%}; {', '.join(parts) or 'no governor'}"


def calibrate(
    sampler: SamplingModel,
    data: DataFacts,
    rows: int = ROWS,
    window_steps: int = WINDOW_STEPS,
    with_shaping: bool = True,
) -> Calibration:
    """Generates pieces from scratch and derives the sampling settings of a model from them.

    Pieces as long as the longest training piece, up to `MAX_WINDOWS` windows, are generated at temperature 1 and at
    the default temperature. They decide, in this order, whether onsets are penalized; whether the rates of onsets,
    releases and re-strikes at temperature 1, the positions in the beat at which notes are struck, and the lengths for
    which they are held, are shifted to those of the data; and whether the density is controlled. Then the tables of
    shifts for temperature, top-p and density are measured.

    Args:
        sampler: The model; its governor and shaping are not used.
        data: Facts of the training split, with `density` > 0.
        rows: Pieces per trial.
        window_steps: Steps per window, up to `sampling_loop.BLOCK_STEPS`.
        with_shaping: Whether to measure the tables; they are not needed at temperature 1.
    """
    trials, positions = TrialGenerator(sampler, data, rows, window_steps), sampler.steps_per_beat or 0
    base_shifts = (0.0,) * (len(KINDS) + positions + len(data.hold_lengths))
    windows = window_count(data.longest_piece, window_steps) if with_shaping else MATCH_WINDOWS

    def measured(cells: np.ndarray) -> Rates:
        """Rates of the second window of pieces."""
        cells, first = cells[:, : MATCH_WINDOWS * window_steps], window_steps * (MATCH_WINDOWS - 1)
        found = Rates(rates(cells, first), lengths=length_shares(cells, len(data.hold_lengths), first))
        if not positions:
            return found
        beat_positions = positions_in_beat([(0, parse_meter(data.meter))], cells.shape[1], positions)
        return found._replace(positions=position_shares(cells, beat_positions, positions, first))

    def late_rates(temperature, shifts, threshold=NO_THRESHOLD, governor=(0.0, 0.0)) -> Rates:
        """Rates in the last window of a trial."""
        return measured(trials.generate(governor, temperature, shifts, threshold, windows=MATCH_WINDOWS))

    def samples() -> list[np.ndarray]:
        """Cells of pieces at temperature 1, and at the default temperature with the shifts that match its rates."""
        drawn = [trials.generate(shifts=base_shifts, windows=windows)]
        if with_shaping:
            default = SamplingConfig().temperature
            shifts = match(lambda shifts: late_rates(default, shifts), measured(drawn[0]), base_shifts)
            drawn.append(trials.generate(temperature=default, shifts=shifts, windows=windows))
        return drawn

    drawn = samples()
    uncorrected, brakes = float((drawn[0] != 0).mean()), False
    if data.usual_onsets and any(share_above(cells, data) > MAX_SHARE_ABOVE for cells in drawn):
        trials, brakes = TrialGenerator(sampler, data, rows, window_steps, onset_penalty=True), True
        drawn = samples()
    target = measured(drawn[0])
    if data.rates and with_shaping:
        restrikes = data.rates[2] if head_of(sampler.model).articulation else RATE_FLOOR
        at_positions = clipped(data.onset_positions) if positions and data.onset_positions else target.positions
        real = Rates(clipped([*data.rates[:2], restrikes]), at_positions, clipped(data.hold_lengths))
        if error(target, real) > MAX_RATE_ERROR:
            target, base_shifts = real, match(lambda shifts: late_rates(1.0, shifts), real, max_trials=MAX_FIRST_TRIALS)
            drawn = samples()
    cells = drawn[0][:, : MATCH_WINDOWS * window_steps]
    shift, gain, off = 0.0, 0.0, spread(_densities(drawn[0], window_steps), data.density)
    if any(needs_governor((part != 0).mean(axis=(1, 2)), data.density) for part in drawn):

        def densities(shift: float, gain: float, windows: int) -> np.ndarray:
            return _densities(trials.generate((shift, gain), shifts=base_shifts, windows=windows), window_steps)

        shift, gain, off = search(densities, data.density)
        cells = trials.generate((shift, gain), shifts=base_shifts, windows=MATCH_WINDOWS)
        target = measured(cells)
    shaping = Shaping()
    if with_shaping:
        governed = functools.partial(late_rates, governor=(shift, gain))
        shaping = find_shaping(governed, target, base_shifts, onset_thresholds(sampler, cells), gain > 0)
    corrected, onsets = float((cells != 0).mean()), float((cells == 2).sum(axis=2).mean())
    return Calibration(shift, gain, brakes, uncorrected, corrected, off, onsets, shaping)


def share_above(cells: np.ndarray, data: DataFacts) -> float:
    """Share of steps whose average of onsets exceeds `usual_onsets`, at the position in the beat where it is largest.

    `cells`: 0 silent, 1 held, 2 struck, [rows, steps, 84], from the start of a bar. In the data the share is `UNUSUAL`.
    """
    usual = np.array(data.usual_onsets)
    positions = positions_in_beat([(0, parse_meter(data.meter))], cells.shape[1], len(usual))
    averages = onset_averages((cells == 2).sum(axis=2), positions, len(usual))
    return max(float((averages[:, positions == position] > usual[position]).mean()) for position in range(len(usual)))


def _densities(cells: np.ndarray, window_steps: int) -> np.ndarray:
    """Density of each window, float64 [rows, windows]."""
    return (cells != 0).reshape(len(cells), -1, window_steps * NUM_PITCHES).mean(axis=-1)


def window_count(steps: int, window_steps: int) -> int:
    """Number of windows that hold a piece of `steps` steps, from `MATCH_WINDOWS` to `MAX_WINDOWS`.

    >>> window_count(100, 256), window_count(1088, 256), window_count(7716, 256)
    (2, 5, 8)
    """
    return min(max(-(-steps // window_steps), MATCH_WINDOWS), MAX_WINDOWS)
