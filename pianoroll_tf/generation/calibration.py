"""Measures a trained model's own music: whether it needs the governor, and the tables with which it is shaped."""

import bisect
import dataclasses
import functools
import math
from collections.abc import Callable

import numpy as np
import tensorflow as tf

from pianoroll_tf.config import NUM_PITCHES, DataFacts, SamplingConfig
from pianoroll_tf.data.clock import parse_meter
from pianoroll_tf.generation import sampling
from pianoroll_tf.generation.endpoints import Musician
from pianoroll_tf.generation.governor import Governor
from pianoroll_tf.generation.shaping import KINDS, NO_SHIFT, NONE_BELOW, Shaping, Table, shaped_odds

ROWS, WINDOWS, WINDOW_STEPS = 64, 2, 256  # a trial: pieces from scratch, each of up to so many windows of so many steps
MOST_WINDOWS = 8  # of the pieces by which the need of a governor is judged; a model may run away after minutes
SEED = 2**40  # no seed a person is likely to type
# Without the governor: relative error of the mean density that is let pass, density of a piece over that of the data
# from which it has run away, and the share of pieces that may.
MEAN_ERROR, RUNAWAY, FADED, STRAY_PIECES = 0.1, 3.0, 0.1, 0.05
GAINS = (0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0)
LARGEST_SPREAD = 0.08  # one of the 128 windows of a trial that runs away to twice the density exceeds it
CLOSE = 0.01  # relative error of the mean density at which the search for the shift ends
LARGEST_SHIFT, ROUNDS = 3.0, 8
TEMPERATURES = (2.0, 1.3, 1.15, 0.85, 0.7, 0.5)
TOP_PS = (0.5, 0.8, 0.9, 0.95)
DENSITIES = (0.5, 0.7, 1.4, 2.0)
MATCHES, MATCHED = 5, 0.02  # trials of one shift at most; relative error of the rates at which they end
RATE_FLOOR = 1e-5


@dataclasses.dataclass(frozen=True)
class Calibration:
    """What calibration found; densities are shares of active cells.

    Attributes:
        shift: Setting of the governor.
        gain: Setting of the governor; 0: it is off.
        uncorrected: Mean density of the model's music without it.
        corrected: Mean density with it.
        spread: Root mean square of (density of a window / density of the data - 1).
        onsets: Struck notes per step at temperature 1.
        shaping: Tables of shifts.
    """

    shift: float
    gain: float
    uncorrected: float
    corrected: float
    spread: float
    onsets: float
    shaping: Shaping


@dataclasses.dataclass(frozen=True)
class Forced:
    """Stands in the place of a `Shaping`: the given shifts, whatever the options; tensors."""

    rate: tf.Tensor
    shift: tf.Tensor
    least: tf.Tensor

    def odds(self, posterior: Callable, temperature, top_p, density):
        """As `Shaping.odds`."""
        rows = tf.shape(temperature)[0]
        return shaped_odds(
            posterior,
            tf.fill([rows], self.rate),
            tf.tile(self.shift[tf.newaxis], [rows, 1]),
            tf.fill([rows, 1], self.least),
        )


