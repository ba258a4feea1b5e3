"""Tests of pianoroll_tf.generation.likelihood: a head whose marginals and likelihoods can be written down."""

import numpy as np
import pytest
import tensorflow as tf

from pianoroll_tf.generation.likelihood import log_likelihood, marginals
from pianoroll_tf.generation.sampling_loop import Network
from pianoroll_tf.modeling.heads import decision_count, make_head


def parts(kind="nade", link=0.0):
    """A head and a network around it; with `link` pitch 0 adds so much to the log-odds of pitch 1."""
    bias = np.full(decision_count(84, True), -30.0)
    bias[[0, 1]], bias[84], bias[-1] = [0.0, -1.0], 1.0, -2.0
    head = make_head(kind, 84, True, bias, units=3, seed=0)
    cells = tf.zeros([1, 1, 84], tf.uint8)
    head(tf.zeros([1, 1, 5]), cells, cells)
    head.kernel.assign(tf.zeros_like(head.kernel))
    if link:
        head.triangle.assign(np.pad([[0.0, link], [0.0, 0.0]], [[0, 82], [0, 82]]))
    return head, Network(None, None, lambda logits: logits, None, head.decisions, None)


def sigmoid(value):
    return 1 / (1 + np.exp(-value))


@pytest.mark.parametrize("kind", ["independent", "nade"])
def test_independent_decisions_are_their_own_marginals(kind):
    head, network = parts(kind)
    found = marginals(head, network, tf.zeros([2, 3, 5]), tf.zeros([2, 3, 84], tf.uint8)).numpy()
    assert found.shape == (2, 3, 84)
    np.testing.assert_allclose(found[..., :2], np.broadcast_to(sigmoid(np.array([0.0, -1.0])), (2, 3, 2)), rtol=1e-5)


def test_a_marginal_is_the_mean_over_what_lies_below():
    head, network = parts(link=3.0)
    found = marginals(head, network, tf.zeros([300, 1, 5]), tf.zeros([300, 1, 84], tf.uint8)).numpy()
    expected = 0.5 * sigmoid(-1.0) + 0.5 * sigmoid(2.0)
    assert found[:, 0, 1].mean() == pytest.approx(expected, abs=0.02)
    assert found[:, 0, 1].std() < 0.15  # of 16 samples each: 0.61 / 2 / 4


def test_the_likelihood_of_a_step_by_hand():
    head, network = parts(link=3.0)
    cells = np.zeros((1, 2, 84), np.uint8)
    cells[0, :, 0], cells[0, 1, 1] = [2, 1], 2  # C; then C held on and C sharp struck
    found = {
        name: values.numpy()[0] for name, values in log_likelihood(head, network, tf.zeros([1, 2, 5]), cells).items()
    }
    first = np.log(sigmoid(0.0)) + np.log(1 - sigmoid(2.0))
    second = np.log(sigmoid(0.0)) + np.log(sigmoid(2.0))
    np.testing.assert_allclose(found["cells"], [first, second], rtol=1e-5)
    np.testing.assert_allclose(found["strikes"], [0.0, np.log(1 - sigmoid(1.0))], rtol=1e-5)
    np.testing.assert_allclose(found["ends"], [np.log(sigmoid(-2.0))] * 2, rtol=1e-5)
