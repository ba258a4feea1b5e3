"""Rates of music, and the shifts that bring them about."""

import numpy as np

from pianoroll_tf.generation.calibration.rates import error, log_odds, match, needed_shifts, position_shares, rates


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
        return rates(cells)

    wanted = 1 / (1 + np.exp(-base))
    np.testing.assert_allclose(match(trial, wanted), base / 2, atol=0.05)


def test_shares_of_positions_are_matched_beside_the_rates():
    base, shares = np.array([0.02, 0.7, 0.1]), np.array([0.6, 0.3, 0.1])
    wanted = np.array([0.01, 0.8, 0.2, 0.5, 0.2, 0.3])

    def trial(shifts):
        """Independent decisions; the rate of onsets is weighted by the shifts of positions."""
        weights = shares * np.exp(shifts[3:])
        odds = log_odds(base) + shifts[:3] + (np.log(weights.sum()), 0, 0)
        return np.concatenate([1 / (1 + np.exp(-odds)), weights / weights.sum()])

    assert error(trial(np.zeros(6)), wanted) > 0.4
    assert error(trial(np.array(match(lambda shifts: trial(np.array(shifts)), wanted))), wanted) < 0.04


def test_log_ratios_of_shares_leave_the_number_of_struck_notes_as_it_is():
    found, wanted = np.array([0.1, 0.5, 0.5, 0.7, 0.3]), np.array([0.1, 0.5, 0.5, 0.4, 0.6])
    shifts = needed_shifts(found, wanted)
    assert not shifts[:3].any()
    np.testing.assert_allclose((found[3:] * np.exp(shifts[3:])).sum(), 1.0)
    np.testing.assert_allclose(error(found, wanted), 4 * 0.3)


def test_silence_has_finite_shares():
    assert (position_shares(np.zeros((1, 4, 84), np.uint8), np.arange(4), 4) > 0).all()


def test_rates_of_silence_are_finite():
    assert ((rates(np.zeros((1, 3, 84), np.uint8)) > 0) & (rates(np.ones((1, 3, 84), np.uint8)) < 1)).all()


def test_only_the_steps_from_the_first_are_counted():
    cells = np.zeros((1, 6, 84), np.uint8)
    cells[0, :4, 0] = 2, 1, 1, 2
    cells[0, 4:, 1] = 2, 2
    onset, hold, strike = rates(cells, first=3)
    assert (onset, hold, strike) == (1 / (3 * 84 - 3), 2 / 3, 1 - 1e-5)


def test_music_that_answers_abruptly_is_matched_too():
    """Three times as far as the log-odds say, as music does that repeats itself."""
    wanted = np.array([0.01, 0.7, 0.06])

    def trial(shifts):
        odds = log_odds(wanted) + 3.0 * (np.array(shifts) - (0.5, -0.3, 0.2))
        return 1 / (1 + np.exp(-odds))

    found = match(trial, wanted)
    assert error(trial(found), wanted) < 0.1 < error(trial((0.0, 0.0, 0.0)), wanted)


def test_the_best_trial_is_kept_where_none_fits():
    tried = []

    def trial(shifts):
        tried.append(shifts)
        return np.array([0.1, 0.5, 0.5]) if any(shifts) else np.array([0.02, 0.5, 0.5])

    assert match(trial, np.array([0.01, 0.5, 0.5])) == (0.0, 0.0, 0.0)
    assert max(abs(shift) for shifts in tried for shift in shifts) <= 1.0  # no trial leaps
