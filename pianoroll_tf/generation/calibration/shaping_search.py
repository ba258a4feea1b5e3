"""Measures the tables of `shaping` on a model's own music."""

import math
from collections.abc import Callable

import numpy as np
import tensorflow as tf

from pianoroll_tf.config import NUM_PITCHES
from pianoroll_tf.generation import sampling
from pianoroll_tf.generation.calibration.rates import log_odds, match
from pianoroll_tf.generation.endpoints import Musician
from pianoroll_tf.generation.shaping import KINDS, NO_SHIFT, Shaping, Table

# In the order of the search: outwards from 1, as each search starts from an extrapolation of those before
TEMPERATURES = (1.15, 1.3, 2.0, 0.8, 0.7, 0.5)
TOP_PS = (0.95, 0.9, 0.8, 0.5)
DENSITIES = (0.7, 0.5, 1.4, 2.0)


def find_shaping(
    trial: Callable[..., np.ndarray],
    wanted: np.ndarray,
    base_shifts: tuple[float, ...],
    thresholds: dict[float, float],
    governed: bool,
) -> Shaping:
    """The tables of a model.

    Args:
        trial: Function of temperature, shifts and threshold of onsets to the measured rates, [3 + positions].
        wanted: Target at every temperature and top-p, [3 + positions].
        base_shifts: Shifts at temperature 1.
        thresholds: Of `onset_thresholds`.
        governed: Whether a governor answers for the density.
    """
    kinds, positions = len(KINDS), len(wanted) - len(KINDS)
    at_rest = np.concatenate([log_odds(wanted[:kinds]), np.log(wanted[kinds:] * positions)])
    by_rate = {0.0: tuple(at_rest.tolist()), 1.0: base_shifts}  # at 1/T = 0 all log-odds are 0
    for temperature in TEMPERATURES:
        rate = 1 / temperature
        by_rate[rate] = match(lambda shifts: trial(temperature, shifts), wanted, _line(by_rate, rate))  # noqa: B023
    base, at_positions = base_shifts[:kinds], base_shifts[kinds:]  # top-p and density leave the positions alone
    by_top_p, starts = {}, {1.0: base}
    for top_p, least in thresholds.items():
        starts[top_p] = match(
            lambda shifts: trial(1.0, (*shifts, *at_positions), least)[:kinds],  # noqa: B023
            wanted[:kinds],
            _line(starts, top_p),
        )
        by_top_p[top_p] = (*_minus(starts[top_p], base), least)
    by_density = {0.0: (0.0,) * kinds}
    for factor in () if governed else DENSITIES:
        place, thick = math.log(factor), wanted[:kinds] * (factor, 1.0, 1.0)
        shifts = match(
            lambda shifts: trial(1.0, (*shifts, *at_positions))[:kinds],
            np.minimum(thick, 0.99),
            _line(by_density, place, base),
        )
        by_density[place] = _minus(shifts, base)
    density = NO_SHIFT if governed else _table(by_density)
    return Shaping(temperature=_table(by_rate), density=density, top_p=_table(by_top_p))


def _line(entries: dict[float, tuple[float, ...]], place: float, beside=0.0) -> tuple[float, ...]:
    """Linear extrapolation from the two nearest entries to a place, or the only entry; `beside` is added."""
    near = sorted(sorted(entries, key=lambda known: abs(known - place))[:2])
    values, slope = np.array(entries[near[0]]), 0.0
    if len(near) > 1:
        slope = (np.array(entries[near[1]]) - values) / (near[1] - near[0])
    return tuple((values + slope * (place - near[0]) + beside).tolist())


def _minus(shifts: tuple[float, ...], others: tuple[float, ...]) -> tuple[float, ...]:
    """The tables of top-p and density add to that of temperature, which holds the shifts at temperature 1."""
    return tuple((np.array(shifts) - others).tolist())


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
