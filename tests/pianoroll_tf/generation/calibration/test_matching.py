"""Shifts that give the wanted rates, for music that is a formula."""

import numpy as np

from pianoroll_tf.generation.calibration.matching import error, match, needed_shifts
from pianoroll_tf.generation.calibration.rates import Rates, length_shares, log_odds, rates


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def test_shifts_are_found_that_give_the_wanted_rates():
    numbers = np.random.default_rng(0).random((3, 16, 64, 84))
    base = np.array([-3.0, 2.0, -1.0])

    def trial(shifts):
        """Music of one log-odds for each kind, halved as temperature 2 would."""
        onset, hold, strike = sigmoid(base / 2 + shifts)
        cells, held = np.zeros((16, 64, 84), np.uint8), np.zeros((16, 84), bool)
        for step in range(64):
            sounds = numbers[0, :, step] < np.where(held, hold, onset)
            struck = sounds & (~held | (numbers[1, :, step] < strike))
            cells[:, step] = sounds.astype(np.uint8) + struck
            held = sounds
        return Rates(rates(cells))

    np.testing.assert_allclose(match(trial, Rates(sigmoid(base))), base / 2, atol=0.05)


def test_shares_of_positions_are_matched_beside_the_rates():
    base, shares = np.array([0.02, 0.7, 0.1]), np.array([0.6, 0.3, 0.1])
    wanted = Rates(np.array([0.01, 0.8, 0.2]), np.array([0.5, 0.2, 0.3]))

    def trial(shifts):
        """Independent decisions; the rate of onsets is weighted by the shifts of positions."""
        weights = shares * np.exp(shifts[3:])
        odds = log_odds(base) + shifts[:3] + (np.log(weights.sum()), 0, 0)
        return Rates(sigmoid(odds), weights / weights.sum())

    assert error(trial(np.zeros(6)), wanted) > 0.4
    assert error(trial(np.array(match(lambda shifts: trial(np.array(shifts)), wanted))), wanted) < 0.04


def test_lengths_of_notes_are_matched_beside_the_rates():
    numbers = np.random.default_rng(0).random((2, 16, 256, 84))
    hold = np.array([0.6, 0.5, 0.9, 0.8])  # after one, two, three and more steps
    wanted = Rates(np.array([0.03, 0.6, 0.1]), lengths=np.array([0.5, 0.3, 0.02]))

    def trial(shifts):
        shifts, held, steps = np.array(shifts), np.zeros((16, 84), int), []
        sustain = sigmoid(log_odds(hold) + shifts[1] + np.append(shifts[3:], 0.0))
        onset, strike = sigmoid(log_odds(np.array([0.03, 0.1])) + shifts[[0, 2]])
        for step in range(256):
            sounds = numbers[0, :, step] < np.where(held > 0, sustain[np.clip(held - 1, 0, 3)], onset)
            struck = sounds & ((held == 0) | (numbers[1, :, step] < strike))
            steps.append(sounds.astype(np.uint8) + struck)
            held = np.where(sounds, held + 1, 0)
        cells = np.stack(steps, axis=1)
        return Rates(rates(cells), lengths=length_shares(cells, 3))

    assert error(trial(np.zeros(6)), wanted) > 0.3
    found = trial(match(trial, wanted))
    assert error(found, wanted) < 0.04
    np.testing.assert_allclose(found.lengths, wanted.lengths, atol=0.01)


def test_log_ratios_of_shares_leave_the_number_of_struck_notes_as_it_is():
    kinds = np.array([0.1, 0.5, 0.5])
    found, wanted = Rates(kinds, np.array([0.7, 0.3])), Rates(kinds, np.array([0.4, 0.6]))
    shifts = needed_shifts(found, wanted)
    assert not shifts[:3].any()
    np.testing.assert_allclose((found.positions * np.exp(shifts[3:])).sum(), 1.0)
    np.testing.assert_allclose(error(found, wanted), 4 * 0.3)


def test_the_shift_of_a_length_is_what_that_of_all_sustained_cells_leaves():
    found = Rates(np.array([0.1, 0.5, 0.5]), lengths=np.array([0.5, 0.25]))
    wanted = Rates(np.array([0.1, 0.8, 0.5]), lengths=np.array([0.2, 0.64]))  # releases 0.5, 0.5 → 0.2, 0.8
    np.testing.assert_allclose(needed_shifts(found, wanted), [0, np.log(4), 0, 0, -2 * np.log(4)], atol=1e-12)


def test_music_that_answers_abruptly_is_matched_too():
    """Three times as far as the log-odds say, as music does that repeats itself."""
    wanted = Rates(np.array([0.01, 0.7, 0.06]))

    def trial(shifts):
        return Rates(sigmoid(log_odds(wanted.kinds) + 3.0 * (np.array(shifts) - (0.5, -0.3, 0.2))))

    found = match(trial, wanted)
    assert error(trial(found), wanted) < 0.1 < error(trial((0.0, 0.0, 0.0)), wanted)


def test_the_best_trial_is_kept_where_none_fits():
    tried = []

    def trial(shifts):
        tried.append(shifts)
        return Rates(np.array([0.1, 0.5, 0.5]) if any(shifts) else np.array([0.02, 0.5, 0.5]))

    assert match(trial, Rates(np.array([0.01, 0.5, 0.5]))) == (0.0, 0.0, 0.0)
    assert np.abs(np.diff(tried, axis=0)).max() < 1.001  # no trial leaps
