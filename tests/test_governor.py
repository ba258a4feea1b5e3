"""The governor's formulas by hand."""

import math

import numpy as np
import pytest
import tensorflow as tf

from pianoroll_tf.generation import governor
from pianoroll_tf.generation.governor import Governor, correction, follow, reference_notes, start


def rows(*values):
    return tf.constant(values, tf.float32)


def test_shift_alone_is_all_there_is_without_gain():
    held = (rows(0.0, 50.0), rows(0.0, 0.0))
    assert correction(Governor(shift=0.25), held, rows(1.0, 1.0)).numpy().tolist() == [0.25, 0.25]


def test_correction_answers_a_wrong_density():
    held = (rows(4.0, 9.0, 0.0), rows(0.0, 0.5, 0.0))
    added = correction(Governor(shift=0.1, gain=2.0, notes=4.0), held, rows(4.0, 4.0, 4.0)).numpy()
    # On the reference nothing; at 9 against 4 notes, with margin 0.4, -2 log(9.4 / 4.4); at silence +2 log(11).
    np.testing.assert_allclose(added, [0.1, 0.6 - 2 * math.log(9.4 / 4.4), 0.1 + 2 * math.log(11)], rtol=1e-5)


def test_running_average_and_drift_follow_what_is_drawn():
    frame = tf.concat([tf.ones([1, 68]), tf.zeros([1, 16])], axis=1)  # 68 notes
    level, drift = follow(Governor(gain=1.0, notes=4.0), (rows(4.0), rows(0.0)), rows(4.0), frame)
    assert level.numpy().tolist() == [5.0]  # 4 + 64 / 64
    assert drift.numpy() == pytest.approx(-0.25 / governor.DRIFT_STEPS)  # 5 is a quarter more than 4


def test_drift_is_bounded():
    held = (rows(84.0), rows(0.0))
    for _ in range(3):
        held = follow(Governor(gain=1e6), held, rows(1.0), tf.ones([1, 84]))
    assert held[1].numpy().tolist() == [-governor.LARGEST_DRIFT]


def test_start_is_on_the_reference_and_leans_towards_the_density_asked_for():
    level, drift = start(rows(3.0, 6.0), rows(1.0, math.e))
    assert level.numpy().tolist() == [3.0, 6.0]
    np.testing.assert_allclose(drift.numpy(), [0.0, governor.HEAD_START], rtol=1e-6)


@pytest.mark.parametrize(
    ("notes_a_step", "steps", "expected"),
    [
        (8, 0, 4.0),  # nothing heard: the data
        (8, 64, 4.0 * 2**0.5),  # as long as the memory: half way, in ratio
        (40, 64, 4.0 * 2**0.5),  # a primer counts as twice as dense at most
        (0, 64, 4.0 * 0.5**0.5),
    ],
)
def test_reference_leans_towards_the_primer(notes_a_step, steps, expected):
    primer = np.zeros((1, steps, 84), np.float32)
    primer[:, :, :notes_a_step] = 1
    found = reference_notes(Governor(notes=4.0), tf.constant(primer), rows(1.0))
    np.testing.assert_allclose(found.numpy(), [expected], rtol=1e-6)
