"""A GRU for CPUs: Keras's layer with few operations per step and a hand-written backward pass.

The products of the inputs are computed for all steps at once, before the loop. In the backward pass the loop computes
only what is recurrent; the gradient of each weight is one product over all steps, after the loop. In float32 the two
loops of training are compiled by XLA, if this TensorFlow has it: with few rows and units, much of the time goes by
between the operations of a step. The large products outside the loops are faster without XLA.
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import keras
import tensorflow as tf
from tensorflow.python.eager import context

CHAINS = 2  # parts of a batch with separate loops over time, so that their small products run in parallel
ROWS_PER_CHAIN = 16  # minimum; fewer rows are not worth reading the recurrent kernel for


@keras.saving.register_keras_serializable("pianoroll_tf")
class GRU(keras.layers.GRU):
    """`keras.layers.GRU` with the same weights, names, settings and values, and faster training steps on a CPU.

    On a GPU, with a mask, with dropout inside the layer, and with activations, biases or a direction other than the
    defaults, Keras's implementation is used. Gradients of gradients need `training=False`.

    >>> GRU(4, return_sequences=True)(tf.zeros([2, 3, 5]), training=True).shape
    TensorShape([2, 3, 4])
    """

    def __init__(self, units: int, **kwargs: Any) -> None:
        super().__init__(units, **kwargs)
        self.supports_jit = False  # of the whole model XLA makes a slower one; with `jit_compile=True` it works

    def inner_loop(self, sequences, initial_state, mask, training=False):
        """Keras's hook for an implementation: (last output, outputs, states)."""
        if mask is not None or not self._is_plain(training):
            return super().inner_loop(sequences, initial_state, mask, training=training)
        (state,) = tf.nest.flatten(initial_state)
        weights = (self.cell.kernel, self.cell.recurrent_kernel, self.cell.bias)
        weights = (keras.ops.cast(weight, self.compute_dtype) for weight in weights)
        outputs, last = (trained_gru if training else plain_gru)(sequences, state, *weights)
        return last, outputs, [last]

    def _is_plain(self, training: bool | None) -> bool:
        """Whether the settings are those implemented here, and no GPU kernel is used."""
        dropped = training and (self.dropout or self.recurrent_dropout)
        standard = self.activation is keras.activations.tanh and self.recurrent_activation is keras.activations.sigmoid
        simple = standard and self.use_bias and self.reset_after and not (self.go_backwards or self.unroll or dropped)
        return simple and (self.use_cudnn is False or not tf.config.list_logical_devices("GPU"))


def plain_gru(inputs, state, kernel, recurrent_kernel, bias):
    """A GRU over all steps, differentiable as TensorFlow does it.

    From `[batch, time, features]` and the first state to (outputs `[batch, time, units]`, last state `[batch, units]`).
    The last axis of each weight holds update, reset and candidate; the bias is `[2, 3 * units]`, of the product of the
    inputs and of that of the state.

    Reference:
        Cho et al., Learning Phrase Representations using RNN Encoder-Decoder (2014), version 1 on arXiv, in which the
        reset gate acts after the product.
    """
    parts = [_forward(*chain, kernel, recurrent_kernel, bias, keep=False) for chain in _chains(inputs, state)]
    return _joined([part[:2] for part in parts])


@tf.custom_gradient
def trained_gru(inputs, state, kernel, recurrent_kernel, bias):
    """`plain_gru` with the backward pass of this file: same arguments and, but for rounding, same values."""
    chains = _chains(inputs, state)
    with tf.name_scope("gru_forward"):  # names of the parts in a profile
        parts = [_forward(*chain, kernel, recurrent_kernel, bias, keep=True) for chain in chains]
    outputs, last = _joined([part[:2] for part in parts])

    def gradient(outputs_gradient, last_gradient):
        given = _chains(tf.ensure_shape(outputs_gradient, outputs.shape), tf.ensure_shape(last_gradient, last.shape))
        rows, sums = [], []
        for (part, begin), (steps, _, saved), gradients in zip(chains, parts, given, strict=True):
            with tf.name_scope("gru_backward"):
                of_gates, first = _backward(saved, *gradients, recurrent_kernel)
            with tf.name_scope("gru_gradients"):
                rows.append((_inputs_gradient(of_gates, kernel), first))
                sums.append(_weights_gradient(part, begin, steps, of_gates))
        return _first_order(*_joined(rows), *(tf.add_n(part) for part in zip(*sums, strict=True)))

    return (outputs, last), gradient


