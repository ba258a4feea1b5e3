"""Marginal probabilities of the next step, and the log-likelihood of each step of given music."""

import tensorflow as tf

from pianoroll_tf.generation.sampling_loop import Network
from pianoroll_tf.modeling.heads import Head, decision_targets
from pianoroll_tf.modeling.nade import plain_thresholds

SAMPLES = 16  # per step, over which the conditionals are averaged
SEED = (20_26, 11)  # of the samples, so that the result is deterministic


def marginals(head: Head, network: Network, hidden: tf.Tensor, before: tf.Tensor) -> tf.Tensor:
    """Marginal probability that each pitch sounds, float32 [batch, time, pitches].

    An autoregressive head gives conditional probabilities. Their mean over sampled steps estimates the marginal, with
    less variance than the mean of the sampled cells (Rao-Blackwell). With independent decisions it is exact.
    The head decides each step from `hidden` [batch, time, features] and the cells of the step before it.
    """
    shape, pitches = tf.shape(before), head.pitches
    rows, cells_before = tf.reshape(hidden, [-1, hidden.shape[-1]]), tf.reshape(before, [-1, pitches])
    held, draw = cells_before != 0, head.drawer(network.posterior)

    def add(number, sounds):
        size = [tf.shape(rows)[0], head.decisions]
        numbers = tf.random.stateless_uniform(size, [SEED[0], SEED[1] + number], alg="philox")
        cells, _ = draw(rows, held, plain_thresholds(numbers, pitches))
        logits = head(rows[:, tf.newaxis], cells_before[:, tf.newaxis], cells[:, tf.newaxis])[:, 0]
        return number + 1, sounds + tf.sigmoid(network.posterior(logits[:, :pitches]))

    begin = (0, tf.zeros([tf.shape(rows)[0], pitches]))
    _, sounds = tf.while_loop(lambda number, _: number < SAMPLES, add, begin, parallel_iterations=1)
    return tf.reshape(sounds / SAMPLES, shape)


def log_likelihood(head: Head, network: Network, hidden: tf.Tensor, cells: tf.Tensor) -> dict[str, tf.Tensor]:
    """Log-likelihood in nats of the cells and strikes of each step, given all previous steps, and of an end after it.

    The head decides each step from `hidden` [batch, time, features]; the results are float32 [batch, time].
    """
    before = tf.pad(cells, [[0, 0], [1, 0], [0, 0]])[:, :-1]
    logits = network.posterior(head(hidden, before, cells))
    targets = decision_targets(before, cells, tf.ones(tf.shape(cells)[:2]), head.articulation)
    losses = tf.nn.sigmoid_cross_entropy_with_logits(targets, logits)
    nats = -tf.where(targets < 0, 0.0, losses)
    return {
        "cells": tf.reduce_sum(nats[..., : head.pitches], axis=-1),
        "strikes": tf.reduce_sum(nats[..., head.pitches : -1], axis=-1),
        "ends": nats[..., -1],
    }
