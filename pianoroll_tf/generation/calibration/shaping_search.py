"""Measures the tables of `sampling_options` on a model's own music."""

import math
from collections.abc import Callable

import numpy as np
import tensorflow as tf

from pianoroll_tf.config import NUM_PITCHES, SamplingConfig
from pianoroll_tf.generation import sampling_loop
from pianoroll_tf.generation.calibration.matching import MAX_FIRST_TRIALS, MAX_TRIALS, match
from pianoroll_tf.generation.calibration.rates import Rates, log_odds, releases
from pianoroll_tf.generation.endpoints import SamplingModel
from pianoroll_tf.generation.sampling_options import KINDS, NO_SHIFT, Shaping, Table, plain_options
from pianoroll_tf.modeling.network import head_of

# In the order of the search: outwards from 1, because each search starts from an extrapolation of the previous ones
DEFAULT_TEMPERATURE = SamplingConfig().temperature  # most music has it, so its search is as thorough as the first
TEMPERATURES = (1.15, 1.3, 2.0, DEFAULT_TEMPERATURE, 0.5)
TOP_PS = (0.95, 0.9, 0.8, 0.5)
DENSITIES = (0.7, 0.5, 1.4, 2.0)


def find_shaping(
    trial: Callable[..., Rates],
    target: Rates,
    base_shifts: tuple[float, ...],
    thresholds: dict[float, float],
    governed: bool,
) -> Shaping:
    """Finds the tables of a model by rate matching; `governed` says whether the governor controls the density.

    `trial` is a function of temperature, shifts and threshold of onsets to the measured rates, `target` has the rates
    at every temperature and top-p, `base_shifts` the shifts at temperature 1.
    """
    kinds, lengths = len(KINDS), len(KINDS) + len(target.positions)
    by_rate = {0.0: _at_rest(target), 1.0: base_shifts}  # at 1/T = 0 all log-odds are 0
    for temperature in TEMPERATURES:
        rate, trials = 1 / temperature, MAX_FIRST_TRIALS if temperature == DEFAULT_TEMPERATURE else MAX_TRIALS
        start = _extrapolate(by_rate, rate)
        by_rate[rate] = match(lambda shifts: trial(temperature, shifts), target, start, trials)  # noqa: B023
    base, others = base_shifts[:kinds], base_shifts[kinds:]  # top-p and density leave positions and lengths alone

    def at_one(shifts, *threshold) -> Rates:
        return trial(1.0, (*shifts, *others), *threshold).of_kinds()

    by_top_p, starts = {}, {1.0: base}
    for top_p, threshold in thresholds.items():
        start = _extrapolate(starts, top_p)
        starts[top_p] = match(lambda shifts: at_one(shifts, threshold), target.of_kinds(), start)  # noqa: B023
        by_top_p[top_p] = (*_minus(starts[top_p], base), threshold)
    by_density = {0.0: (0.0,) * kinds}
    for factor in () if governed else DENSITIES:
        log_factor, scaled = math.log(factor), Rates(np.minimum(target.kinds * (factor, 1.0, 1.0), 0.99))
        by_density[log_factor] = _minus(match(at_one, scaled, _extrapolate(by_density, log_factor, base)), base)
    rest = {rate: shifts[lengths:] for rate, shifts in by_rate.items()}
    return Shaping(
        temperature=_table({rate: shifts[:lengths] for rate, shifts in by_rate.items()}),
        density=NO_SHIFT if governed else _table(by_density),
        top_p=_table(by_top_p),
        lengths=_table(rest),
    )


def _at_rest(target: Rates) -> tuple[float, ...]:
    """Shifts of log-odds that are all 0, as at an infinite temperature, to the rates of the target."""
    kinds, positions = log_odds(target.kinds), np.log(target.positions * len(target.positions))
    sustain = -log_odds(releases(target.lengths)) - kinds[KINDS.index("hold")]
    return tuple(np.concatenate([kinds, positions, sustain]).tolist())


def _extrapolate(entries: dict[float, tuple[float, ...]], x: float, offset=0.0) -> tuple[float, ...]:
    """Linear extrapolation to `x` from the two nearest entries, or the only entry; `offset` is added."""
    near = sorted(sorted(entries, key=lambda known: abs(known - x))[:2])
    values, slope = np.array(entries[near[0]]), 0.0
    if len(near) > 1:
        slope = (np.array(entries[near[1]]) - values) / (near[1] - near[0])
    return tuple((values + slope * (x - near[0]) + offset).tolist())


def _minus(shifts: tuple[float, ...], others: tuple[float, ...]) -> tuple[float, ...]:
    """Shifts of the tables of top-p and density, which are added to those of the table of temperature."""
    return tuple((np.array(shifts) - others).tolist())


def _table(entries: dict[float, tuple[float, ...]]) -> Table:
    places = sorted(entries)
    return Table(tuple(places), tuple(entries[place] for place in places))


def onset_thresholds(sampler: SamplingModel, cells: np.ndarray) -> dict[float, float]:
    """Log-odds below which 1 - top_p of the onsets that a model expects in its own music lie, for each of `TOP_PS`.

    `cells` is music of the model, uint8 [rows, steps, 84].
    """
    network, head = sampler.network(), head_of(sampler.model)
    before = sampling_loop.after_silence(tf.constant(cells))[:, :-1]
    options = plain_options(len(cells))
    hidden, *_ = sampling_loop.read(network, before, options.meter, options.place)
    logits = network.posterior(head(hidden, before, cells))[..., :NUM_PITCHES].numpy()
    logits = np.sort(logits[before.numpy() == 0])
    expected = np.cumsum(1 / (1 + np.exp(-logits.astype(np.float64))))
    return {top_p: float(logits[np.searchsorted(expected, (1 - top_p) * expected[-1])]) for top_p in TOP_PS}
