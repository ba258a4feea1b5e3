"""Temperature and top-p: log-odds that are sharpened, flattened or dropped and keep the expected number of notes.

With 84 independent decisions a step, of which few are positive, dividing the log-odds by a
temperature T > 1 adds notes: 0.02 becomes 0.07 at T = 1.5, and two notes a step become six. So the
division is followed by a shift b, the same for all pitches of a step, with which the expected
number of notes is again what it was:

    sum_p sigmoid(l_p / T + b) = sum_p sigmoid(l_p),   p over the kept pitches

The left side rises with b, so there is one solution.
"""

import tensorflow as tf

TOLERANCE = 1e-5  # relative error of the expected number of notes
MAX_ITERATIONS = 60  # bisection alone reaches the tolerance in these
FEWEST_NOTES, LARGEST_SHARE = 1e-9, 0.98  # bounds of the expected number of notes a step: notes, share of pitches


def shape_logits(logits: tf.Tensor, temperature: tf.Tensor, top_p: tf.Tensor) -> tf.Tensor:
    """Log-odds of the decisions to draw; each row is shaped by itself.

    Args:
        logits: Log-odds of the posterior, float32 [batch, pitches].
        temperature: float32 [batch], > 0.
        top_p: float32 [batch] in (0, 1]: the pitches that are kept are the likeliest ones whose share
            of the expected notes reaches top_p, and as many more as are needed to hold the expected
            number of notes. The others are silent.

    Returns:
        float32 [batch, pitches]; `logits` unchanged in the rows whose two settings are 1. In the others
        the expected number of notes is that of `logits`, held within 1e-9 and 98 % of the pitches.

    Example:
        >>> import tensorflow as tf
        >>> flat = shape_logits(tf.constant([[2.0, -2.0]]), tf.constant([1e6]), tf.ones([1]))
        >>> tf.sigmoid(flat).numpy().round(3).tolist()
        [[0.5, 0.5]]
    """
    plain = (temperature == 1) & (top_p == 1)

    def shaped() -> tf.Tensor:
        expected = tf.reduce_sum(tf.sigmoid(logits), axis=-1)
        most = LARGEST_SHARE * tf.cast(tf.shape(logits)[-1], logits.dtype)
        notes = tf.clip_by_value(expected, FEWEST_NOTES, most)
        keep = keep_likeliest(logits, top_p, notes)
        hot = shift_to(logits / temperature[:, tf.newaxis], keep, notes)
        return tf.where(plain[:, tf.newaxis], logits, hot)

    return tf.cond(tf.reduce_all(plain), lambda: logits, shaped)


def keep_likeliest(logits: tf.Tensor, top_p: tf.Tensor, notes: tf.Tensor) -> tf.Tensor:
    """Which pitches stay: bool [batch, pitches].

    The likeliest ones whose share of the expected notes reaches `top_p` [batch], and in any case more
    than `notes` [batch] of them, so that so many notes can be had.
    """
    ordered = tf.sort(logits, axis=-1, direction="DESCENDING")
    probability = tf.sigmoid(ordered)
    before = tf.cumsum(probability, axis=-1, exclusive=True)
    enough = top_p * tf.reduce_sum(probability, axis=-1)
    rank = tf.range(tf.shape(logits)[-1], dtype=logits.dtype)
    kept = (before < enough[:, tf.newaxis]) | (rank <= notes[:, tf.newaxis]) | (top_p == 1)[:, tf.newaxis]
    last = tf.reduce_sum(tf.cast(kept, tf.int32), axis=-1) - 1
    return logits >= tf.gather(ordered, last[:, tf.newaxis], batch_dims=1)


def shift_to(logits: tf.Tensor, keep: tf.Tensor, notes: tf.Tensor) -> tf.Tensor:
    """`logits` + b where `keep`, -inf elsewhere, with b such that `notes` [batch] are expected.

    Newton's method on the logarithm of the expected number, which is nearly straight where notes are
    rare; a step that leaves the bracket of the solution is replaced by bisection. A row that has
    converged is left alone, so that it does not depend on its neighbours in the batch.
    """
    kept = tf.reduce_sum(tf.cast(keep, logits.dtype), axis=-1)
    level = tf.math.log(notes) - tf.math.log(kept - notes)  # all kept pitches at this log-odds expect `notes`
    largest = tf.reduce_max(tf.where(keep, logits, logits.dtype.min), axis=-1)
    smallest = tf.reduce_min(tf.where(keep, logits, logits.dtype.max), axis=-1)
    silent = tf.fill(tf.shape(logits), tf.constant(float("-inf"), logits.dtype))

    def improve(shift, low, high, _):
        probability = tf.sigmoid(tf.where(keep, logits + shift[:, tf.newaxis], silent))
        expected = tf.reduce_sum(probability, axis=-1)
        slope = tf.reduce_sum(probability * (1 - probability), axis=-1)
        low, high = tf.where(expected < notes, shift, low), tf.where(expected < notes, high, shift)
        newton = shift + tf.math.log(notes / expected) * expected / slope
        inside = (newton > low) & (newton < high)  # false for NaN
        better = tf.where(inside, newton, (low + high) / 2)
        open_rows = tf.abs(expected - notes) > TOLERANCE * notes
        return tf.where(open_rows, better, shift), low, high, open_rows

    low, high = level - largest, level - smallest
    start = tf.clip_by_value(tf.zeros_like(low), low, high)
    shift, *_ = tf.while_loop(
        lambda shift, low, high, open_rows: tf.reduce_any(open_rows),
        improve,
        (start, low, high, tf.ones_like(low, tf.bool)),
        maximum_iterations=MAX_ITERATIONS,
        parallel_iterations=1,
    )
    return tf.where(keep, logits + shift[:, tf.newaxis], silent)
