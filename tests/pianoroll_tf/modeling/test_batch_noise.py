"""Tests of pianoroll_tf.modeling.batch_noise: the rows of a batch have the same random numbers wherever they are."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from pianoroll_tf.modeling.batch_noise import Dropout, draw_rows, dropout, spread


def test_a_share_has_the_rows_of_the_whole_draw():
    def draw(shape):
        return tf.reshape(tf.range(tf.reduce_prod(shape)), shape)

    assert draw_rows(draw, (5, 2)).numpy().tolist() == [[0, 1], [2, 3], [4, 5], [6, 7], [8, 9]]
    with spread(5, 1, 2):
        assert draw_rows(draw, (2, 2)).numpy().tolist() == [[2, 3], [6, 7]]  # rows 1 and 3
    with spread(5, tf.constant(0), 3):
        assert draw_rows(draw, (2, 2)).numpy().tolist() == [[0, 1], [6, 7]]


@pytest.mark.parametrize("dtype", ["float32", "mixed_bfloat16"])
@pytest.mark.parametrize("workers", [1, 2, 3])
def test_dropout_of_shares_is_that_of_the_whole_bit_for_bit(dtype, workers):
    inputs = np.random.default_rng(0).normal(size=(7, 3, 5)).astype(np.float32)
    expected = keras.layers.Dropout(0.3, seed=4, dtype=dtype)(inputs, training=True).numpy()
    assert 0 < (expected == 0).mean() < 1
    np.testing.assert_array_equal(Dropout(0.3, seed=4, dtype=dtype)(inputs, training=True).numpy(), expected)
    for worker in range(workers):
        layer = Dropout(0.3, seed=4, dtype=dtype)
        with spread(7, worker, workers):
            share = layer(inputs[worker::workers], training=True).numpy()
        np.testing.assert_array_equal(share, expected[worker::workers])
        np.testing.assert_array_equal(layer(inputs).numpy(), tf.cast(inputs, layer.compute_dtype).numpy())


def test_the_function_draws_as_the_layer_does():
    inputs = tf.ones((4, 6))
    layer = keras.layers.Dropout(0.5, seed=9)
    with spread(8, 4, 1):
        share = dropout(inputs, 0.5, keras.random.SeedGenerator(9))
    np.testing.assert_array_equal(share, layer(tf.ones((8, 6)), training=True)[4:])
