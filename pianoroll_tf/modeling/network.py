"""The network: causal Conv1D → recurrent layer → head; over whole windows, or step by step with its state carried."""

from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from pianoroll_tf.config import NUM_PITCHES, ModelConfig
from pianoroll_tf.modeling.batch_noise import Dropout
from pianoroll_tf.modeling.gru import advance_recurrent, make_recurrent
from pianoroll_tf.modeling.heads import Head, decision_count, make_head
from pianoroll_tf.modeling.input_features import InputFeatures

PRIOR_FLOOR = 1e-4  # initial probability of a pitch that never sounds in the data: log-odds -9.2, not minus infinity
STRUCK_SHARE = 0.1  # initial probability of "struck?", for any data
ENDS_SHARE = 1e-3  # initial probability of "does the piece end?", for any data
# Inner dimension of a matrix product in one step of a convolution. Eigen blocks longer sums by the number of rows, so
# rounding would depend on the batch size, and a server could not batch requests without changing their music.
MAX_PRODUCT_WIDTH = 512


def start_bias(prior: Sequence[float] | None, articulation: bool, pitches: int = NUM_PITCHES) -> np.ndarray:
    """Initial log-odds of all decisions of a step, float32 [decisions].

    Args:
        prior: Share of steps in which each pitch sounds, clipped to `PRIOR_FLOOR` and 1 - `PRIOR_FLOOR`; None: log-odds
            of 0 for all decisions.
        articulation: Whether strikes are decided.

    Raises:
        ValueError: A share is not within 0..1.

    >>> float(start_bias([0.5] * 84, articulation=True)[0])
    0.0
    """
    if prior is None:
        return np.zeros(decision_count(pitches, articulation), np.float32)
    share = np.asarray(prior, np.float64)
    if share.ndim != 1 or not np.all((share >= 0) & (share <= 1)):
        raise ValueError(f"prior must be shares within 0..1, one per pitch. Received: prior={prior!r}")
    sounds = np.clip(share, PRIOR_FLOOR, 1 - PRIOR_FLOOR)
    share = np.concatenate([sounds, np.full(pitches if articulation else 0, STRUCK_SHARE), [ENDS_SHARE]])
    return np.log(share / (1 - share)).astype(np.float32)


def build_model(
    config: ModelConfig,
    bias: np.ndarray | None = None,
    steps_per_beat: int | None = None,
    seed: int = 0,
    precision: str = "float32",
    pitches: int = NUM_PITCHES,
) -> keras.Model:
    """The functional model: `inputs`, `clock` and `targets` → log-odds of all decisions [batch, time, decisions].

    `inputs` [batch, time, pitches] are the cells of the step before each step, 0 silent, 1 held, 2 struck; `targets`
    are those of the step itself, of which a decision depends only on those of lower pitches; `clock` int32
    [batch, time] is the code of the step (`data.clock`), used where the grid has beats and `config.clock` is set.
    Padding must be at the end of a window; as the network is causal, no mask is needed.

    Args:
        bias: Initial log-odds of the decisions, [decisions], used with `config.prior_bias`: from those of the data,
            because with rare positives, training can diverge early from 0. None: 0.
        steps_per_beat: Steps per beat of the grid; None: the grid is in seconds.
        seed: Seed of the initial weights and of dropout; no global state is read or changed.
        precision: "float32" or "bfloat16": arithmetic of the layers. Weights, head and log-odds stay float32.

    Returns:
        A model whose layers are named reading, conv_1…, gru_1…, head, the middle ones followed by dropout.

    Reference:
        Output bias: Lin et al., Focal Loss for Dense Object Detection (2017), section 4.1.

    >>> build_model(ModelConfig(conv_filters=4, gru_units=8)).output_shape
    (None, None, 169)
    """
    dtype = {"float32": "float32", "bfloat16": "mixed_bfloat16"}[precision]
    if bias is None or not config.prior_bias:
        bias = start_bias(None, config.articulation, pitches)
    inputs = keras.Input((None, pitches), dtype="uint8", name="inputs")
    clock = keras.Input((None,), dtype="int32", name="clock")
    targets = keras.Input((None, pitches), dtype="uint8", name="targets")
    reading = InputFeatures(
        articulation=config.articulation,
        steps_per_beat=steps_per_beat if config.clock else None,
        drop=config.input_dropout,
        noise=config.input_noise,
        seed=seed + 10,
        name="reading",
    )
    hidden = reading(inputs, clock)
    named = [(f"conv_{number}", seed + 100 * number) for number in range(1, config.conv_layers + 1)]
    named += [(f"gru_{number}", seed + 10_000 * number) for number in range(1, config.gru_layers + 1)]
    for name, base in named:
        if name.startswith("conv"):
            hidden = _convolution(config, name, base, dtype)(hidden)
        else:
            hidden, _ = make_recurrent(config.recurrent, config.gru_units, name, base, dtype)(hidden)
        hidden = Dropout(config.dropout, seed=base + 2, dtype=dtype, name=f"{name}_dropout")(hidden)
    arguments = (pitches, config.articulation, bias, config.head_units, seed + 1_000_000)
    head = make_head(config.head, *arguments, **config.options)
    logits = head(hidden, inputs, targets)
    return keras.Model({"inputs": inputs, "clock": clock, "targets": targets}, logits, name="pianoroll")


