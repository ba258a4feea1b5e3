"""The network: causal Conv1D → recurrent layer → one logit a pitch; for whole windows or with its state carried."""

from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from pianoroll_tf.config import NUM_PITCHES, ModelConfig
from pianoroll_tf.modeling.gru import advance_recurrent, make_recurrent

PRIOR_FLOOR = 1e-4  # probability a pitch that was never seen starts at: log-odds -9.2, not minus infinity


def prior_log_odds(prior: Sequence[float]) -> np.ndarray:
    """Log-odds of each pitch, kept within those of `PRIOR_FLOOR` and 1 - `PRIOR_FLOOR`.

    Args:
        prior: Share of steps in which each of the 84 pitches sounds.

    Returns:
        float32 [84].

    Raises:
        ValueError: There are not 84 shares, or one is not within 0..1.

    >>> float(prior_log_odds([0.5] * 84)[0])
    0.0
    """
    share = np.asarray(prior, np.float64)
    if share.shape != (NUM_PITCHES,) or not np.all((share >= 0) & (share <= 1)):
        raise ValueError(f"prior must be {NUM_PITCHES} shares within 0..1. Received: prior={prior!r}")
    share = np.clip(share, PRIOR_FLOOR, 1 - PRIOR_FLOOR)
    return np.log(share / (1 - share)).astype(np.float32)


def build_model(
    config: ModelConfig, prior: Sequence[float] | None = None, seed: int = 0, precision: str = "float32"
) -> keras.Model:
    """The functional model `roll` [batch, time, 84] → `logits` [batch, time, 84].

    Padding must be at the end of a window; as everything is causal, no mask is needed.

    Args:
        config: Sizes.
        prior: Share of steps in which each pitch sounds; with `config.prior_bias` the output bias starts at its
            log-odds, as rare positives can make training diverge early from a bias of 0. None: a bias of 0.
        seed: Seed of the initial weights and of dropout; no global state is read or left behind.
        precision: "float32" or "bfloat16": arithmetic of the layers. Weights and logits stay float32.

    Returns:
        A model whose layers are named conv_1…, gru_1…, logits, each of the former followed by dropout.

    Raises:
        ValueError: `config.recurrent` or `prior` is not allowed.

    Reference:
        Output bias: Lin et al., Focal Loss for Dense Object Detection (2017), section 4.1.

    >>> build_model(ModelConfig(conv_filters=4, gru_units=8)).output_shape
    (None, None, 84)
    """
    dtype = {"float32": "float32", "bfloat16": "mixed_bfloat16"}[precision]
    # Layers
    layers: list[keras.layers.Layer] = []
    for number in range(1, config.conv_layers + 1):
        layers.append(_convolution(config, number, seed + 100 * number, dtype))
        layers.append(_dropout(config, f"conv_{number}_dropout", seed + 100 * number + 2, dtype))
    for number in range(1, config.gru_layers + 1):
        base = seed + 10_000 * number
        layers.append(make_recurrent(config.recurrent, config.gru_units, f"gru_{number}", base, dtype))
        layers.append(_dropout(config, f"gru_{number}_dropout", base + 2, dtype))
    layers.append(_logits(prior if config.prior_bias else None, seed + 1_000_000))
    # Graph
    roll = keras.Input((None, NUM_PITCHES), dtype="float32", name="roll")
    hidden = roll
    for layer in layers:
        hidden = layer(hidden)
        hidden = hidden[0] if isinstance(hidden, tuple | list) else hidden
    return keras.Model(roll, hidden, name="pianoroll")


def _convolution(config: ModelConfig, number: int, seed: int, dtype: str) -> keras.layers.Layer:
    return keras.layers.Conv1D(
        config.conv_filters,
        config.conv_kernel,
        padding="causal",
        activation="relu",
        kernel_initializer=keras.initializers.HeUniform(seed=seed),
        dtype=dtype,
        name=f"conv_{number}",
    )


def _dropout(config: ModelConfig, name: str, seed: int, dtype: str) -> keras.layers.Layer:
    return keras.layers.Dropout(config.dropout, seed=seed, dtype=dtype, name=name)


