"""Addons' side of the parity check: inputs.npz → addons.npz, in a process without this package.

TensorFlow Addons supports only Keras 2. With Keras 3 installed, it needs tf-keras, TF_USE_LEGACY_KERAS=1 and the name
`keras` bound to `tf_keras`; both change the whole process, so nothing else may run in it.

Usage: python parity_addons.py INPUTS.npz OUTPUTS.npz
"""

import os
import sys
import warnings

os.environ["TF_USE_LEGACY_KERAS"] = "1"
warnings.filterwarnings("ignore", message="\\s*TensorFlow Addons")  # announces the end of the project

import numpy as np  # noqa: E402 (the lines above must come first, here and below)
import tensorflow as tf  # noqa: E402
import tf_keras  # noqa: E402
from parity_cases import compute  # noqa: E402

sys.modules["keras"] = tf_keras
import tensorflow_addons as tfa  # noqa: E402

tf.get_logger().setLevel("ERROR")  # retracing for each setting is expected


def focal(targets: np.ndarray, logits: np.ndarray, gamma: float, alpha: float) -> tuple[np.ndarray, np.ndarray]:
    """Loss of each row (Addons sums over the last axis) and gradient of the sum of all."""
    loss = tfa.losses.SigmoidFocalCrossEntropy(
        from_logits=True, alpha=alpha, gamma=gamma, reduction=tf_keras.losses.Reduction.NONE
    )
    logits = tf.constant(logits)
    with tf.GradientTape() as tape:
        tape.watch(logits)
        rows = loss(tf.constant(targets), logits)
    return rows.numpy(), tape.gradient(rows, logits).numpy()


def adamw(start: np.ndarray, gradients: np.ndarray, learning_rate: float, weight_decay: float) -> np.ndarray:
    """The weights after each step. Addons does not multiply `weight_decay` by the learning rate."""
    optimizer = tfa.optimizers.AdamW(weight_decay=learning_rate * weight_decay, learning_rate=learning_rate)
    weights, after = tf.Variable(start), []
    for gradient in gradients:
        optimizer.apply_gradients([(tf.constant(gradient), weights)])
        after.append(weights.numpy())
    return np.stack(after)


def f1(targets: np.ndarray, logits: np.ndarray, threshold: float) -> np.ndarray:
    """F1 over all cells together, float32 []."""
    metric = tfa.metrics.F1Score(num_classes=targets.shape[-1], average="micro", threshold=threshold)
    metric.update_state(targets, tf.sigmoid(logits))
    return metric.result().numpy()


if __name__ == "__main__":
    np.savez(sys.argv[2], **compute(np.load(sys.argv[1]), focal, adamw, f1))
