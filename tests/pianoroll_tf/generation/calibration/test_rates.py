"""Rates and shares of music, counted from a given step on."""

import numpy as np
import pytest

from pianoroll_tf.generation.calibration.rates import length_shares, position_shares, rates, releases


def test_silence_has_finite_shares():
    silence = np.zeros((1, 4, 84), np.uint8)
    for shares in (position_shares(silence, np.arange(4), 4), length_shares(silence, 4)):
        assert (shares > 0).all()
    assert np.isfinite(releases(length_shares(silence, 4))).all()


def test_rates_of_silence_are_finite():
    assert ((rates(np.zeros((1, 3, 84), np.uint8)) > 0) & (rates(np.ones((1, 3, 84), np.uint8)) < 1)).all()


def test_only_the_steps_from_the_first_are_counted():
    cells = np.zeros((1, 6, 84), np.uint8)
    cells[0, :4, 0] = 2, 1, 1, 2
    cells[0, 4:, 1] = 2, 2
    onset, hold, strike = rates(cells, first=3)
    assert (onset, hold, strike) == (1 / (3 * 84 - 3), 2 / 3, 1 - 1e-5)


def test_shares_of_lengths_are_those_of_the_notes():
    cells = np.zeros((2, 400, 84), np.uint8)
    rng, counts = np.random.default_rng(0), np.zeros(5)
    for row in range(2):
        step = 0
        while step < 390:
            length = rng.integers(1, 5)
            counts[length] += 1
            cells[row, step : step + length, 7] = 1
            cells[row, step, 7] = 2
            step += length + 1
    np.testing.assert_allclose(length_shares(cells, 3), counts[1:4] / counts.sum(), rtol=0.03)


def test_a_note_counts_for_the_steps_it_has():
    cells = np.zeros((1, 6, 84), np.uint8)
    cells[0, :4, 0] = 2, 1, 2, 1  # released after 4 steps, although it is struck again
    cells[0, 5, 0] = 2  # still sounds at the end
    assert length_shares(cells, 4) == pytest.approx([1e-5, 1e-5, 1e-5, 1 - 1e-5])
    cells[0, 0, 1] = 2  # released before `first`
    assert length_shares(cells, 1, first=2) == pytest.approx([1e-5])


def test_releases_are_conditional_on_the_steps_before():
    np.testing.assert_allclose(releases(np.array([0.5, 0.25, 0.125])), 0.5)
    np.testing.assert_allclose(releases(np.array([1.0, 0.0])), [1 - 1e-5, 1e-5])
