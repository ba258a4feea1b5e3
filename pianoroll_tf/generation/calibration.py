"""Measures a trained model's own music: what it needs to stay near the data, and the tables with which it is shaped."""

import dataclasses

import numpy as np

from pianoroll_tf.config import NUM_PITCHES, DataFacts, SamplingConfig
from pianoroll_tf.data.clock import parse_meter
from pianoroll_tf.data.rhythm import UNUSUAL, onset_averages
from pianoroll_tf.generation import governor_search
from pianoroll_tf.generation.endpoints import Musician
from pianoroll_tf.generation.governor_search import needs_governor, spread
from pianoroll_tf.generation.rates import RATE_FLOOR, clipped, error, match, rates
from pianoroll_tf.generation.shaping import KINDS, Shaping, shaping_from_dict
from pianoroll_tf.generation.shaping_search import find_shaping, onset_thresholds
from pianoroll_tf.generation.trials import Trials

ROWS, WINDOW_STEPS = 64, 256  # a trial: so many pieces from scratch, of windows of so many steps
MATCH_WINDOWS = 2  # of a trial whose rates are matched: only the last counts, the first is not yet the model's own
MOST_WINDOWS = 8  # of the pieces by which the need of a governor is judged; a model may run away after minutes
LARGEST_SHARE = 1.5 * UNUSUAL  # of steps with more onsets than is usual, from which onsets are braked
LARGEST_ERROR = 0.05  # of the rates at temperature 1, relative to the data's, from which they are corrected


@dataclasses.dataclass(frozen=True)
class Calibration:
    """What calibration found; densities are shares of active cells.

    Attributes:
        shift: Setting of the governor.
        gain: Setting of the governor; 0: it leaves the density alone.
        brakes: Whether the governor brakes onsets.
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
    """Generates pieces from scratch and finds by them what a model is drawn with.

    Pieces as long as the longest of the data, or of `MOST_WINDOWS`, at temperature 1 and at the default, say in turn
    whether onsets are to be braked, whether the rates of onsets, releases and strikes must be shifted at temperature 1
    to be those of the data, and whether the density needs a governor. Then the shifts are found with which temperature,
    top-p and density keep or change the number of notes.

    Args:
        musician: The model.
        data: Of the training split, `density` > 0.
        rows: Pieces of a trial.
        window_steps: Length of a window, at most `sampling.BLOCK_STEPS`.
        with_shaping: False leaves the tables out, for music at temperature 1 alone.
    """
    trials, centre = Trials(musician, data, rows, window_steps), (0.0,) * len(KINDS)
    windows = windows_of(data.longest_piece, window_steps) if with_shaping else MATCH_WINDOWS

    def late(temperature, shifts, *least, governor=(0.0, 0.0)) -> np.ndarray:
        """Rates in the last window of a trial."""
        cells = trials.generate(governor, temperature, shifts, *least, windows=MATCH_WINDOWS)
        return rates(cells, first=window_steps * (MATCH_WINDOWS - 1))

    def listen() -> list[np.ndarray]:
        """Cells of pieces at temperature 1, and at the default as it would be shaped."""
        heard = [trials.generate(shifts=centre, windows=windows)]
        if with_shaping:
            default = SamplingConfig().temperature
            shifts = match(lambda shifts: late(default, shifts), _wanted(heard[0], window_steps), centre)
            heard.append(trials.generate(temperature=default, shifts=shifts, windows=windows))
        return heard

    heard = listen()
    uncorrected, brakes = float((heard[0] != 0).mean()), False
    if data.usual_onsets and any(share_above(cells, data) > LARGEST_SHARE for cells in heard):
        trials, brakes = trials.with_brakes(), True
        heard = listen()
    wanted = _wanted(heard[0], window_steps)
    if data.rates and with_shaping:
        real = clipped([*data.rates[:2], data.rates[2] if musician.articulation else RATE_FLOOR])
        if error(wanted, real) > LARGEST_ERROR:
            wanted, centre = real, match(lambda shifts: late(1.0, shifts), real)
            heard = listen()
    cells = heard[0][:, : MATCH_WINDOWS * window_steps]
    shift, gain, off = 0.0, 0.0, spread(_densities(heard[0], window_steps), data.density)
    if any(_strays(part, data) for part in heard):
        shift, gain, off = governor_search.search(
            lambda shift, gain, windows: _densities(
                trials.generate((shift, gain), shifts=centre, windows=windows), window_steps
            ),
            data.density,
        )
        cells = trials.generate((shift, gain), shifts=centre, windows=MATCH_WINDOWS)
        wanted = _wanted(cells, window_steps)
    shaping = Shaping()
    if with_shaping:

        def governed(*settings):
            return late(*settings, governor=(shift, gain))

        shaping = find_shaping(governed, wanted, centre, onset_thresholds(musician, cells), gain > 0)
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


def _wanted(cells: np.ndarray, window_steps: int) -> np.ndarray:
    """Rates of the second window of pieces."""
    return rates(cells[:, : MATCH_WINDOWS * window_steps], first=window_steps * (MATCH_WINDOWS - 1))


def _strays(cells: np.ndarray, data: DataFacts) -> bool:
    return needs_governor((cells != 0).mean(axis=(1, 2)), data.density)


def share_above(cells: np.ndarray, data: DataFacts) -> float:
    """Share of the steps of some music with more onsets than is usual, where it is highest of all places in the beat.

    Args:
        cells: 0 silent, 1 held, 2 struck, [rows, steps, 84], from the beginning of a bar.
        data: `usual_onsets` is compared with; `UNUSUAL` of its own steps are above.
    """
    usual = np.array(data.usual_onsets)
    places = np.arange(cells.shape[1]) % parse_meter(data.meter).bar_steps(len(usual)) % len(usual)
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
