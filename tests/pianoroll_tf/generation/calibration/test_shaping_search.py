"""The tables of shaping, found with music that is a formula, and thresholds of a tiny model."""

import math

import numpy as np
import pytest
from tiny_export import tiny_config, tiny_model

from pianoroll_tf.generation.calibration.rates import Rates, log_odds
from pianoroll_tf.generation.calibration.shaping_search import find_shaping, onset_thresholds
from pianoroll_tf.generation.endpoints import SamplingModel

WANTED = Rates(np.array([0.01, 0.8, 0.1]))
AT_REST = log_odds(WANTED.kinds)


def formula(temperature, shifts, least=-9.0):
    """Rates of music whose decisions of a kind have the same log-odds, off by 0.2 at temperature 1.

    A threshold above -9 halves the odds of onsets.
    """
    odds = (AT_REST - 0.2) / temperature + shifts - (math.log(2) * (least > -9), 0, 0)
    return Rates(1 / (1 + np.exp(-odds)))


def test_a_threshold_leaves_the_share_of_onsets_that_it_says():
    config = tiny_config()
    sampler = SamplingModel(tiny_model(config), config.loss)
    cells = (np.random.default_rng(0).random((4, 32, 84)) < 0.05).astype(np.uint8) * 2
    found = onset_thresholds(sampler, cells)
    assert list(found) == sorted(found, reverse=True)
    assert list(found.values()) == sorted(found.values())


@pytest.mark.parametrize("governed", [False, True])
def test_tables_hold_the_rates_and_add_up(governed):
    centre = (0.2, 0.2, 0.2)
    shaping = find_shaping(formula, WANTED, centre, {0.9: -9.0, 0.5: -8.0}, governed)
    by_rate = dict(zip(shaping.temperature.places, shaping.temperature.values, strict=True))
    assert by_rate[1.0] == centre
    for rate, shifts in by_rate.items():
        if rate:  # at 0 the table holds the log-odds themselves
            np.testing.assert_allclose(formula(1 / rate, shifts).kinds, WANTED.kinds, rtol=0.05)
    top_p = dict(zip(shaping.top_p.places, shaping.top_p.values, strict=True))
    np.testing.assert_allclose(top_p[0.5], [math.log(2), 0, 0, -8.0], atol=0.05)
    np.testing.assert_allclose(top_p[0.9], [0, 0, 0, -9.0], atol=0.05)
    density = dict(zip(shaping.density.places, shaping.density.values, strict=True))
    if governed:
        assert not np.any(shaping.density.values)
    else:
        found = formula(1.0, np.add(centre, density[math.log(2.0)]))
        np.testing.assert_allclose(found.kinds, WANTED.kinds * (2, 1, 1), rtol=0.05)


def test_positions_and_lengths_have_tables_of_their_own():
    wanted = Rates(WANTED.kinds, np.array([0.75, 0.25]), np.array([0.5, 0.25]))

    def trial(temperature, shifts, threshold=0.0):
        rate, (_, hold, _, *positions), lengths = 1 / temperature, shifts[:5], np.array(shifts[5:])
        weights = np.exp(np.array([1.0, 0.0]) * rate + positions)
        released = 1 / (1 + np.exp(np.array([1.0, 2.0]) * rate + hold + lengths))
        shares = np.array([released[0], (1 - released[0]) * released[1]])
        return Rates(formula(temperature, shifts[:3]).kinds, weights / weights.sum(), shares)

    base = (0.2, 0.2, 0.2, math.log(3) - 1, 0.0, -1.2, -2.2)
    shaping = find_shaping(trial, wanted, base, {}, governed=True)
    assert (len(shaping.temperature.values[0]), len(shaping.lengths.values[0])) == (5, 2)
    for place, row, lengths in zip(
        shaping.lengths.places, shaping.temperature.values, shaping.lengths.values, strict=True
    ):
        found = trial(1 / max(place, 1e-9), (*row, *lengths))
        np.testing.assert_allclose(found.positions, wanted.positions, atol=0.02)
        np.testing.assert_allclose(found.lengths, wanted.lengths, atol=0.02)
