"""Tests of pianoroll_tf.modeling.batch_noise: the rows of a batch have the same random numbers wherever they are."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from pianoroll_tf.modeling.batch_noise import Dropout, dropout, spread, uniform


@pytest.mark.parametrize("shape", [(7, 3, 4), (7, 3, 5), (7, 128, 84)])  # of 5, not a multiple of 4, the whole is drawn
@pytest.mark.parametrize("workers", [1, 2, 3])
def test_a_share_has_the_rows_of_the_whole_draw(shape, workers):
    inputs = np.zeros(shape, np.uint8)
    expected = [keras.random.uniform(shape, seed=seed) for seed in [keras.random.SeedGenerator(3)] for _ in range(2)]
    for worker in range(workers):
        seed = keras.random.SeedGenerator(3)
        for draw in expected:  # the second one differs from the first
            with spread(7, worker, workers):
                share = uniform(tf.constant(inputs[worker::workers]), seed)
            np.testing.assert_array_equal(share, draw[worker::workers])
    assert not np.array_equal(*expected)
    np.testing.assert_array_equal(uniform(tf.constant(inputs), keras.random.SeedGenerator(3)), expected[0])


def test_first_row_and_shape_may_be_known_only_to_the_graph():
    expected = keras.random.uniform((5, 2, 4), seed=keras.random.SeedGenerator(3))

    @tf.function(input_signature=[tf.TensorSpec([None, 2, 4]), tf.TensorSpec([], tf.int32)])
    def share(like, first):
        with spread(5, first, 2):
            return uniform(like, seed)

    for first in (0, 1):
        seed = keras.random.SeedGenerator(3)
        share = tf.function(share.python_function, input_signature=share.input_signature)
        np.testing.assert_array_equal(share(tf.zeros([3 - first, 2, 4]), first), expected[first::2])


@pytest.mark.parametrize("dtype", ["float32", "mixed_bfloat16"])
@pytest.mark.parametrize("width", [4, 5])
@pytest.mark.parametrize("rate", [0.1, 0.3])
def test_dropout_of_shares_is_that_of_the_whole_bit_for_bit(dtype, width, rate):
    inputs = np.random.default_rng(0).normal(size=(7, 3, width)).astype(np.float32)
    expected = keras.layers.Dropout(rate, seed=4, dtype=dtype)(inputs, training=True).numpy()
    assert 0 < (expected == 0).mean() < 1
    np.testing.assert_array_equal(Dropout(rate, seed=4, dtype=dtype)(inputs, training=True).numpy(), expected)
    for worker in range(3):
        layer = Dropout(rate, seed=4, dtype=dtype)
        with spread(7, worker, 3):
            share = layer(inputs[worker::3], training=True).numpy()
        np.testing.assert_array_equal(share, expected[worker::3])
        np.testing.assert_array_equal(layer(inputs).numpy(), tf.cast(inputs, layer.compute_dtype).numpy())


def test_the_function_drops_as_the_layer_does():
    layer = keras.layers.Dropout(0.5, seed=9)
    with spread(8, 4, 1):
        share = dropout(tf.ones((4, 6)), 0.5, keras.random.SeedGenerator(9))
    np.testing.assert_array_equal(share, layer(tf.ones((8, 6)), training=True)[4:])
