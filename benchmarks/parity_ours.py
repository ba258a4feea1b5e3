"""This package's side of the parity check: inputs.npz → ours.npz.

Usage: python parity_ours.py INPUTS.npz OUTPUTS.npz
"""

import sys

import keras
import numpy as np
import tensorflow as tf
from parity_cases import compute

from pianoroll_tf.config import LossConfig, OptimizerConfig
from pianoroll_tf.modeling.losses import make_loss
from pianoroll_tf.modeling.metrics import Statistics, batch_statistics
from pianoroll_tf.modeling.optimizers import make_optimizer


def focal(targets: np.ndarray, logits: np.ndarray, gamma: float, alpha: float) -> tuple[np.ndarray, np.ndarray]:
    """Loss of each row and gradient of the sum of all."""
    loss = make_loss(LossConfig(loss="focal", gamma=gamma, alpha=alpha))
    logits = tf.constant(logits)
    with tf.GradientTape() as tape:
        tape.watch(logits)
        rows = loss.call(tf.constant(targets), logits)
    return rows.numpy(), tape.gradient(rows, logits).numpy()


def adamw(start: np.ndarray, gradients: np.ndarray, learning_rate: float, weight_decay: float) -> np.ndarray:
    """The weights after each step."""
    config = OptimizerConfig(
        optimizer="adamw",
        learning_rate=learning_rate,
        weight_decay=weight_decay,
        clip_norm=0.0,
        schedule="constant",
        warmup_steps=0,
    )
    optimizer = make_optimizer(config, total_steps=len(gradients))
    weights, after = keras.Variable(start, name="kernel"), []
    for gradient in gradients:
        optimizer.apply([tf.constant(gradient)], [weights])
        after.append(weights.numpy())
    return np.stack(after)


def f1(targets: np.ndarray, logits: np.ndarray, threshold: float) -> float:
    """F1 over all cells together."""
    targets, logits = tf.constant(targets)[None], tf.constant(logits)[None]
    sums = Statistics()
    sums.add(batch_statistics(logits, tf.zeros_like(targets), targets, tf.ones(targets.shape[:2])))
    return sums.results(threshold)["f1"]


if __name__ == "__main__":
    np.savez(sys.argv[2], **compute(np.load(sys.argv[1]), focal, adamw, f1))
