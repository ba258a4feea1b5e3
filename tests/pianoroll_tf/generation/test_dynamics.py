"""Dynamics from played notes: means by metrical strength and voice, and what is taken where they are missing."""

import numpy as np
import pytest

from pianoroll_tf.generation.dynamics import Dynamics, played_dynamics


def sums(*groups):
    """[2, 4, 2] of (is highest, strength, number of notes, velocity)."""
    table = np.zeros((2, 4, 2), np.int64)
    for voice, strength, number, velocity in groups:
        table[voice, strength] = number, number * velocity
    return table


def test_levels_and_difference_of_voices_are_those_of_the_notes():
    played = sums(*((1, level, 10, 100 - 10 * level) for level in range(4)), (0, 0, 20, 85), (0, 3, 20, 55))
    found = Dynamics().fitted(played)
    assert found.levels == pytest.approx((100, 90, 80, 70))
    assert found.inner == pytest.approx(-15)


def test_what_few_notes_do_not_show_is_taken_from_the_default_at_their_mean():
    found = Dynamics().fitted(sums((1, 1, 20, 60), (1, 0, 2, 60)))
    assert found.levels[1] == 60
    shift = 60 - (20 * 85 + 2 * 92) / 22
    assert found.levels[0] == pytest.approx(92 + shift)
    assert found.inner == -8


def test_equal_velocities_move_the_default_accents():
    found = Dynamics().fitted(sums((1, 1, 50, 70)), is_flat=True)
    assert found.levels == pytest.approx((77, 70, 65, 61))
    assert Dynamics().fitted([0] * 16) == Dynamics().fitted(()) == Dynamics()


def test_velocities_stay_within_those_of_midi():
    roll = np.zeros((2, 84), np.uint8)
    roll[:, [10, 20]] = 2
    start, pitch, strength = np.array([0, 0, 1]), np.array([34, 44, 44]), np.array([0, 3])
    assert Dynamics((200.0, 90, 80, -5), -60).velocities(roll, start, pitch, strength).tolist() == [127, 127, 1]


def test_music_without_velocities_has_those_of_the_base():
    base, nothing = Dynamics((1.0, 2.0, 3.0, 4.0)), np.zeros((4, 84), np.uint8)
    assert played_dynamics(base, nothing, nothing, np.zeros(4, np.int64)) == base
    played, equal = np.eye(4, 84, 0, np.uint8) * 2, np.eye(4, 84, 0, np.uint8) * 50
    assert played_dynamics(Dynamics(), played, equal, np.ones(4, np.int64)).levels[1] == 50
