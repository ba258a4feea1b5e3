"""The recurrent layers of the network, with one interface."""

import contextlib
from collections.abc import Iterator

import keras
import tensorflow as tf

from pianoroll_tf.modeling.fused_gru import GRU
from pianoroll_tf.settings import check_entry

# Key in `choices.CHOICES["recurrent"]` → class of the layer, Keras's GRU or one with its settings and weights
RECURRENT_LAYERS: dict[str, type[keras.layers.GRU]] = {"gru": GRU, "keras_gru": keras.layers.GRU}


def make_recurrent(kind: str, units: int, name: str, seed: int, dtype: str) -> keras.layers.GRU:
    """A layer of the table; with these settings Keras's GRU runs as one cuDNN kernel on a GPU.

    It maps `[batch, time, features]`, and `initial_state=` `[batch, units]`, to (outputs `[batch, time, units]`, last
    state `[batch, units]`). `dtype` is a Keras policy, "float32" or "mixed_bfloat16".
    """
    check_entry("recurrent", kind, RECURRENT_LAYERS)
    return RECURRENT_LAYERS[kind](
        units,
        reset_after=True,
        return_sequences=True,
        return_state=True,
        kernel_initializer=keras.initializers.GlorotUniform(seed=seed),
        recurrent_initializer=keras.initializers.Orthogonal(seed=seed + 1),
        seed=seed,  # of the layer's dropout, which is not used; otherwise equal runs would differ in it
        dtype=dtype,
        name=name,
    )


@contextlib.contextmanager
def portable_kernels(model: keras.Model) -> Iterator[None]:
    """Within the context, graphs traced from a model of `build_model` run on any device.

    On a machine with a GPU, Keras traces its GRU as one cuDNN kernel, which a machine without a GPU cannot even load,
    and the nade head is traced as operations that a CPU computes slowly. The portable kernels compute the same
    equations.
    """
    choices = [(layer, name) for layer in model.layers for name in ("use_cudnn", "use_dense") if hasattr(layer, name)]
    before = [getattr(layer, name) for layer, name in choices]
    try:
        for layer, name in choices:
            setattr(layer, name, False)
        yield
    finally:
        for (layer, name), choice in zip(choices, before, strict=True):
            setattr(layer, name, choice)


def advance_recurrent(layer: keras.layers.GRU, inputs, state):
    """Runs a built layer of the table from a given state, without dropout.

    A single step, as in generation, is computed with as few operations as possible, because in a loop each one costs:
    one matrix product each for inputs and state. The reset gate acts after the product.

    Args:
        inputs: `[batch, time, features]`, in the layer's compute dtype.
        state: `[batch, units]`, likewise.

    Returns:
        (outputs `[batch, time, units]`, state `[batch, units]`).
    """
    if inputs.shape[1] != 1:
        return layer(inputs, initial_state=state, training=False)
    weights = (layer.cell.kernel, layer.cell.recurrent_kernel, layer.cell.bias)
    kernel, recurrent_kernel, bias = (tf.cast(weight, layer.compute_dtype) for weight in weights)
    bias_of_inputs, bias_of_state = tf.unstack(bias)
    heard = tf.nn.bias_add(tf.matmul(inputs[:, 0], kernel), bias_of_inputs)
    held = tf.nn.bias_add(tf.matmul(state, recurrent_kernel), bias_of_state)
    heard_gates, heard_candidate = tf.split(heard, [2 * layer.units, layer.units], axis=1)
    held_gates, held_candidate = tf.split(held, [2 * layer.units, layer.units], axis=1)
    update, reset = tf.split(tf.sigmoid(heard_gates + held_gates), 2, axis=1)
    candidate = tf.tanh(heard_candidate + reset * held_candidate)
    state = candidate + update * (state - candidate)
    return state[:, tf.newaxis], state
