"""Velocities of the cells of a roll, and their sums by metrical strength and voice."""

import numpy as np
import pytest
from midi_files import song

from pianoroll_tf.config import RecordsConfig
from pianoroll_tf.data.clock import Meter
from pianoroll_tf.data.midi import Notes, parse_notes
from pianoroll_tf.data.roll import from_dense, notes_to_roll, to_dense
from pianoroll_tf.data.velocities import (
    dense_velocities,
    is_highest,
    piece_velocity_sums,
    strengths,
    struck_velocities,
    velocity_sums,
)

BEATS = RecordsConfig(grid="beats", steps_per_beat=4)


def test_the_loudest_note_of_a_cell_counts_and_others_are_left_out():
    quarter = 480
    start = np.array([quarter, 0, 10, 0, 0])  # the third rounds to step 0
    pitch = np.array([60, 60, 60, 20, 24])
    tempo = (quarter, np.array([0]), np.array([500_000.0]))
    notes = Notes(start, start + 240, pitch, *tempo, velocity=np.array([90, 50, 70, 11, 127]))
    assert struck_velocities(notes, BEATS).tolist() == [127, 70, 90]
    roll, outside = notes_to_roll(notes, BEATS)
    assert outside == 1
    dense = dense_velocities(roll, struck_velocities(notes, BEATS))
    assert {tuple(place): dense[tuple(place)] for place in np.argwhere(dense)} == {
        (0, 0): 127,
        (0, 36): 70,
        (4, 36): 90,
    }
    assert (dense > 0).tolist() == (to_dense(roll) == 2).tolist()


@pytest.mark.parametrize("options", [{}, {"parser": "pretty_midi"}, {"pedal": True}])
def test_every_parser_reports_velocities(options):
    notes = parse_notes(song([(0, 480, 60), (480, 960, 64)]), **options)
    assert set(struck_velocities(notes, BEATS).tolist()) == {64}


def test_strengths_follow_a_change_of_metre_and_a_bar_that_began_before():
    found = strengths([(-4, Meter(2, 4)), (8, Meter(3, 8))], 12, 2)
    assert found.tolist() == [0, 2, 1, 2, 0, 2, 1, 2, 0, 2, 2, 0]
    assert strengths([], 3, None).tolist() == [1, 1, 1]


def test_sums_of_dense_and_sparse_rolls_agree_and_tell_the_highest_voice():
    roll = np.zeros((4, 84), np.uint8)
    roll[0, [30, 40]], roll[1, [30, 40]], roll[2, 50] = [2, 2], [2, 1], 2
    velocities = np.where(roll == 2, np.array([[10], [20], [30], [0]]), 0).astype(np.uint8)
    strength = np.array([0, 3, 2, 3])
    expected = np.zeros((2, 4, 2), int)
    expected[0, 0], expected[1, 0], expected[0, 3], expected[1, 2] = (1, 10), (1, 10), (1, 20), (1, 30)
    assert velocity_sums(roll, velocities, strength).tolist() == expected.tolist()
    sparse = from_dense(roll)
    assert piece_velocity_sums(sparse, np.array([10, 10, 20, 30], np.uint8), strength) == tuple(expected.ravel())
    assert piece_velocity_sums(sparse, np.full(4, 64, np.uint8), strength) == ()
    assert is_highest(roll, np.array([0, 1]), np.array([40, 30])).tolist() == [True, False]
