"""The comparison of filled bars: gaps, seams and means by hand."""

import numpy as np
import pytest

from benchmarks.infill import difference, gaps, seam_facts, table
from pianoroll_tf.data.clock import Meter


def test_gaps_are_of_two_bars_and_64_steps_follow_each():
    assert list(gaps(np.zeros((400, 84)), ((0, Meter()),), 4)) == [(64, 96), (192, 224)]
    assert list(gaps(np.zeros((159, 84)), ((0, Meter()),), 4)) == []


def test_notes_at_a_seam():
    real = np.zeros((6, 84), np.uint8)
    real[:, :2] = 1
    real[0, :2] = 2
    roll = real.copy()
    roll[2, 0], roll[3:, 0] = 0, (2, 1, 1)  # the first note ends within the gap
    assert seam_facts(real, roll, end=3) == {"length": 6.0, "broken": 0.5}
    assert seam_facts(real, np.zeros_like(real), end=3) == {"broken": 0.0}


def test_differences_are_means_over_pieces():
    one = [{"piece": 0, "after": 1.0}, {"piece": 0, "after": 3.0}, {"piece": 1, "after": 4.0}]
    other = [{"piece": 0, "after": 0.0}, {"piece": 0, "after": 0.0}, {"piece": 1, "after": 0.0}]
    gain, error = difference(one, other, "after")
    assert (gain, error) == (3.0, pytest.approx(np.std([2.0, 4.0], ddof=1) / np.sqrt(2)))
    assert "| a | 2 |  | 2.00 |" in table({"a": one[:2]})