def _logits(prior: Sequence[float] | None, seed: int) -> keras.layers.Layer:
    bias = np.zeros(NUM_PITCHES, np.float32) if prior is None else prior_log_odds(prior)
    return keras.layers.Dense(
        NUM_PITCHES,
        kernel_initializer=keras.initializers.GlorotUniform(seed=seed),
        bias_initializer=lambda shape, dtype=None: ops.convert_to_tensor(bias, dtype),
        dtype="float32",
        name="logits",
    )


def _stateful_layers(model: keras.Model) -> list[keras.layers.Layer]:
    """The convolutions and recurrent layers, in order."""
    return [layer for layer in model.layers if layer.name.rpartition("_")[0] in ("conv", "gru")]


def initial_state(model: keras.Model, batch) -> tuple:
    """The state before the first step: silence.

    Args:
        model: Made by `build_model`.
        batch: Number of rows, an int or an int32 scalar tensor.

    Returns:
        One tensor a layer, in the layer's compute dtype: `[batch, kernel - 1, features]` for a convolution,
        `[batch, units]` for a recurrent layer.

    >>> [tuple(part.shape) for part in initial_state(build_model(ModelConfig()), 2)]
    [(2, 4, 84), (2, 256)]
    """
    state = []
    for layer in _stateful_layers(model):
        if isinstance(layer, keras.layers.Conv1D):
            shape = (batch, layer.kernel_size[0] - 1, layer.kernel.shape[1])
        else:
            shape = (batch, layer.units)
        state.append(ops.zeros(shape, layer.compute_dtype))
    return tuple(state)


def advance(model: keras.Model, inputs, state: tuple) -> tuple:
    """The model's logits for some more steps, without dropout, from the state that earlier steps left.

    Cutting a piece into calls in any way gives what `model(piece)` gives in one.

    Args:
        model: Made by `build_model`.
        inputs: `[batch, time, 84]`, any number dtype, time >= 1.
        state: From `initial_state` or an earlier call.

    Returns:
        (logits float32 `[batch, time, 84]`, state).
    """
    hidden, left = inputs, []
    for layer, part in zip(_stateful_layers(model), state, strict=True):
        hidden = ops.cast(hidden, layer.compute_dtype)
        step = _advance_convolution if isinstance(layer, keras.layers.Conv1D) else advance_recurrent
        hidden, part = step(layer, hidden, part)
        left.append(part)
    return _advance_logits(model.get_layer("logits"), ops.cast(hidden, "float32")), tuple(left)


def _advance_convolution(layer: keras.layers.Conv1D, inputs, frames):
    """A causal convolution over `frames`, the last kernel - 1 inputs, and `inputs`."""
    seen = ops.concatenate([frames, inputs], axis=1)
    kernel, bias = (ops.cast(weight, layer.compute_dtype) for weight in (layer.kernel, layer.bias))
    if inputs.shape[1] == 1:
        size = kernel.shape[0] * kernel.shape[1]
        outputs = _product(tf.reshape(seen, [-1, size]), tf.reshape(kernel, [size, -1]), bias)
        return layer.activation(outputs)[:, tf.newaxis], seen[:, 1:]
    outputs = layer.activation(ops.conv(seen, kernel, padding="valid") + bias)
    last = seen[:, ops.shape(inputs)[1] :]
    return outputs, ops.reshape(last, ops.shape(frames))  # same values; keeps the static shape that a loop needs


def _advance_logits(layer: keras.layers.Dense, inputs):
    """The logits of some steps."""
    if inputs.shape[1] == 1:
        return _product(inputs[:, 0], layer.kernel.value, layer.bias.value)[:, tf.newaxis]
    return layer(inputs)


def _product(inputs, kernel, bias):
    """inputs `[batch, features]` @ kernel + bias, which TensorFlow runs as one operation, with an activation after it.

    A loop of single steps, the case of generation, is a fraction faster with it than with the layers' own operations.
    """
    return tf.nn.bias_add(tf.matmul(inputs, kernel), bias)
