"""The tables of shaping, found with music that is a formula, and thresholds of a tiny model."""

import math

import numpy as np
import pytest
from tiny_export import tiny_config, tiny_model

from pianoroll_tf.generation.calibration.shaping_search import find_shaping, onset_thresholds
from pianoroll_tf.generation.endpoints import SamplingModel

WANTED = np.array([0.01, 0.8, 0.1])
AT_REST = np.log(WANTED) - np.log1p(-WANTED)


def formula(temperature, shifts, least=-9.0):
    """Rates of music whose decisions of a kind have the same log-odds, off by 0.2 at temperature 1.

    A threshold above -9 halves the odds of onsets.
    """
    odds = (AT_REST - 0.2) / temperature + shifts - (math.log(2) * (least > -9), 0, 0)
    return 1 / (1 + np.exp(-odds))


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
            np.testing.assert_allclose(formula(1 / rate, shifts), WANTED, rtol=0.05)
    top_p = dict(zip(shaping.top_p.places, shaping.top_p.values, strict=True))
    np.testing.assert_allclose(top_p[0.5], [math.log(2), 0, 0, -8.0], atol=0.05)
    np.testing.assert_allclose(top_p[0.9], [0, 0, 0, -9.0], atol=0.05)
    density = dict(zip(shaping.density.places, shaping.density.values, strict=True))
    if governed:
        assert not np.any(shaping.density.values)
    else:
        found = formula(1.0, np.add(centre, density[math.log(2.0)]))
        np.testing.assert_allclose(found, WANTED * (2, 1, 1), rtol=0.05)
