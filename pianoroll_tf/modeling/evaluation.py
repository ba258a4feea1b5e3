"""One pass over a split, every step once, with the state carried: the metrics of a model or a baseline."""

from collections.abc import Callable, Iterable
from typing import Any

import keras
import tensorflow as tf

from pianoroll_tf.config import LossConfig
from pianoroll_tf.modeling.heads import decision_targets
from pianoroll_tf.modeling.losses import posterior_logits
from pianoroll_tf.modeling.metrics import Statistics, batch_statistics, other_decisions
from pianoroll_tf.modeling.network import advance, head_of, initial_state

# (batch of `data.pipeline.evaluation_dataset`, state) → (log-odds of the posterior of all decisions [batch,
# time, decisions], or of "sounds?" alone [batch, time, pitches]; state)
Predictor = Callable[[dict[str, tf.Tensor], tuple], tuple[tf.Tensor, tuple]]


class Evaluator:
    """Runs a predictor over splits. Create it once and use it every epoch: its graph is traced once.

    Args:
        predict: A `Predictor`.
        initial: Batch size → state before the first step of a piece, nested tensors [batch, ...].
        measure: (logits, inputs, targets, mask) of the decisions "sounds?" → sums of one batch, like
            `batch_statistics`; those of `metrics.other_decisions` are added.
        sums: Creates the total, to which the sums of each batch are added by its method `add`.
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

    def _batch(self, batch, state, fresh):
        """Statistics of one batch and the state after it; lanes with `reset` start from `fresh`."""

        def reset(old: tf.Tensor, new: tf.Tensor) -> tf.Tensor:
            shape = tf.concat([tf.shape(batch["reset"]), tf.ones([tf.rank(new) - 1], tf.int32)], axis=0)
            return tf.where(tf.reshape(batch["reset"], shape), new, old)

        state = tf.nest.map_structure(reset, state, fresh)
        logits, state = self._predict(batch, state)
        before, cells, mask = batch["inputs"], batch["targets"], batch["mask"]
        pitches = cells.shape[-1]
        sounds = (tf.cast(part != 0, tf.float32) for part in (before, cells))
        sums = self._measure(logits[..., :pitches], *sounds, mask)
        if logits.shape[-1] > pitches:
            targets = decision_targets(before, cells, batch["ends"], articulation=logits.shape[-1] > pitches + 1)
            sums = sums | other_decisions(logits, targets, mask, pitches)
        return sums, state

    def statistics(self, dataset: Iterable) -> Any:
        """The sums over a dataset of `data.pipeline.evaluation_dataset`."""
        total, state, fresh = self._sums(), None, None
        for batch in dataset:
            if state is None:
                state = fresh = self._initial(batch["inputs"].shape[0])
            sums, state = self._step(batch, state, fresh)
            total.add(sums)
        return total


def model_evaluator(model: keras.Model, loss: LossConfig, posterior: bool = True, **measured: Callable) -> Evaluator:
    """The evaluator of a network trained with `loss`.

    With the nade head, all metrics but the NLL are those of conditionals: the probability of a cell depends on the
    lower cells of the same step, so they cannot be compared with those of independent outputs. The NLL can.

    Args:
        model: From `network.build_model`; its weights are read at each pass.
        posterior: False evaluates the network's raw output, to show the effect of the correction.
        **measured: `measure` and `sums` of `Evaluator`.
    """
    head = head_of(model)

    def predict(batch, state):
        hidden, state = advance(model, batch["inputs"], batch["clock"], state)
        logits = head(hidden, batch["inputs"], batch["targets"])
        return (posterior_logits(loss, logits) if posterior else logits), state

    return Evaluator(predict, lambda batch: initial_state(model, batch), **measured)
