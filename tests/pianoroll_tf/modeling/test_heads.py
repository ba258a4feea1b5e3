"""Tests of pianoroll_tf.modeling.heads: the table, and what the decisions of a step are."""

import numpy as np
import pytest
import tensorflow as tf

from pianoroll_tf.modeling.heads import HEADS, decision_count, decision_targets, make_head
from pianoroll_tf.modeling.nade import plain_thresholds


def head_of(kind: str, articulation: bool = True):
    bias = np.linspace(-3, 0, decision_count(84, articulation))
    head = make_head(kind, 84, articulation, bias, units=4, seed=3)
    cells = tf.zeros([1, 1, 84], tf.uint8)
    head(tf.zeros([1, 1, 6]), cells, cells)
    return head, bias


def test_an_unknown_head_is_refused():
    with pytest.raises(ValueError, match="head must be one of independent, nade"):
        make_head("softmax", 84, True, np.zeros(169), 4, 0)


def test_what_was_to_be_decided():
    before, cells = np.array([[0, 1, 2, 0, 1]]), np.array([[2, 1, 2, 0, 0]])
    found = decision_targets(tf.constant(before), tf.constant(cells), tf.constant([1]), articulation=True).numpy()[0]
    assert found[:5].tolist() == [1, 1, 1, 0, 0]
    assert found[5:10].tolist() == [-1, 0, 1, -1, -1]  # struck: only where it sounds and sounded before
    assert found[10] == 1
    plain = decision_targets(tf.constant(before), tf.constant(cells), tf.constant([0]), articulation=False)
    assert plain.numpy().tolist() == [[1, 1, 1, 0, 0, 0]]


@pytest.mark.parametrize("articulation", [True, False])
@pytest.mark.parametrize("kind", HEADS)
def test_every_head_starts_at_the_bias_whatever_the_cells(kind, articulation):
    head, bias = head_of(kind, articulation)
    cells = np.random.default_rng(0).integers(0, 3, (2, 5, 84)).astype(np.uint8)
    logits = head(tf.zeros([2, 5, 6]), cells, cells)
    assert logits.dtype == tf.float32
    sounding = np.concatenate([np.ones(84), *([(cells[0, 0] != 0)] if articulation else []), [1]]).astype(bool)
    np.testing.assert_allclose(logits[0, 0].numpy()[sounding], bias[sounding], rtol=1e-6)


@pytest.mark.parametrize("articulation", [True, False])
@pytest.mark.parametrize("kind", HEADS)
def test_every_head_draws_from_the_log_odds_that_it_is_trained_on(kind, articulation):
    head, _ = head_of(kind, articulation)
    rng = np.random.default_rng(1)
    for weight in head.weights:
        weight.assign(weight + rng.normal(size=weight.shape) * 0.3)
    hidden = rng.normal(size=(50, 6)).astype(np.float32)
    before = rng.integers(0, 3, (50, 84)).astype(np.uint8) * (rng.random((50, 84)) < 0.2)
    numbers = rng.random((50, head.decisions)).astype(np.float32)
    held, thresholds = tf.constant(before != 0), plain_thresholds(numbers, 84)
    cells, ends = head.drawer(lambda logits: logits, False)(tf.constant(hidden), held, thresholds)
    probability = tf.sigmoid(head(hidden[:, None], before[:, None], cells[:, None]))[:, 0].numpy()
    np.testing.assert_array_equal(cells.numpy() != 0, numbers[:, :84] < probability[:, :84])
    np.testing.assert_array_equal(ends, numbers[:, -1] < probability[:, -1])
    again = numbers[:, 84:-1] < probability[:, 84:-1] if articulation else False
    np.testing.assert_array_equal(cells.numpy() == 2, (cells.numpy() != 0) & ((before == 0) | again))


@pytest.mark.parametrize("kind", HEADS)
def test_a_seed_gives_the_same_weights(kind):
    one, two = (head_of(kind)[0] for _ in range(2))
    for ours, theirs in zip(one.get_weights(), two.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
