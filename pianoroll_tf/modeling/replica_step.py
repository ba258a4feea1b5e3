"""One step of a training on the devices of several workers: each its rows of the batch, one sum of all gradients."""

import contextlib
from collections.abc import Callable, Sequence

import keras
import numpy as np
import tensorflow as tf

from pianoroll_tf.modeling.batch_noise import spread

Batch = tuple[dict[str, tf.Tensor], tf.Tensor, tf.Tensor]  # of `training.fit_batch`


def flat(tensors: Sequence[tf.Tensor]) -> tf.Tensor:
    """All elements in one vector, float32: one message instead of many, whose latencies would add up."""
    return tf.concat([tf.reshape(tf.cast(tensor, tf.float32), [-1]) for tensor in tensors], axis=0)


def unflat(vector: tf.Tensor, shapes: Sequence[Sequence[int]]) -> list[tf.Tensor]:
    """The tensors of these shapes whose elements `flat` put into a vector.

    >>> [part.numpy().tolist() for part in unflat(tf.constant([1.0, 2.0, 3.0]), [(2, 1), ()])]
    [[[1.0], [2.0]], 3.0]
    """
    parts = tf.split(vector, [int(np.prod(shape)) for shape in shapes])
    return [tf.reshape(part, shape) for part, shape in zip(parts, shapes, strict=True)]


def all_reduced_bytes(model: keras.Model) -> int:
    """Bytes of the vector that the replicas sum up in each step: gradients, the loss, the wish to stop."""
    return 4 * (sum(int(np.prod(weight.shape)) for weight in model.trainable_variables) + 2)


def make_step(
    model: keras.Model, strategy: tf.distribute.Strategy, workers: int, batch_size: int
) -> Callable[[Batch, bool], tuple[float, bool]]:
    """The function that makes one step of all workers.

    Worker w has the rows w::n of a batch, and its replica l of L the rows l::L of these. The gradient is that of the
    mean over the whole batch, also where the shares have different numbers of rows; it is clipped after it is summed.

    Args:
        model: Compiled, its variables and optimizer created in the strategy's scope.
        strategy: Strategy whose replicas share a batch.
        workers: Number of workers n.
        batch_size: Rows of the whole batch.

    Returns:
        A function (rows of this worker, whether it wants to stop) → (loss of the whole batch before the step, whether
        any worker wants to stop), to be called by all workers.
    """
    weights, optimizer = model.trainable_variables, model.optimizer
    shapes = [tuple(weight.shape) for weight in weights]
    local = strategy.num_replicas_in_sync // workers
    optimizer._all_reduce_sum_gradients = list  # they are sums already, clipped as such

    def replica_step(batch: Batch, stop: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        inputs, targets, step_weights = batch
        replica = tf.distribute.get_replica_context().replica_id_in_sync_group
        first = replica // local + workers * (replica % local)
        several = strategy.num_replicas_in_sync > 1
        place = spread(batch_size, first, strategy.num_replicas_in_sync) if several else contextlib.nullcontext()
        with place, tf.GradientTape() as tape:
            logits = model(inputs, training=True)
            loss = model.compute_loss(inputs, targets, logits, sample_weight=step_weights, training=True)
            # Keras has divided the mean over these rows by the number of replicas, as if all had as many
            loss *= tf.cast(tf.shape(step_weights)[0], loss.dtype) * (strategy.num_replicas_in_sync / batch_size)
        values = [weight.value for weight in weights]
        gradients = tape.gradient(loss, values, unconnected_gradients=tf.UnconnectedGradients.ZERO)
        context = tf.distribute.get_replica_context()
        summed = context.all_reduce(tf.distribute.ReduceOp.SUM, flat([*gradients, loss, stop]))
        *gradients, loss, stop = unflat(summed, [*shapes, (), ()])
        optimizer.apply(gradients, weights)
        return loss, stop

    @tf.function(reduce_retracing=True)
    def step(batch: Batch, stop: tf.Tensor):
        return strategy.run(replica_step, args=(batch, stop))

    def rows_of_replicas(batch: Batch):
        if local == 1:
            return batch
        return strategy.experimental_distribute_values_from_function(
            lambda context: tf.nest.map_structure(
                lambda rows: rows[context.replica_id_in_sync_group % local :: local], batch
            )
        )

    def call(batch: Batch, stop: bool) -> tuple[float, bool]:
        results = step(rows_of_replicas(batch), tf.constant(float(stop)))
        loss, stops = (strategy.experimental_local_results(result)[0] for result in results)
        return float(loss), float(stops) > 0

    return call
