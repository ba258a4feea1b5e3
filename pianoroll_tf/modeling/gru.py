"""The recurrent layers of the network, with one interface."""

import contextlib
from collections.abc import Callable, Iterator

import keras
import tensorflow as tf

from pianoroll_tf.modeling.fused_gru import GRU
from pianoroll_tf.settings import check_entry


def _gru(layer: type[keras.layers.GRU]) -> Callable[[int, str, int, str], keras.layers.Layer]:
    """An entry of the table; with these settings Keras's GRU runs as one cuDNN kernel on a GPU."""

    def make(units: int, name: str, seed: int, dtype: str) -> keras.layers.Layer:
        return layer(
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

    return make


# Key in `choices.CHOICES["recurrent"]` → (units, name, seed, dtype) → a layer that maps `[batch, time, features]`, and
# `initial_state=` `[batch, units]`, to (outputs `[batch, time, units]`, last state `[batch, units]`)
RECURRENT_LAYERS: dict[str, Callable[[int, str, int, str], keras.layers.Layer]] = {
    "gru": _gru(GRU),
    "keras_gru": _gru(keras.layers.GRU),
}


def make_recurrent(kind: str, units: int, name: str, seed: int, dtype: str) -> keras.layers.Layer:
    """A recurrent layer of the table.

    Args:
        kind: Key in `RECURRENT_LAYERS`.
        units: Size of the state.
        name: Name of the layer.
        seed: Seed of the initial weights.
        dtype: Keras dtype policy, "float32" or "mixed_bfloat16".

    Raises:
        ValueError: `kind` is not in the table.
    """
    check_entry("recurrent", kind, RECURRENT_LAYERS)
    return RECURRENT_LAYERS[kind](units, name, seed, dtype)


@contextlib.contextmanager
def portable_kernels(model: keras.Model) -> Iterator[None]:
    """Within the context, graphs traced from the model run on any device.

    On a machine with a GPU, Keras traces its GRU as one cuDNN kernel, which a machine without a GPU cannot even load.
    The portable kernels compute the same equations more slowly.

    Args:
        model: Made by `build_model`.
    """
    layers = [layer for layer in model.layers if hasattr(layer, "use_cudnn")]
    before = [layer.use_cudnn for layer in layers]
    try:
        for layer in layers:
            layer.use_cudnn = False
        yield
    finally:
        for layer, choice in zip(layers, before, strict=True):
            layer.use_cudnn = choice


def advance_recurrent(layer: keras.layers.Layer, inputs, state):
    """Runs a layer of the table from a given state.

    A single step, as in generation, is computed with as few operations as possible, because in a loop each one costs.

    Args:
        layer: Made by `make_recurrent` and built.
        inputs: `[batch, time, features]`, in the layer's compute dtype.
        state: `[batch, units]`, in the layer's compute dtype.

    Returns:
        (outputs `[batch, time, units]`, state `[batch, units]`).
    """
    if inputs.shape[1] != 1:
        return layer(inputs, initial_state=state, training=False)
    weights = (layer.cell.kernel, layer.cell.recurrent_kernel, layer.cell.bias)
    state = gru_step(inputs[:, 0], state, *(tf.cast(weight, layer.compute_dtype) for weight in weights))
    return state[:, tf.newaxis], state


def gru_step(inputs, state, kernel, recurrent_kernel, bias):
    """One step of a GRU whose reset gate acts after the product, with one matrix product each for inputs and state.

    Args:
        inputs: `[batch, features]`.
        state: `[batch, units]`.
        kernel: `[features, 3 * units]`: update, reset, candidate.
        recurrent_kernel: `[units, 3 * units]`.
        bias: `[2, 3 * units]`, of either product.

    Returns:
        The state `[batch, units]` after the step, which is also its output.
    """
    units = state.shape[-1]
    bias_of_inputs, bias_of_state = tf.unstack(bias)
    heard = tf.nn.bias_add(tf.matmul(inputs, kernel), bias_of_inputs)
    held = tf.nn.bias_add(tf.matmul(state, recurrent_kernel), bias_of_state)
    heard_gates, heard_candidate = tf.split(heard, [2 * units, units], axis=1)
    held_gates, held_candidate = tf.split(held, [2 * units, units], axis=1)
    update, reset = tf.split(tf.sigmoid(heard_gates + held_gates), 2, axis=1)
    candidate = tf.tanh(heard_candidate + reset * held_candidate)
    return candidate + update * (state - candidate)
