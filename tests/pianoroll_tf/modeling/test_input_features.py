"""Tests of pianoroll_tf.modeling.input_features: what the network is given of a step, and how training damages it."""

import numpy as np
import tensorflow as tf

from pianoroll_tf.data.clock import feature_table
from pianoroll_tf.modeling.input_features import FALSE_NOTE_RATIO, InputFeatures

CELLS = np.array([[[0, 1, 2], [2, 0, 0]]], np.uint8)
CODES = np.array([[5, 96]], np.int32)


def test_planes_and_clock():
    found = InputFeatures(articulation=True, steps_per_beat=4)(CELLS, CODES).numpy()
    assert found[0, :, :6].tolist() == [[0, 1, 1, 0, 0, 1], [1, 0, 0, 1, 0, 0]]
    np.testing.assert_array_equal(found[0, :, 6:], feature_table(4)[CODES[0]])


def test_a_plain_roll_and_no_clock():
    found = InputFeatures(articulation=False, steps_per_beat=None)(CELLS, CODES).numpy()
    assert found.tolist() == [[[0, 1, 1], [1, 0, 0]]]


def test_a_code_beyond_the_grid_is_clipped():
    found = InputFeatures(articulation=False, steps_per_beat=1)(CELLS, np.array([[10**6, -1]], np.int32)).numpy()
    np.testing.assert_array_equal(found[0, :, 3:], feature_table(1)[[-1, 0]])


def test_noise_silences_and_sounds_about_as_often_as_it_says_and_in_training_alone():
    cells = np.zeros((40, 50, 84), np.uint8)
    cells[:, :, :42] = 1
    reading = InputFeatures(articulation=True, steps_per_beat=None, noise=0.2, seed=1)
    heard = reading(cells, CODES, training=True).numpy()
    assert abs(1 - heard[..., :42].mean() - 0.2) < 0.01
    added = heard[..., 42:84].mean()
    assert abs(added - 0.2 * FALSE_NOTE_RATIO) < 0.002
    np.testing.assert_array_equal(heard[..., 84 + 42 :], heard[..., 42:84])  # what is added is struck
    np.testing.assert_array_equal(reading(cells, CODES)[..., :84], cells)


def test_dropout_keeps_the_mean():
    reading = InputFeatures(articulation=False, steps_per_beat=None, drop=0.5, seed=1)
    heard = reading(np.ones((40, 50, 84), np.uint8), CODES, training=True).numpy()
    assert set(np.unique(heard)) == {0.0, 2.0}
    assert abs(heard.mean() - 1) < 0.02


def test_a_seed_gives_the_same_damage():
    cells = np.ones((4, 9, 84), np.uint8)
    one, two = (InputFeatures(True, None, noise=0.3, seed=7)(cells, CODES, training=True).numpy() for _ in range(2))
    np.testing.assert_array_equal(one, two)
    assert InputFeatures(True, 4, dtype="mixed_bfloat16")(CELLS, CODES).dtype == tf.bfloat16