def _convolution(config: ModelConfig, name: str, seed: int, dtype: str) -> keras.layers.Layer:
    return keras.layers.Conv1D(
        config.conv_filters,
        config.conv_kernel,
        padding="causal",
        activation="relu",
        kernel_initializer=keras.initializers.HeUniform(seed=seed),
        dtype=dtype,
        name=name,
    )


def head_of(model: keras.Model) -> Head:
    """The head of a model from `build_model`."""
    return model.get_layer("head")


def _stateful_layers(model: keras.Model) -> list[keras.layers.Layer]:
    """The convolutions and recurrent layers, in order."""
    return [layer for layer in model.layers if layer.name.rpartition("_")[0] in ("conv", "gru")]


def initial_state(model: keras.Model, batch) -> tuple:
    """The state of `batch` rows, an int or an int32 scalar tensor, before the first step: silence.

    Returns:
        One tensor per layer, in the layer's compute dtype: `[batch, kernel - 1, features]` for a convolution,
        `[batch, units]` for a recurrent layer.

    >>> [tuple(part.shape) for part in initial_state(build_model(ModelConfig()), 2)]
    [(2, 4, 168), (2, 256)]
    """
    state = []
    for layer in _stateful_layers(model):
        convolves = isinstance(layer, keras.layers.Conv1D)
        shape = (layer.kernel_size[0] - 1, layer.kernel.shape[1]) if convolves else (layer.units,)
        state.append(ops.zeros((batch, *shape), layer.compute_dtype))
    return tuple(state)


def advance(model: keras.Model, inputs, clock, state: tuple) -> tuple:
    """The network's output for further steps, without dropout, from the state after the earlier steps.

    However a piece is divided into calls, the result is that of one call for the whole piece.

    Args:
        inputs: Cells of the step before each step, 0 silent, 1 held, 2 struck, `[batch, time >= 1, pitches]`.
        clock: Code of each step, int32 `[batch, time]`.
        state: From `initial_state` or an earlier call.

    Returns:
        (inputs of the head, float32 `[batch, time, features]`; state).
    """
    hidden, left = model.get_layer("reading")(inputs, clock), []
    for layer, part in zip(_stateful_layers(model), state, strict=True):
        hidden = ops.cast(hidden, layer.compute_dtype)
        step = _advance_convolution if isinstance(layer, keras.layers.Conv1D) else advance_recurrent
        hidden, part = step(layer, hidden, part)
        left.append(part)
    return ops.cast(hidden, "float32"), tuple(left)


def _advance_convolution(layer: keras.layers.Conv1D, inputs, frames):
    """A causal convolution over `frames`, the last kernel - 1 inputs, and `inputs`."""
    seen = ops.concatenate([frames, inputs], axis=1)
    kernel, bias = (ops.cast(weight, layer.compute_dtype) for weight in (layer.kernel, layer.bias))
    if inputs.shape[1] == 1:
        taps, channels, filters = kernel.shape
        together, products = max(1, MAX_PRODUCT_WIDTH // channels), []
        for first in range(0, taps, together):
            size = channels * min(together, taps - first)
            part = tf.reshape(seen[:, first : first + together], [-1, size])
            products.append(tf.matmul(part, tf.reshape(kernel[first : first + together], [size, filters])))
        outputs = tf.add_n(products)
        return layer.activation(tf.nn.bias_add(outputs, bias))[:, tf.newaxis], seen[:, 1:]
    outputs = layer.activation(ops.conv(seen, kernel, padding="valid") + bias)
    last = seen[:, ops.shape(inputs)[1] :]
    return outputs, ops.reshape(last, ops.shape(frames))  # for the static shape that a loop needs
