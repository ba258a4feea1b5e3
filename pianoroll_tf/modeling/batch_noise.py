"""Random numbers of a batch whose rows are spread over replicas: each row has those that it has in one process."""

import contextlib
import contextvars
from collections.abc import Callable, Iterator

import keras
import tensorflow as tf

# (rows of the whole batch, first row of this replica, step from one of its rows to the next)
_SPREAD: contextvars.ContextVar[tuple | None] = contextvars.ContextVar("spread", default=None)


@contextlib.contextmanager
def spread(rows, first, step) -> Iterator[None]:
    """Within the context, a batch is the rows first, first + step, … of a batch of `rows`; ints or int32 tensors."""
    token = _SPREAD.set((rows, first, step))
    try:
        yield
    finally:
        _SPREAD.reset(token)


def draw_rows(draw: Callable, shape):
    """`draw(shape)`, whose first dimension is the batch; of a batch that is spread, the rows of the whole draw.

    So every replica draws the numbers of all rows. Their share of a step's time is small, and the weights are those of
    one process, whatever the number of replicas.
    """
    place = _SPREAD.get()
    if place is None:
        return draw(shape)
    rows, first, step = place
    whole = draw(tf.concat([[rows], tf.convert_to_tensor(shape)[1:]], axis=0))
    return whole[first::step]


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

    def ones_dropped(shape):
        return keras.random.dropout(tf.ones(shape, inputs.dtype), rate, seed=seed)  # 0 or 1 / (1 - rate)

    return inputs * draw_rows(ones_dropped, tf.shape(inputs))
