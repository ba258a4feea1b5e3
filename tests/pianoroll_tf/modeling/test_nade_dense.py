"""Tests of pianoroll_tf.modeling.nade_dense: values and gradients are those of the gathered rows."""

import numpy as np
import pytest
import tensorflow as tf
from nade_weights import FEATURES, PITCHES, weights_of

from pianoroll_tf.modeling import nade
from pianoroll_tf.modeling.nade_dense import dense_logits

ROWS = 7


def cells_of(seed: int, share: float) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return ((rng.random((ROWS, PITCHES)) < share) * rng.integers(1, 3, (ROWS, PITCHES))).astype(np.uint8)


@pytest.mark.parametrize("articulation", [True, False])
@pytest.mark.parametrize("compiled", [True, False])
@pytest.mark.parametrize("share", [0.3, 0.0, 1.0])
def test_values_and_gradients_are_those_of_the_gathered_rows(articulation, compiled, share):
    weights, before, cells = weights_of(1, articulation), cells_of(2, 0.4), cells_of(3, share)
    variables = [weight for weight in weights if weight is not None]
    hidden = np.random.default_rng(4).normal(size=(ROWS, FEATURES)).astype(np.float32)
    signs = np.random.default_rng(5).normal(size=(ROWS, weights.out.shape[1])).astype(np.float32)

    def results(function):
        with tf.GradientTape() as tape:
            given = tf.constant(hidden)
            tape.watch(given)
            logits = function(weights, given, tf.constant(before), tf.constant(cells))
            value = tf.reduce_sum(signs * tf.sigmoid(logits))
        gradients = tape.gradient(value, [given, *variables], unconnected_gradients="zero")
        return [logits, *map(tf.convert_to_tensor, gradients)]

    dense = tf.function(lambda: results(dense_logits), jit_compile=compiled, autograph=False)()
    for ours, theirs in zip(dense, results(nade.teacher_forced_logits), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=2e-5)


def test_nothing_is_gathered_or_scattered_and_all_shapes_are_known():
    weights = weights_of(1)
    variables = [weight for weight in weights if weight is not None]

    @tf.function(autograph=False)
    def step(hidden, before, cells):
        with tf.GradientTape() as tape:
            value = tf.reduce_sum(dense_logits(weights, hidden, before, cells))
        return tape.gradient(value, variables)

    cells = tf.constant(cells_of(1, 0.3))
    graph = step.get_concrete_function(tf.zeros([ROWS, FEATURES]), cells, cells).graph
    kinds = {operation.type for operation in graph.get_operations()}
    assert not {kind for kind in kinds if "Gather" in kind or "Scatter" in kind or "Segment" in kind or kind == "Where"}
    assert all(output.shape.is_fully_defined() for operation in graph.get_operations() for output in operation.outputs)
