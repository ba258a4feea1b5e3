"""Random numbers of a batch whose rows are spread over replicas: each row has those that it has in one process."""

import contextlib
import contextvars
from collections.abc import Iterator

import keras
import tensorflow as tf
from keras import ops

# (rows of the whole batch, first row of this replica, step from one of its rows to the next)
_SPREAD: contextvars.ContextVar[tuple | None] = contextvars.ContextVar("spread", default=None)
_PER_COUNT = 4  # numbers that Philox makes of one value of its counter


@contextlib.contextmanager
def spread(rows, first, step) -> Iterator[None]:
    """Within the context, a batch is the rows first, first + step, … of a batch of `rows`; ints or int32 tensors."""
    token = _SPREAD.set((rows, first, step))
    try:
        yield
    finally:
        _SPREAD.reset(token)


def uniform(like, seed: keras.random.SeedGenerator, dtype: str = "float32"):
    """`keras.random.uniform` of the shape of a tensor [batch, ...]; where a batch is spread, its rows of the whole."""
    place = _SPREAD.get()
    if place is None:
        return keras.random.uniform(ops.shape(like), dtype=dtype, seed=seed)
    pair = tf.cast(seed.next(), tf.int32)
    rows, first, step = place
    if like.shape[-1] % _PER_COUNT == 0:
        return _rows(tf.shape(like), pair, dtype, first, step)
    shape = tf.concat([[rows], tf.shape(like)[1:]], axis=0)
    return tf.random.stateless_uniform(shape, pair, dtype=dtype)[first::step]


def _rows(shape: tf.Tensor, pair: tf.Tensor, dtype: str, first, step):
    """The rows of `tf.random.stateless_uniform`, each drawn from where the generator's counter is at its start.

    A worker thus draws its share alone, so that the time for it falls with the number of workers.
    """
    key, counter = tf.raw_ops.StatelessRandomGetKeyCounter(seed=pair)
    algorithm = tf.raw_ops.StatelessRandomGetAlg()
    numbers = tf.cast(first + step * tf.range(shape[0]), tf.uint64)
    counts = numbers * tf.cast(tf.reduce_prod(shape[1:]) // _PER_COUNT, tf.uint64)

    def row(count: tf.Tensor) -> tf.Tensor:
        there = counter + tf.stack([count, tf.zeros_like(count)])
        return tf.raw_ops.StatelessRandomUniformV2(shape=shape[1:], key=key, counter=there, alg=algorithm, dtype=dtype)

    return tf.map_fn(row, counts, fn_output_signature=dtype)


@keras.saving.register_keras_serializable("pianoroll_tf")
class Dropout(keras.layers.Dropout):
    """`keras.layers.Dropout` that drops the same units of a row wherever the row is computed."""

    def call(self, inputs, training=False):
        """Inputs [batch, ...] → the same shape."""
        return dropout(inputs, self.rate, self.seed_generator) if training and self.rate else inputs


def dropout(inputs, rate: float, seed: keras.random.SeedGenerator):
    """`keras.random.dropout` of inputs [batch, ...], likewise."""
    if _SPREAD.get() is None:
        return keras.random.dropout(inputs, rate, seed=seed)
    kept = uniform(inputs, seed, inputs.dtype) >= tf.cast(rate, inputs.dtype)
    return tf.where(kept, inputs * tf.cast(1 / (1 - rate), inputs.dtype), tf.zeros([], inputs.dtype))