class Trials:
    """Generates pieces from scratch, with the same seeds in every trial.

    Args:
        musician: The model; its governor and shaping are not looked at.
        data: Of the training split.
        rows: Pieces of a trial.
        window_steps: Length of a window.
    """

    def __init__(self, musician: Musician, data: DataFacts, rows: int, window_steps: int) -> None:
        self._musician, self._data, self._rows, self._steps = musician, data, rows, window_steps
        meter = parse_meter(data.meter)
        options = sampling.plain_options(rows)
        self._options = options._replace(meter=tf.tile([[meter.numerator, meter.denominator]], [rows, 1]))
        signature = [tf.TensorSpec(shape, tf.float32) for shape in ([], [], [], [len(KINDS)], [])]
        self._begin = tf.function(self._open, signature[:2], autograph=False)
        compiled = not tf.config.list_physical_devices("GPU")
        self._draw = tf.function(self._continue, jit_compile=compiled, autograph=False)
        self._in_turn = compiled

    def governor(self, shift=0.0, gain=0.0) -> Governor:
        """The governor with these settings; numbers of 0 turn it off."""
        if isinstance(gain, float) and not gain and not shift:
            return sampling.FREE
        return Governor(shift, gain, notes=self._data.density * NUM_PITCHES, hold=self._data.long_hold)

    def _open(self, shift, gain):
        silence = tf.zeros([self._rows, 0, NUM_PITCHES], tf.uint8)
        network, governor = self._musician.network(), self.governor(shift, gain)
        return sampling.begin(network, self._musician.state(self._rows), silence, self._options, governor)

    def _continue(self, carried, numbers, governed, shift, gain, rate, shifts, least):
        network = self._musician.network(self._in_turn)._replace(shaping=Forced(rate, shifts, least))
        one = tf.ones([self._rows])
        governor = self.governor(shift, gain) if governed else sampling.FREE
        return sampling.draw(network, carried, numbers, one, one, governor)

    def generate(self, governor=(0.0, 0.0), temperature=1.0, shifts=(0.0,) * 3, least=NONE_BELOW, windows=1):
        """Cells of pieces, uint8 [rows, windows * window_steps, 84].

        Args:
            governor: Its shift and gain.
            temperature: Of all decisions.
            shifts: Of `KINDS`.
            least: Log-odds below which an onset is silenced.
            windows: How many.
        """
        governed = any(governor)
        settings = [tf.constant(value, tf.float32) for value in (*governor, 1 / temperature, shifts, least)]
        carried, parts = self._begin(*settings[:2]), []
        seeds = tf.range(SEED, SEED + self._rows, dtype=tf.int64)
        network = self._musician.network()
        for window in range(windows):
            numbers = sampling.uniforms(seeds, tf.fill([self._rows], window), network.decisions)[:, : self._steps]
            roll, _, carried = self._draw(carried, numbers, governed, *settings)
            parts.append(roll.numpy())
        return np.concatenate(parts, axis=1)


def calibrate(
    musician: Musician,
    data: DataFacts,
    rows: int = ROWS,
    window_steps: int = WINDOW_STEPS,
    with_shaping: bool = True,
) -> Calibration:
    """Generates pieces from scratch and finds by them what a model is drawn with.

    First whether it needs the governor, in pieces as long as the longest of the data, or of `MOST_WINDOWS`, at
    temperature 1 and at the default: not where their mean density is near that of the data and hardly a piece runs away
    or fades. Then the shifts with which temperature, top-p and density keep or change its number of notes.

    Args:
        musician: The model.
        data: Of the training split, `density` > 0.
        rows: Pieces of a trial.
        window_steps: Length of a window, at most `sampling.BLOCK_STEPS`.
        with_shaping: False leaves the tables out, for music at temperature 1 alone.
    """
    trials = Trials(musician, data, rows, window_steps)
    windows = windows_of(data.longest_piece, window_steps) if with_shaping else WINDOWS
    free = trials.generate(windows=windows)
    shift, gain, spread = 0.0, 0.0, _spread(_densities(free, window_steps), data.density)
    cells = free[:, : WINDOWS * window_steps]
    if _strays(free, data) or (with_shaping and _strays(_at_default(trials, cells, windows), data)):
        shift, gain, spread = search(
            lambda shift, gain, windows: _densities(trials.generate((shift, gain), windows=windows), window_steps),
            data.density,
        )
        cells = trials.generate((shift, gain), windows=WINDOWS)
    generate = functools.partial(trials.generate, (shift, gain))
    shaping = find_shaping(generate, musician, cells, governed=gain > 0) if with_shaping else Shaping()
    return Calibration(
        shift=shift,
        gain=gain,
        uncorrected=float((free != 0).mean()),
        corrected=float((cells != 0).mean()),
        spread=spread,
        onsets=float((cells == 2).sum(axis=2).mean()),
        shaping=shaping,
    )


def _at_default(trials: Trials, cells: np.ndarray, windows: int) -> np.ndarray:
    """Cells of pieces at the default temperature, shaped, without the governor; `cells` are those at temperature 1."""
    temperature = SamplingConfig().temperature
    shifts = match(lambda shifts: trials.generate(temperature=temperature, shifts=shifts), rates(cells))
    return trials.generate(temperature=temperature, shifts=shifts, windows=windows)


