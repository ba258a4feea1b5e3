"""Tests of pianoroll_tf.modeling.nade: the loop over the pitches gives the same values and gradients."""

import numpy as np
import pytest
import tensorflow as tf
from nade_weights import FEATURES, PITCHES, UNITS, weights_of

from pianoroll_tf.modeling import nade


def same(logits):
    return logits


def drawn(weights, hidden, held, numbers, in_turn, compiled=False):
    def draw():
        draw_step = nade.drawer(weights, same, in_turn)
        return draw_step(tf.constant(hidden), tf.constant(held), nade.plain_thresholds(numbers, PITCHES))

    return tf.function(draw, jit_compile=compiled, autograph=False)()


def steps_of(seed: int, rows: int = 7, share: float = 0.3):
    rng = np.random.default_rng(seed)
    hidden = rng.normal(size=(rows, FEATURES)).astype(np.float32)
    before, cells = ((rng.random((rows, PITCHES)) < share) * rng.integers(1, 3, (rows, PITCHES)) for _ in range(2))
    return hidden, before.astype(np.uint8), cells.astype(np.uint8)


def loop(weights: nade.Weights, hidden, before, cells, articulation: bool = True):
    """The equations, pitch by pitch, in TensorFlow so that gradients can be compared."""
    both = tf.matmul(hidden, weights.hidden) + weights.bias
    a, direct = both[:, :UNITS], both[:, UNITS:]
    sounds, struck = [], []
    for p in range(PITCHES):
        logit = direct[:, p] + tf.reduce_sum(tf.tanh(a) * weights.out[:, p], axis=1)
        for q in range(p):
            logit += tf.cast(cells[:, q] != 0, tf.float32) * weights.triangle[q, p]
        sounds.append(logit)
        if articulation:
            again = direct[:, PITCHES + p] + tf.reduce_sum(tf.tanh(a) * weights.out[:, PITCHES + p], axis=1)
            struck.append(again)
        note = tf.cast(cells[:, p : p + 1] != 0, tf.float32)
        row = weights.below[p] + tf.cast(before[:, p : p + 1] != 0, tf.float32) * weights.held[p]
        if articulation:
            row += tf.cast(cells[:, p : p + 1] == 2, tf.float32) * weights.struck[p]
        a += note * row
    ends = direct[:, -1] + tf.reduce_sum(tf.tanh(a) * weights.out[:, -1], axis=1)
    return tf.stack([*sounds, *struck, ends], axis=1)


@pytest.mark.parametrize("articulation", [True, False])
@pytest.mark.parametrize(("seed", "share"), [(0, 0.3), (1, 0.0), (2, 1.0), (3, 0.05)])
def test_taught_log_odds_and_gradients_are_those_of_the_loop(articulation, seed, share):
    weights, (hidden, before, cells) = weights_of(seed, articulation), steps_of(seed, share=share)
    variables = [weight for weight in weights if weight is not None]
    # Strikes of silent pitches are not decided, and not computed.
    decided = np.ones((len(cells), weights.out.shape[1]), np.float32)
    if articulation:
        decided[:, PITCHES:-1] = cells != 0
    kinds = np.random.default_rng(9).normal(size=decided.shape).astype(np.float32) * decided
    results = []
    for function in (nade.teacher_forced_logits, lambda *args: loop(*args, articulation)):
        with tf.GradientTape() as tape:
            given = tf.Variable(hidden)
            logits = function(weights, given, tf.constant(before), tf.constant(cells))
            value = tf.reduce_sum(kinds * tf.sigmoid(logits))
        results.append((logits * decided, tape.gradient(value, [given, *variables])))
    (ours, our_gradients), (theirs, their_gradients) = results
    np.testing.assert_allclose(ours, theirs, atol=1e-5)
    for one, other in zip(our_gradients, their_gradients, strict=True):
        zero = tf.zeros(1) if other is None else other
        one = tf.zeros_like(zero) if one is None else one
        np.testing.assert_allclose(tf.convert_to_tensor(one), tf.convert_to_tensor(zero), atol=2e-5)


@pytest.mark.parametrize("articulation", [True, False])
@pytest.mark.parametrize("compiled", [False, True])
def test_both_ways_of_drawing_give_the_same_cells(articulation, compiled):
    weights = weights_of(4, articulation)
    hidden, before, _ = steps_of(4, rows=400)
    numbers = np.random.default_rng(5).random((400, weights.out.shape[1])).astype(np.float32)
    one, other = (drawn(weights, hidden, before != 0, numbers, in_turn, compiled) for in_turn in (True, False))
    np.testing.assert_array_equal(one[0], other[0])
    np.testing.assert_array_equal(one[1], other[1])
    assert 0 < (one[0].numpy() != 0).mean() < 1


@pytest.mark.parametrize("in_turn", [True, False])
def test_what_is_drawn_follows_the_log_odds_it_is_drawn_from(in_turn):
    weights, (hidden, before, _) = weights_of(7), steps_of(7, rows=300)
    numbers = np.random.default_rng(8).random((300, 2 * PITCHES + 1)).astype(np.float32)
    cells, ends = drawn(weights, hidden, before != 0, numbers, in_turn)
    probability = tf.sigmoid(nade.teacher_forced_logits(weights, hidden, before, cells)).numpy()
    sounds = numbers[:, :PITCHES] < probability[:, :PITCHES]
    struck = sounds & ((before == 0) | (numbers[:, PITCHES:-1] < probability[:, PITCHES:-1]))
    np.testing.assert_array_equal(cells, sounds.astype(np.uint8) + struck)
    np.testing.assert_array_equal(ends, numbers[:, -1] < probability[:, -1])


def test_thresholds_are_where_a_number_is_the_probability():
    numbers = tf.constant([[0.0, 0.25, 0.5, 1 - 2**-24, 0.75]])
    found = nade.plain_thresholds(numbers, 2)
    np.testing.assert_allclose(tf.sigmoid(found.sounds), [[0.0, 0.25]])
    np.testing.assert_allclose(tf.sigmoid(found.struck), [[0.5, 1.0]])
    np.testing.assert_allclose(tf.sigmoid(found.ends), [0.75])
    assert np.isfinite(found.struck).all()


def test_steps_are_drawn_as_often_as_their_probability_says():
    weights, (hidden, before, _) = weights_of(10), steps_of(10, rows=1)
    rows = 20_000
    numbers = np.random.default_rng(11).random((rows, 2 * PITCHES + 1)).astype(np.float32)
    many = [np.repeat(values, rows, axis=0) for values in (hidden, before)]
    cells, _ = drawn(weights, many[0], many[1] != 0, numbers, False)
    found, counts = np.unique(cells.numpy(), axis=0, return_counts=True)
    common = np.argsort(-counts)[:5]
    logits = nade.teacher_forced_logits(
        weights, np.repeat(hidden, 5, 0), np.repeat(before, 5, 0), found[common]
    ).numpy()
    sounds, held = found[common] != 0, np.repeat(before, 5, 0) != 0
    log = -np.logaddexp(0, np.where(sounds, -1, 1) * logits[:, :PITCHES])
    again = -np.logaddexp(0, np.where(found[common] == 2, -1, 1) * logits[:, PITCHES:-1])
    expected = rows * np.exp(log.sum(axis=1) + (again * (sounds & held)).sum(axis=1))
    np.testing.assert_allclose(counts[common], expected, atol=5 * np.sqrt(expected).max())
