"""The teacher-forced log-odds of the nade head for GPUs: static shapes, and neither gathers nor scatters.

`nade.teacher_forced_logits` computes as many rows as there are notes, which pays on a CPU. On a GPU the number of these
rows would have to be read back in each step, and the deterministic mode, in which runs are trained, computes a scatter
on the CPU. Here `a` is computed for every pitch, by a cumulative sum.
"""

import tensorflow as tf

from pianoroll_tf.modeling.nade import Weights, start, strict


def dense_logits(weights: Weights, hidden: tf.Tensor, before: tf.Tensor, targets: tf.Tensor) -> tf.Tensor:
    """All log-odds of steps whose cells are known: arguments and values of `nade.teacher_forced_logits`.

    Its tensors are float32 [rows, P, units]: 176 MB each for 64 windows of 128 steps, 84 pitches and 64 units, of which
    about three exist at a time.
    """
    base, direct = start(weights, hidden)
    note = tf.cast(targets != 0, tf.float32)
    planes, tables = [note, note * tf.cast(before != 0, tf.float32)], [weights.below, weights.held]
    if weights.struck is not None:
        planes.append(tf.cast(targets == 2, tf.float32))
        tables.append(weights.struck)
    added = tf.einsum("rpk,kpu->rpu", tf.stack(planes, axis=-1), tf.stack(tables))
    state = tf.concat([base[:, tf.newaxis], added], axis=1)
    a = tf.tanh(tf.cumsum(state, axis=1))  # [rows, P + 1, units]: before each pitch, and after the last
    pitches, out = weights.pitches, weights.out
    sounds = tf.einsum("rpu,up->rp", a[:, :-1], out[:, :pitches]) + tf.matmul(note, strict(weights.triangle))
    parts = [sounds, tf.matmul(a[:, -1], out[:, -1:])]
    if weights.struck is not None:
        parts.insert(1, note * tf.einsum("rpu,up->rp", a[:, :-1], out[:, pitches:-1]))
    return direct + tf.concat(parts, axis=1)