def _strays(cells: np.ndarray, data: DataFacts) -> bool:
    return needs_governor((cells != 0).mean(axis=(1, 2)), data.density)


def _densities(cells: np.ndarray, window_steps: int) -> np.ndarray:
    """Density of each window, float64 [rows, windows]."""
    return (cells != 0).reshape(len(cells), -1, window_steps * NUM_PITCHES).mean(axis=-1)


def _spread(densities: np.ndarray, density: float) -> float:
    return math.sqrt(np.mean((densities / density - 1) ** 2))


def windows_of(steps: int, window_steps: int) -> int:
    """Windows that hold a piece of so many steps, from `WINDOWS` to `MOST_WINDOWS`.

    >>> windows_of(100, 256), windows_of(1088, 256), windows_of(7716, 256)
    (2, 5, 8)
    """
    return min(max(-(-steps // window_steps), WINDOWS), MOST_WINDOWS)


def needs_governor(densities: np.ndarray, density: float) -> bool:
    """Whether pieces of these densities [rows], drawn freely, are not those of data of `density`.

    >>> needs_governor(np.array([0.03, 0.05, 0.04]), 0.04), needs_governor(np.array([0.03, 0.2, 0.0]), 0.04)
    (False, True)
    """
    ratio = densities / density
    stray = np.mean((ratio > RUNAWAY) | (ratio < FADED))
    return bool(abs(ratio.mean() - 1) > MEAN_ERROR or stray > STRAY_PIECES)


def search(trial: Callable[[float, float, int], np.ndarray], density: float) -> tuple[float, float, float]:
    """The least of `GAINS` that keeps pieces together, with the shift that brings their mean to `density`.

    The spread falls as the gain rises, so the least gain is found by bisection. The search for a shift begins at that
    of the gain before, and hears the first window only.

    Args:
        trial: Function of (shift, gain, number of windows) to densities [rows, windows].
        density: To reach.

    Returns:
        (shift, gain, spread).
    """
    shift = 0.0

    @functools.cache
    def found(gain: float) -> tuple[float, float, float]:
        nonlocal shift
        shift = find_shift(lambda shift: float(trial(shift, gain, 1).mean()), density, shift)
        return shift, gain, _spread(trial(shift, gain, WINDOWS), density)

    least = bisect.bisect_left(GAINS, True, hi=len(GAINS) - 1, key=lambda gain: found(gain)[2] <= LARGEST_SPREAD)
    return found(GAINS[least])


def find_shift(trial: Callable[[float], float], density: float, start: float = 0.0) -> float:
    """The shift with which the mean density of the first window is nearest to `density`.

    Only the first window counts, because the governor's drift brings the later ones to the data's density.
    Log-density rises with the shift, about as fast; where it rises faster, the bracket is halved.

    Args:
        trial: Function of the shift to the mean density.
        density: To reach.
        start: Shift to try first.

    >>> shift = find_shift(lambda shift: 0.04 * math.exp(shift), 0.05)
    >>> round(math.exp(shift), 2)
    1.25
    """
    low, high = -LARGEST_SHIFT, LARGEST_SHIFT
    tried = []
    shift = start
    for _ in range(ROUNDS):
        error = math.log(max(trial(shift), 1e-9) / density)
        tried.append((abs(error), shift))
        if abs(error) < CLOSE:
            break
        low, high = (shift, high) if error < 0 else (low, shift)
        straight = shift - error
        shift = straight if low < straight < high else (low + high) / 2
    return min(tried)[1]


def rates(cells: np.ndarray) -> np.ndarray:
    """How often each of `KINDS` is decided with yes, float64 [3], kept within `RATE_FLOOR` and 1 - `RATE_FLOOR`.

    Args:
        cells: 0 silent, 1 held, 2 struck, [rows, steps, 84], each row preceded by silence.

    >>> cells = np.zeros((1, 4, 84), np.uint8)
    >>> cells[0, :3, 0] = 2, 1, 2  # one onset of 334 chances, then held and re-struck, then let go
    >>> rates(cells).round(3).tolist()
    [0.003, 0.667, 0.5]
    """
    sounds = cells != 0
    before = np.zeros_like(sounds)
    before[:, 1:] = sounds[:, :-1]
    kept = sounds & before
    counts = [
        ((sounds & ~before).sum(), (~before).sum()),
        (kept.sum(), before.sum()),
        ((kept & (cells == 2)).sum(), kept.sum()),
    ]
    return np.clip([part / max(whole, 1) for part, whole in counts], RATE_FLOOR, 1 - RATE_FLOOR)


def match(trial: Callable[[tuple[float, ...]], np.ndarray], wanted: np.ndarray) -> tuple[float, ...]:
    """The shifts with which the rates of a trial are those wanted.

    Each trial moves every shift by the difference of the log-odds of the rate, which is right where all decisions of a
    kind have the same log-odds, and near it otherwise.

    Args:
        trial: Function of the shifts of `KINDS` to cells.
        wanted: Rates, [3].
    """
    shifts, best = np.zeros(len(KINDS)), (math.inf, (0.0,) * len(KINDS))
    for _ in range(MATCHES):
        found = rates(trial(tuple(shifts.tolist())))
        # What counts is how often something happens: onsets, releases, strikes
        seldom = np.minimum(found, 1 - found) / np.minimum(wanted, 1 - wanted)
        error = float(np.abs(np.log(seldom)).max())
        best = min(best, (error, tuple(shifts.tolist())))
        if error < MATCHED:
            break
        shifts = np.clip(shifts + _log_odds(wanted) - _log_odds(found), -2 * LARGEST_SHIFT, 2 * LARGEST_SHIFT)
    return best[1]


def _log_odds(share: np.ndarray) -> np.ndarray:
    return np.log(share) - np.log1p(-share)


def find_shaping(generate: Callable[..., np.ndarray], musician: Musician, cells: np.ndarray, governed: bool) -> Shaping:
    """The tables of a model.

    Args:
        generate: `Trials.generate` with the governor set.
        musician: The model.
        cells: Its music at temperature 1, [rows, steps, 84].
        governed: Whether a governor answers for the density.
    """
    base = rates(cells)
    log_odds = _log_odds(base)
    by_rate = {0.0: tuple(log_odds.tolist()), 1.0: (0.0,) * len(KINDS)}  # at 1/T = 0 all log-odds are 0
    for temperature in TEMPERATURES:
        by_rate[1 / temperature] = match(lambda shifts: generate(temperature, shifts), base)  # noqa: B023
    by_top_p = {}
    thresholds = onset_thresholds(musician, cells)
    for top_p, least in thresholds.items():
        shifts = match(lambda shifts: generate(1.0, shifts, least), base)  # noqa: B023
        by_top_p[top_p] = (*shifts, least)
    density = NO_SHIFT
    if not governed:
        by_density = {0.0: (0.0,) * len(KINDS)}
        for factor in DENSITIES:
            wanted = np.array([np.clip(base[0] * factor, RATE_FLOOR, 0.5), *base[1:]])
            by_density[math.log(factor)] = match(lambda shifts: generate(1.0, shifts), wanted)
        density = _table(by_density)
    return Shaping(temperature=_table(by_rate), density=density, top_p=_table(by_top_p))


def _table(entries: dict[float, tuple[float, ...]]) -> Table:
    places = sorted(entries)
    return Table(tuple(places), tuple(entries[place] for place in places))


def onset_thresholds(musician: Musician, cells: np.ndarray) -> dict[float, float]:
    """Log-odds under which 1 - top_p of the onsets that a model expects in its own music are found, by `TOP_PS`.

    Args:
        musician: The model.
        cells: Its music, uint8 [rows, steps, 84].
    """
    network, head = musician.network(), musician.model.get_layer("head")
    rows = tf.shape(cells)[0]
    before = sampling.after_silence(tf.constant(cells))[:, :-1]
    options = sampling.plain_options(rows)
    hidden, *_ = sampling.read(network, musician.state(rows), before, options.meter, options.place)
    logits = network.posterior(head(hidden, before, cells))[..., :NUM_PITCHES].numpy()[before.numpy() == 0]
    logits = np.sort(logits)
    expected = np.cumsum(1 / (1 + np.exp(-logits.astype(np.float64))))
    return {top_p: float(logits[np.searchsorted(expected, (1 - top_p) * expected[-1])]) for top_p in TOP_PS}
