"""Calibrates sampling on a trained model's own music: which parts of the governor it needs, and the shaping tables."""

import dataclasses

import numpy as np

from pianoroll_tf.config import NUM_PITCHES, DataFacts, SamplingConfig
from pianoroll_tf.data.clock import parse_meter
from pianoroll_tf.data.rhythm import UNUSUAL, onset_averages, places_in_beat
from pianoroll_tf.generation.calibration import governor_search
from pianoroll_tf.generation.calibration.governor_search import needs_governor, spread
from pianoroll_tf.generation.calibration.rates import RATE_FLOOR, clipped, error, match, position_shares, rates
from pianoroll_tf.generation.calibration.shaping_search import find_shaping, onset_thresholds
from pianoroll_tf.generation.calibration.trials import Trials
from pianoroll_tf.generation.endpoints import Musician
from pianoroll_tf.generation.shaping import KINDS, Shaping, shaping_from_dict

ROWS, WINDOW_STEPS = 64, 256  # a trial: so many pieces from scratch, of windows of so many steps
MATCH_WINDOWS = 2  # of a trial whose rates are matched; rates of the last are measured, after the start has worn off
MOST_WINDOWS = 8  # of the pieces by which the need of a governor is judged; a model may run away after minutes
LARGEST_SHARE = 1.5 * UNUSUAL  # share of steps above the data's 95th percentile from which onsets are penalized
LARGEST_ERROR = 0.05  # error of the rates at temperature 1, against those of the data, from which they are shifted


@dataclasses.dataclass(frozen=True)
class Calibration:
    """What calibration found; densities are shares of active cells.

    Attributes:
        shift: Setting of the governor.
        gain: Setting of the governor; 0: it leaves the density alone.
        brakes: Whether the governor penalizes onsets.
        uncorrected: Mean density of the model's music without it.
        corrected: Mean density with it.
        spread: Root mean square of (density of a window / density of the data - 1).
        onsets: Struck notes per step at temperature 1.
        shaping: Tables of shifts.
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


def calibration_from_dict(values: dict) -> Calibration:
    """The inverse of `dataclasses.asdict`, also after JSON."""
    return Calibration(**values | {"shaping": shaping_from_dict(values["shaping"])})


def calibrate(
    musician: Musician,
    data: DataFacts,
    rows: int = ROWS,
    window_steps: int = WINDOW_STEPS,
    with_shaping: bool = True,
) -> Calibration:
    """Generates pieces from scratch and derives the sampling settings of a model from them.

    Pieces as long as the longest training piece, up to `MOST_WINDOWS` windows, are generated at temperature 1 and at
    the default temperature. They decide, in this order, whether onsets are penalized, whether the rates of onsets,
    releases and re-strikes at temperature 1, and the positions in the beat at which notes are struck, are shifted to
    those of the data, and whether the density is controlled.
    Then the tables of shifts for temperature, top-p and density are searched.

    Args:
        musician: The model.
        data: Of the training split, `density` > 0.
        rows: Pieces of a trial.
        window_steps: Length of a window, at most `sampling.BLOCK_STEPS`.
        with_shaping: False leaves the tables out, for music at temperature 1 alone.
    """
    trials, positions = Trials(musician, data, rows, window_steps), musician.steps_per_beat or 0
    base_shifts = (0.0,) * (len(KINDS) + positions)
    windows = windows_of(data.longest_piece, window_steps) if with_shaping else MATCH_WINDOWS

    def measured(cells: np.ndarray) -> np.ndarray:
        """Rates of the second window of pieces, and on a grid of beats the shares of positions in the beat."""
        cells, first = cells[:, : MATCH_WINDOWS * window_steps], window_steps * (MATCH_WINDOWS - 1)
        if not positions:
            return rates(cells, first)
        places = places_in_beat([(0, parse_meter(data.meter))], cells.shape[1], positions)
        return np.concatenate([rates(cells, first), position_shares(cells, places, positions, first)])

    def late_rates(temperature, shifts, *least, governor=(0.0, 0.0)) -> np.ndarray:
        """Rates in the last window of a trial."""
        return measured(trials.generate(governor, temperature, shifts, *least, windows=MATCH_WINDOWS))

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
    if data.usual_onsets and any(share_above(cells, data) > LARGEST_SHARE for cells in drawn):
        trials, brakes = trials.with_brakes(), True
        drawn = samples()
    wanted = measured(drawn[0])
    if data.rates and with_shaping:
        again = data.rates[2] if musician.articulation else RATE_FLOOR
        real = clipped([*data.rates[:2], again, *((positions and data.onset_positions) or wanted[len(KINDS) :])])
        if error(wanted, real) > LARGEST_ERROR:
            wanted, base_shifts = real, match(lambda shifts: late_rates(1.0, shifts), real)
            drawn = samples()
    cells = drawn[0][:, : MATCH_WINDOWS * window_steps]
    shift, gain, off = 0.0, 0.0, spread(_densities(drawn[0], window_steps), data.density)
    if any(_strays(part, data) for part in drawn):
        shift, gain, off = governor_search.search(
            lambda shift, gain, windows: _densities(
                trials.generate((shift, gain), shifts=base_shifts, windows=windows), window_steps
            ),
            data.density,
        )
        cells = trials.generate((shift, gain), shifts=base_shifts, windows=MATCH_WINDOWS)
        wanted = measured(cells)
    shaping = Shaping()
    if with_shaping:

        def governed(*settings):
            return late_rates(*settings, governor=(shift, gain))

        shaping = find_shaping(governed, wanted, base_shifts, onset_thresholds(musician, cells), gain > 0)
    return Calibration(
        shift=shift,
        gain=gain,
        brakes=brakes,
        uncorrected=uncorrected,
        corrected=float((cells != 0).mean()),
        spread=off,
        onsets=float((cells == 2).sum(axis=2).mean()),
        shaping=shaping,
    )


def _strays(cells: np.ndarray, data: DataFacts) -> bool:
    return needs_governor((cells != 0).mean(axis=(1, 2)), data.density)


def share_above(cells: np.ndarray, data: DataFacts) -> float:
    """Share of steps whose average of onsets exceeds `usual_onsets`, at the position in the beat where it is largest.

    Args:
        cells: 0 silent, 1 held, 2 struck, [rows, steps, 84], from the beginning of a bar.
        data: Of the training split, in which the share is `UNUSUAL` at each position.
    """
    usual = np.array(data.usual_onsets)
    places = places_in_beat([(0, parse_meter(data.meter))], cells.shape[1], len(usual))
    averages = onset_averages((cells == 2).sum(axis=2), places, len(usual))
    return max(float((averages[:, places == place] > usual[place]).mean()) for place in range(len(usual)))


def _densities(cells: np.ndarray, window_steps: int) -> np.ndarray:
    """Density of each window, float64 [rows, windows]."""
    return (cells != 0).reshape(len(cells), -1, window_steps * NUM_PITCHES).mean(axis=-1)


def windows_of(steps: int, window_steps: int) -> int:
    """Windows that hold a piece of so many steps, from `MATCH_WINDOWS` to `MOST_WINDOWS`.

    >>> windows_of(100, 256), windows_of(1088, 256), windows_of(7716, 256)
    (2, 5, 8)
    """
    return min(max(-(-steps // window_steps), MATCH_WINDOWS), MOST_WINDOWS)
