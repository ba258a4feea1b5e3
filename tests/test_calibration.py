"""Calibration with music whose density is a formula, and with a tiny model."""

import math

import numpy as np
import pytest
from tiny_export import DENSITY, tiny_config, tiny_model

from pianoroll_tf.generation.calibration import GAINS, LARGEST_SPREAD, calibrate, find_shift, search


def test_shift_is_found_where_density_rises_steeply():
    shift = find_shift(lambda shift: 0.05 * math.exp(8 * (shift - 0.3)), 0.05)
    assert shift == pytest.approx(0.3, abs=0.002)


def test_only_the_first_window_sets_the_shift():
    def trial(shift, gain, windows):
        return np.array([[0.05 * math.exp(shift), 0.5]])[:, :windows]

    assert search(trial, 0.1).shift == pytest.approx(math.log(2), abs=0.01)


def test_the_search_begins_where_the_last_one_ended():
    tried = []

    def trial(shift, gain, windows):
        tried.append((gain, shift, windows))
        return np.full((4, windows), 0.05 * math.exp(2 * shift - 1))

    search(trial, 0.05)
    gains = [gain for gain, *_ in tried]
    assert tried[0] == (0.0, 0.0, 2)
    assert gains.count(1.0) > 2
    assert gains.count(0.5) == gains.count(0.25) == 2  # one window at the shift known from before, then all
    assert {windows for gain, _, windows in tried[1:]} == {1, 2}


def test_shift_stays_within_its_bounds_where_nothing_helps():
    shift = find_shift(lambda shift: 0.0, 0.05)
    assert abs(shift) <= 3


@pytest.mark.parametrize(("needed", "expected"), [(0.0, 0.25), (0.6, 0.75), (3.0, 3.0), (99.0, GAINS[-1])])
def test_the_least_gain_that_holds_pieces_together_is_taken(needed, expected):
    def trial(shift, gain, windows):
        spread = LARGEST_SPREAD * (0.5 if gain >= needed else 2)
        return 0.05 * math.exp(shift + 0.4) * np.array([[1 - spread, 1.0], [1 + spread, 1.0]])[:, :windows]

    found = search(trial, 0.05)
    assert found.gain == expected
    assert found.shift == pytest.approx(-0.4, abs=0.011)
    assert found.corrected == pytest.approx(0.05, rel=0.011)
    assert found.uncorrected == pytest.approx(0.05 * math.exp(0.4))


def test_music_of_a_model_gets_the_density_asked_for():
    config = tiny_config()
    found = calibrate(tiny_model(config), config.loss, 2 * DENSITY, rows=32, window_steps=64)
    assert found.uncorrected == pytest.approx(DENSITY, rel=0.5)
    assert found.corrected == pytest.approx(2 * DENSITY, rel=0.03)
    assert found.shift > 0.3
