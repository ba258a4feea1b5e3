"""The search for the governor's settings, with music whose density is a formula."""

import math

import numpy as np
import pytest

from pianoroll_tf.generation.calibration.governor_search import (
    GAINS,
    MAX_SPREAD,
    find_shift,
    needs_governor,
    search,
)


def test_shift_is_found_where_density_rises_steeply():
    shift = find_shift(lambda shift: 0.05 * math.exp(8 * (shift - 0.3)), 0.05)
    assert shift == pytest.approx(0.3, abs=0.002)


def test_only_the_first_window_sets_the_shift():
    def trial(shift, gain, windows):
        return np.array([[0.05 * math.exp(shift), 0.5]])[:, :windows]

    assert search(trial, 0.1)[0] == pytest.approx(math.log(2), abs=0.01)


def test_the_search_begins_where_the_last_one_ended():
    tried = []

    def trial(shift, gain, windows):
        tried.append((gain, shift, windows))
        return np.full((4, windows), 0.05 * math.exp(2 * shift - 1))

    search(trial, 0.05)
    gains = [gain for gain, *_ in tried]
    assert gains.count(1.0) > 2
    assert gains.count(0.5) == gains.count(0.25) == 2  # one window at the shift known from before, then all
    assert {windows for gain, _, windows in tried} == {1, 2}


def test_shift_stays_within_its_bounds_where_nothing_helps():
    shift = find_shift(lambda shift: 0.0, 0.05)
    assert abs(shift) <= 3


@pytest.mark.parametrize(("needed", "expected"), [(0.0, 0.25), (0.6, 0.75), (3.0, 3.0), (99.0, GAINS[-1])])
def test_the_least_gain_that_holds_pieces_together_is_taken(needed, expected):
    def trial(shift, gain, windows):
        spread = MAX_SPREAD * (0.5 if gain >= needed else 2)
        return 0.05 * math.exp(shift + 0.4) * np.array([[1 - spread, 1.0], [1 + spread, 1.0]])[:, :windows]

    shift, gain, _ = search(trial, 0.05)
    assert gain == expected
    assert shift == pytest.approx(-0.4, abs=0.011)


def test_the_governor_is_for_music_that_is_off_or_strays():
    near = np.full(64, 0.05) + np.linspace(-0.02, 0.02, 64)
    assert not needs_governor(near, 0.05)
    assert needs_governor(near * 1.2, 0.05)
    some = near.copy()
    some[:2], some[2:4] = 0.2, 0.0
    assert needs_governor(some, 0.05)
