"""Calibration with music whose density is a formula, and with a tiny model."""

import dataclasses
import math

import numpy as np
import pytest
from tiny_export import tiny_config, tiny_model

from pianoroll_tf.config import DataFacts
from pianoroll_tf.generation.calibration import (
    GAINS,
    LARGEST_SPREAD,
    Trials,
    calibrate,
    find_shift,
    match,
    needs_governor,
    onset_thresholds,
    rates,
    search,
)
from pianoroll_tf.generation.endpoints import Musician


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
        spread = LARGEST_SPREAD * (0.5 if gain >= needed else 2)
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


def test_shifts_are_found_that_give_the_wanted_rates():
    numbers = np.random.default_rng(0).random((3, 16, 64, 84))
    base = np.array([-3.0, 2.0, -1.0])

    def trial(shifts):
        """Music of one log-odds for each kind, halved as temperature 2 would."""
        onset, hold, strike = 1 / (1 + np.exp(-(base / 2 + shifts)))
        cells, held = np.zeros((16, 64, 84), np.uint8), np.zeros((16, 84), bool)
        for step in range(64):
            sounds = numbers[0, :, step] < np.where(held, hold, onset)
            struck = sounds & (~held | (numbers[1, :, step] < strike))
            cells[:, step] = sounds.astype(np.uint8) + struck
            held = sounds
        return cells

    wanted = 1 / (1 + np.exp(-base))
    np.testing.assert_allclose(match(trial, wanted), base / 2, atol=0.05)


def test_music_of_a_model_keeps_its_onsets_at_other_temperatures_and_gets_its_density():
    config = tiny_config()
    musician = Musician(tiny_model(config), config.loss)
    found = calibrate(musician, config.data, rows=32, window_steps=64)
    assert found.gain == 0
    assert found.corrected == pytest.approx(found.uncorrected, rel=0.01)  # of shorter pieces
    hot = found.shaping.temperature
    assert hot.places[0] == 0.0
    assert hot.values[hot.places.index(1.0)] == (0.0, 0.0, 0.0)
    dense = dict(zip(found.shaping.density.places, found.shaping.density.values, strict=True))
    assert dense[math.log(2.0)][0] > 0.5 > 0 > dense[math.log(0.5)][0]


def test_a_model_whose_music_is_off_gets_the_governor():
    config = tiny_config()
    data = DataFacts(density=0.12, pitch_frequency=(0.05,) * 84)
    found = calibrate(Musician(tiny_model(config), config.loss), data, rows=16, window_steps=64)
    assert found.gain > 0
    assert found.corrected == pytest.approx(0.12, rel=0.1)
    assert found.uncorrected == pytest.approx(0.05, rel=0.5)


@pytest.mark.parametrize(("longest", "governed"), [(100, False), (1000, True)])
def test_music_that_runs_away_after_a_while_gets_the_governor_where_pieces_are_as_long(longest, governed, monkeypatch):
    """Freely drawn, the music is the data's for two windows, and five times as dense from then on."""
    free = Trials.generate

    def runs_away(self, governor=(0.0, 0.0), *args, windows=1, **kwargs):
        cells = free(self, governor, *args, windows=windows, **kwargs)
        if not any(governor):
            cells[:, 2 * 64 :, 20:40] = 1
        return cells

    monkeypatch.setattr(Trials, "generate", runs_away)
    config = tiny_config()
    data = dataclasses.replace(config.data, longest_piece=longest)
    found = calibrate(Musician(tiny_model(config), config.loss), data, rows=16, window_steps=64)
    assert (found.gain > 0) == governed


def test_a_threshold_leaves_the_share_of_onsets_that_it_says():
    config = tiny_config()
    musician = Musician(tiny_model(config), config.loss)
    cells = (np.random.default_rng(0).random((4, 32, 84)) < 0.05).astype(np.uint8) * 2
    found = onset_thresholds(musician, cells)
    assert list(found) == sorted(found)
    assert list(found.values()) == sorted(found.values(), reverse=True)


def test_rates_of_silence_are_finite():
    assert ((rates(np.zeros((1, 3, 84), np.uint8)) > 0) & (rates(np.ones((1, 3, 84), np.uint8)) < 1)).all()
