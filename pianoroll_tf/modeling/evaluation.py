"""One pass over a split, every step once, with the state carried: the judged numbers of a model or a baseline."""

from collections.abc import Callable, Iterable
from typing import Any

import keras
import tensorflow as tf

from pianoroll_tf.config import LossConfig
from pianoroll_tf.modeling.losses import posterior_logits
from pianoroll_tf.modeling.metrics import Statistics, batch_statistics
from pianoroll_tf.modeling.network import advance, initial_state

# (inputs [batch, time, pitch], state) → (log-odds of the posterior [batch, time, pitch], state)
Predictor = Callable[[tf.Tensor, tuple], tuple[tf.Tensor, tuple]]


class Evaluator:
    """Runs a predictor over splits; make it once and use it every epoch, its graph is traced once.

    Args:
        predict: A `Predictor`.
        initial: Batch → state before the first step of a piece, nested tensors [batch, ...].
        measure: (logits, inputs, targets, mask) → what a batch adds to the sums, as `batch_statistics` does.
        sums: Makes the sums that what `measure` gives is added to, with their method `add`.
    """

    def __init__(
        self,
        predict: Predictor,
        initial: Callable[[int], tuple],
        measure: Callable = batch_statistics,
        sums: Callable = Statistics,
    ) -> None:
        self._predict, self._initial, self._measure, self._sums = predict, initial, measure, sums
        self._step = tf.function(self._batch, reduce_retracing=True)

    def _batch(self, inputs, targets, mask, reset, state, fresh):
        """Statistics of one batch and the state after it; lanes with `reset` begin from `fresh`."""
        state = tf.nest.map_structure(lambda old, new: _where_lane(reset, new, old), state, fresh)
        logits, state = self._predict(inputs, state)
        return self._measure(logits, inputs, targets, mask), state

    def statistics(self, dataset: Iterable) -> Any:
        """The sums over `dataset` as `data.pipeline.evaluation_dataset` makes it: inputs, targets, mask, reset."""
        total, state, fresh = self._sums(), None, None
        for inputs, targets, mask, reset in dataset:
            if state is None:
                state = fresh = self._initial(inputs.shape[0])
            batch, state = self._step(inputs, targets, mask, reset, state, fresh)
            total.add(batch)
        return total


def _where_lane(chosen: tf.Tensor, ours: tf.Tensor, theirs: tf.Tensor) -> tf.Tensor:
    """`ours` in the lanes that are chosen (bool [batch]), `theirs` in the others; [batch, ...] each."""
    shape = tf.concat([tf.shape(chosen), tf.ones([tf.rank(ours) - 1], tf.int32)], axis=0)
    return tf.where(tf.reshape(chosen, shape), ours, theirs)


def model_evaluator(model: keras.Model, loss: LossConfig, posterior: bool = True, **measured: Callable) -> Evaluator:
    """The evaluator of a network trained with `loss`.

    Args:
        model: As `network.build_model` makes it; its weights are read at each pass.
        loss: The loss whose posterior is judged.
        posterior: False judges the network's raw output, to show what the correction does.
        **measured: `measure` and `sums` of `Evaluator`.
    """

    def predict(inputs, state):
        logits, state = advance(model, inputs, state)
        logits = tf.cast(logits, tf.float32)
        return (posterior_logits(loss, logits) if posterior else logits), state

    return Evaluator(predict, lambda batch: initial_state(model, batch), **measured)