@tf.custom_gradient
def _first_order(*gradients):
    """The gradients, marked as not differentiable: their gradient would be wrong."""

    def refuse(*_):
        raise NotImplementedError("gradients of gradients of this GRU must be taken with training=False")

    return gradients, refuse


def _chains(sequences, state):
    """Splits a batch by rows: pairs of sequences, transposed to `[time, rows, features]`, and state `[rows, units]`."""
    batch = sequences.shape[0] or 0  # 0 where it is not known yet
    if batch < CHAINS * ROWS_PER_CHAIN:
        return [(tf.transpose(sequences, [1, 0, 2]), state)]
    sizes = [batch // CHAINS] * (CHAINS - 1) + [-1]
    parts = zip(tf.split(sequences, sizes), tf.split(state, sizes), strict=True)
    return [(tf.transpose(part, [1, 0, 2]), begin) for part, begin in parts]


def _joined(parts):
    """Joins what `_chains` split: `[batch, time, features]` and `[batch, units]`."""
    sequences, states = zip(*parts, strict=True)
    return tf.concat([tf.transpose(part, [1, 0, 2]) for part in sequences], 0), tf.concat(states, 0)


def _forward(inputs, state, kernel, recurrent_kernel, bias, keep: bool):
    """The steps of one chain: states `[time, rows, units]`, the last state, and what `_backward` needs, if `keep`."""
    offsets = _gates(bias[0])
    heard = tuple(_product(inputs, part, offset) for part, offset in zip(_gates(kernel), offsets, strict=True))
    if keep and _is_compiled(state):
        return _compiled(_stacked_steps, heard, state, recurrent_kernel, bias[1])
    return _steps(heard, state, recurrent_kernel, bias[1], keep)


def _steps(heard, state, recurrent_kernel, bias, keep: bool):
    """`_forward` from the products of the inputs on, `[time, rows, units]` each, with what is kept in arrays."""
    steps = tf.shape(heard[0])[0]

    def step(time, state, outputs, saved):
        of_update, of_reset, held = _gates(tf.nn.bias_add(tf.matmul(state, recurrent_kernel), bias))
        update = tf.sigmoid(heard[0][time] + of_update)
        reset = tf.sigmoid(heard[1][time] + of_reset)
        candidate = tf.tanh(heard[2][time] + reset * held)
        change = state - candidate
        state = candidate + update * change
        saved = _written(saved, time, (update, reset, held, candidate, change) if keep else ())
        return time + 1, state, outputs.write(time, state), saved

    saved = tuple(_array(steps, state) for _ in range(5 if keep else 0))
    begin = (0, state, _array(steps, state), saved)
    _, last, outputs, saved = tf.while_loop(lambda time, *_: time < steps, step, begin, parallel_iterations=1)
    return outputs.stack(), last, saved


def _backward(saved, outputs_gradient, last_gradient, recurrent_kernel):
    """The backward steps of one chain, last to first: `_backward_steps` of what `_forward` kept."""
    if isinstance(saved[0], tf.Tensor):
        return _compiled(_stacked_backward_steps, saved, outputs_gradient, last_gradient, recurrent_kernel)
    return _backward_steps(saved, outputs_gradient, last_gradient, recurrent_kernel)


class _Stacked(NamedTuple):
    """A tensor `[time, …]` that is read like an array."""

    tensor: tf.Tensor

    def read(self, time):
        return self.tensor[time]


def _stacked_steps(heard, state, recurrent_kernel, bias):
    """`_steps`, with tensors in place of arrays, which cannot leave what XLA compiles."""
    outputs, last, saved = _steps(heard, state, recurrent_kernel, bias, keep=True)
    return outputs, last, tuple(array.stack() for array in saved)


def _stacked_backward_steps(saved, outputs_gradient, last_gradient, recurrent_kernel):
    """`_backward_steps` of what `_stacked_steps` kept."""
    return _backward_steps([_Stacked(part) for part in saved], outputs_gradient, last_gradient, recurrent_kernel)


def _is_compiled(state: tf.Tensor) -> bool:
    """Whether the loops of training are compiled; with other dtypes than float32 XLA's products are slow."""
    if context.context().op_callbacks:  # as tf.debugging.enable_check_numerics sets them: they look into the loops
        return False
    return state.dtype == tf.float32 and tf.distribute.get_strategy().num_replicas_in_sync == 1 and _has_xla()


@functools.cache
def _has_xla() -> bool:
    """Whether this TensorFlow compiles for CPUs."""
    try:
        with tf.init_scope(), tf.device("CPU"):
            tf.function(tf.negative, jit_compile=True, autograph=False)(tf.zeros([]))
    except tf.errors.OpError:
        return False
    return True


def _compiled(function: Callable, *arguments):
    """Calls a function of tensors, compiled by XLA."""
    specs = tf.nest.map_structure(lambda part: (part.dtype, tuple(part.shape)), arguments)
    return _compiled_for(function, str(specs))(*arguments)


@functools.cache
def _compiled_for(function: Callable, specs: str) -> Callable:
    """A function of its own for each kind of arguments, which TensorFlow traces once, so that it warns of nothing."""
    return tf.function(lambda *arguments: function(*arguments), jit_compile=True, autograph=False)


def _backward_steps(saved, outputs_gradient, last_gradient, recurrent_kernel):
    """The backward steps of one chain, last to first; `last_gradient` is that of the last state, used as a state.

    Each step joins the gates for one product of the state, but keeps them apart: what is kept is memory that is not in
    the cache, and a copy to it would take longer than the product.

    Returns:
        Gradients of the products that enter update, reset and candidate, and of the candidate's product of the state,
        `[time, rows, units]` each; gradient of the first state, `[rows, units]`.
    """
    steps = tf.shape(outputs_gradient)[0]
    transposed = tf.transpose(recurrent_kernel)

    def step(time, parts, arrays):
        update, reset, held, candidate, change = (array.read(time) for array in saved)
        gradient = tf.add_n([*parts, outputs_gradient[time]])
        beside_it = gradient * update
        of_candidate = tf.raw_ops.TanhGrad(y=candidate, dy=gradient - beside_it)
        of_update = tf.raw_ops.SigmoidGrad(y=update, dy=gradient * change)
        of_reset = tf.raw_ops.SigmoidGrad(y=reset, dy=of_candidate * held)
        of_held = of_candidate * reset
        through_product = tf.matmul(tf.concat([of_update, of_reset, of_held], 1), transposed)
        arrays = _written(arrays, time, (of_update, of_reset, of_candidate, of_held))
        return time - 1, (through_product, beside_it), arrays

    arrays = tuple(_array(steps, last_gradient) for _ in range(4))
    begin = (steps - 1, (last_gradient, tf.zeros_like(last_gradient)), arrays)
    _, parts, arrays = tf.while_loop(lambda time, *_: time >= 0, step, begin, parallel_iterations=1)
    return tuple(array.stack() for array in arrays), tf.add_n(parts)


def _inputs_gradient(of_gates, kernel):
    """Gradient of the inputs of one chain, `[time, rows, features]`."""
    products = (_product(of, tf.transpose(part)) for of, part in zip(of_gates[:3], _gates(kernel), strict=True))
    return tf.add_n(list(products))


def _weights_gradient(inputs, state, outputs, of_gates):
    """Gradients of kernel, recurrent kernel and bias of one chain, each a product over all steps and rows."""

    def over_steps(left, right):
        return tf.matmul(_flat(left), _flat(right), transpose_a=True)

    update, reset, candidate, held = of_gates
    ones = tf.ones_like(_flat(inputs)[:, :1])
    kernel = [over_steps(inputs, of) for of in (update, reset, candidate)]
    recurrent = [over_steps(outputs[:-1], of[1:]) + over_steps(state, of[0]) for of in (update, reset, held)]
    sums = [over_steps(ones, of) for of in of_gates]
    bias = [tf.concat(part, 1) for part in (sums[:3], [*sums[:2], sums[3]])]
    return tf.concat(kernel, 1), tf.concat(recurrent, 1), tf.concat(bias, 0)


def _gates(tensor):
    """The thirds of a tensor for update, reset and candidate."""
    return tf.split(tensor, 3, axis=-1)


def _product(left, right, offset=None):
    """`[time, rows, n]` times `[n, m]`, plus `[m]`, as one product."""
    product = tf.matmul(_flat(left), right)
    product = product if offset is None else tf.nn.bias_add(product, offset)
    return tf.reshape(product, tf.concat([tf.shape(left)[:-1], tf.shape(right)[-1:]], 0))


def _flat(tensor):
    """`[…, n]` as `[rows, n]`."""
    return tf.reshape(tensor, [-1, tensor.shape[-1]])


def _array(steps, state) -> tf.TensorArray:
    """An array of `steps` tensors of the shape of the state."""
    return tf.TensorArray(state.dtype, size=steps, element_shape=state.shape, clear_after_read=False)


def _written(arrays, time, values):
    """Writes one value per array at a step."""
    return tuple(array.write(time, value) for array, value in zip(arrays, values, strict=True))
