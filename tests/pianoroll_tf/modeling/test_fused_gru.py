"""Tests of pianoroll_tf.modeling.fused_gru: Keras's GRU is the oracle, in values and in every gradient."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from pianoroll_tf.modeling import fused_gru
from pianoroll_tf.modeling.fused_gru import CHAINS, GRU, ROWS_PER_CHAIN

FEATURES, UNITS = 5, 7
UNKNOWN = {"input_signature": [tf.TensorSpec([None, None, FEATURES]), tf.TensorSpec([None, UNITS])]}
CUT = CHAINS * ROWS_PER_CHAIN  # the least batch that runs as several chains
TOLERANCE = {"float64": 1e-13, "float32": 1e-5, "mixed_bfloat16": 0.03}


def numbers(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def pair(dtype="float32", features=FEATURES, units=UNITS, batch=None, **settings):
    """Keras's layer and ours, with the same weights, biases among them."""
    layers = []
    for cls in (keras.layers.GRU, GRU):
        layer = cls(units, return_sequences=True, return_state=True, dtype=dtype, **settings)
        layer.build((batch, None, features))
        layer.set_weights([0.4 * numbers(*w.shape, seed=seed) for seed, w in enumerate(layer.weights)])
        layers.append(layer)
    return layers


def results(layer, batch, steps, function=None):
    """Outputs, last state, and the gradients of inputs, initial state, kernel, recurrent kernel and biases."""
    kind = layer.compute_dtype
    features = layer.cell.kernel.shape[0]
    shapes = (batch, steps, features), (batch, layer.units)
    inputs, state = (tf.cast(numbers(*shape, seed=3), kind) for shape in shapes)
    outputs_factor, last_factor = (tf.cast(numbers(*s, layer.units, seed=4), kind) for s in ((batch, steps), (batch,)))

    @tf.function(**(function or {}))
    def run(inputs, state):
        weights = [weight.value for weight in layer.weights]
        with tf.GradientTape() as tape:
            tape.watch([inputs, state])
            outputs, last = layer(inputs, initial_state=state, training=True)
            loss = tf.reduce_sum(outputs * outputs_factor) + tf.reduce_sum(last * last_factor)
        return outputs, last, *tape.gradient(loss, [inputs, state, *weights])

    return [tf.cast(value, "float64").numpy() for value in run(inputs, state)]


def assert_close(ours, theirs, tolerance):
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=tolerance * max(1.0, np.abs(other).max()))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("batch", "steps"), [(1, 1), (1, 6), (3, 1), (CUT - 1, 4), (CUT, 2), (CUT + 1, 5)])
def test_values_and_gradients_are_those_of_keras(dtype, batch, steps):
    theirs, ours = pair(dtype)
    assert_close(results(ours, batch, steps), results(theirs, batch, steps), TOLERANCE[dtype])


@pytest.mark.parametrize(("batch", "steps"), [(1, 1), (CUT, 4)])
def test_batch_and_time_may_be_unknown(batch, steps):
    theirs, ours = pair()
    assert_close(results(ours, batch, steps, UNKNOWN), results(theirs, batch, steps), TOLERANCE["float32"])


def test_xla_compiles_it():
    theirs, ours = pair()
    assert_close(results(ours, CUT, 3, {"jit_compile": True}), results(theirs, CUT, 3), TOLERANCE["float32"])


def test_it_is_equal_at_the_default_size_of_the_model():
    theirs, ours = (cls(256, return_sequences=True, return_state=True, seed=1) for cls in (keras.layers.GRU, GRU))
    for layer in (theirs, ours):
        layer.build((None, None, 128))
    ours.set_weights(theirs.get_weights())
    assert_close(results(ours, 64, 128), results(theirs, 64, 128), TOLERANCE["float32"])


def test_bfloat16_is_close_to_float32():
    (_, exact), (_, ours) = pair("float32"), pair("mixed_bfloat16")
    assert_close(results(ours, CUT, 4), results(exact, CUT, 4), TOLERANCE["mixed_bfloat16"])


def test_gradients_are_those_of_finite_differences():
    _, layer = pair("float64", features=2, units=3)
    inputs, factor = tf.constant(numbers(CUT, 3, 2)), tf.constant(numbers(CUT, 3, 3, seed=1))
    values = [weight.numpy() for weight in layer.weights]

    def loss(*weights):
        layer.set_weights(weights)
        return tf.reduce_sum(layer(inputs, training=True)[0] * factor).numpy()

    with tf.GradientTape() as tape:
        outputs, _ = layer(inputs, training=True)
        gradients = tape.gradient(tf.reduce_sum(outputs * factor), [weight.value for weight in layer.weights])
    for number, gradient in enumerate(gradients):
        place = tuple(np.array(gradient.shape) - 1)
        around = []
        for step in (1e-5, -1e-5):
            moved = [value.copy() for value in values]
            moved[number][place] += step
            around.append(loss(*moved))
        np.testing.assert_allclose(gradient[place], (around[0] - around[1]) / 2e-5, rtol=1e-7)


def test_equal_bits_from_run_to_run():
    _, layer = pair()
    for one, again in zip(results(layer, CUT, 9), results(layer, CUT, 9), strict=True):
        np.testing.assert_array_equal(one, again)


def test_training_and_evaluation_give_equal_values():
    _, layer = pair()
    inputs = tf.constant(numbers(CUT, 6, FEATURES), tf.float32)
    for one, other in zip(layer(inputs, training=True), layer(inputs, training=False), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("batch", [3, 40])  # one chain, two chains
def test_compiled_loops_give_the_values_and_gradients_of_others(monkeypatch, batch):
    _, layer = pair()
    compiled = results(layer, batch, 9)
    assert fused_gru._is_compiled(tf.zeros([1]))
    monkeypatch.setattr(fused_gru, "_has_xla", lambda: False)
    for one, other in zip(compiled, results(layer, batch, 9), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)


def test_only_float32_without_replicas_is_compiled():
    assert not fused_gru._is_compiled(tf.zeros([1], tf.bfloat16))
    assert not fused_gru._is_compiled(tf.zeros([1], tf.float64))
    with tf.distribute.MirroredStrategy(["CPU:0"]).scope():
        assert fused_gru._is_compiled(tf.zeros([1]))


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # within h5py and Keras
def test_weights_and_settings_go_both_ways(tmp_path):
    theirs, ours = pair()
    assert [w.path.partition("/")[2] for w in ours.weights] == [w.path.partition("/")[2] for w in theirs.weights]
    assert {**ours.get_config(), "name": ""} == {**theirs.get_config(), "name": ""}
    again = keras.layers.deserialize(keras.layers.serialize(ours))
    assert type(again) is GRU and again.get_config() == ours.get_config()
    models = [keras.Sequential([keras.Input((None, FEATURES)), layer]) for layer in (ours, theirs)]
    models[0].save_weights(tmp_path / "ours.weights.h5")
    theirs.set_weights([0 * weight for weight in theirs.get_weights()])
    models[1].load_weights(tmp_path / "ours.weights.h5")
    for one, other in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    "settings",
    [
        {"go_backwards": True},
        {"reset_after": False},
        {"use_bias": False},
        {"activation": "relu"},
        {"recurrent_activation": "hard_sigmoid"},
        {"unroll": True},
        {"dropout": 0.5, "seed": 1},
        {"recurrent_dropout": 0.5, "seed": 1},
    ],
    ids=lambda settings: next(iter(settings)),
)
def test_other_settings_are_left_to_keras(settings):
    theirs, ours = pair(**settings)
    inputs = tf.constant(numbers(CUT, 3, FEATURES), tf.float32)
    for training in (True, False):
        assert_close(ours(inputs, training=training), theirs(inputs, training=training), 1e-6)


def test_a_mask_is_left_to_keras():
    theirs, ours = pair()
    inputs = tf.constant(numbers(3, 4, FEATURES), tf.float32)
    mask = tf.constant([[True, True, False, False], [True] * 4, [True, False, True, False]])
    assert_close(ours(inputs, mask=mask, training=True), theirs(inputs, mask=mask, training=True), 1e-6)


def test_a_stateful_layer_carries_its_state():
    theirs, ours = pair(stateful=True, batch=3)
    inputs = tf.constant(numbers(3, 8, FEATURES), tf.float32)
    whole, _ = pair()[0](inputs)
    for layer in (theirs, ours):
        parts = [layer(inputs[:, :5], training=True)[0], layer(inputs[:, 5:], training=True)[0]]
        np.testing.assert_allclose(tf.concat(parts, 1), whole, atol=1e-6)
        layer.reset_state()
        np.testing.assert_allclose(layer(inputs, training=True)[0], whole, atol=1e-6)


@pytest.mark.parametrize(("use_cudnn", "is_ours"), [("auto", False), (False, True)])
def test_on_a_gpu_it_is_the_layer_of_keras(monkeypatch, use_cudnn, is_ours):
    _, layer = pair(use_cudnn=use_cudnn)
    seen = []
    monkeypatch.setattr(tf.config, "list_logical_devices", lambda kind: ["a GPU"] if kind == "GPU" else [])
    monkeypatch.setattr(
        keras.layers.GRU,
        "inner_loop",
        lambda self, sequences, state, mask, training: seen.append(1) or (state[0], sequences, [state[0]]),
    )
    layer(tf.zeros([2, 3, FEATURES]), training=True)
    assert bool(seen) != is_ours


def test_a_second_derivative_is_right_or_refused():
    theirs, ours = pair("float64")
    inputs = tf.constant(numbers(2, 3, FEATURES))

    def second(layer, training):
        with tf.GradientTape() as outer:
            outer.watch(inputs)
            with tf.GradientTape() as inner:
                inner.watch(inputs)
                loss = tf.reduce_sum(layer(inputs, training=training)[0] ** 2)
            first = inner.gradient(loss, inputs)
        return outer.gradient(first, inputs)

    np.testing.assert_allclose(second(ours, False), second(theirs, False), atol=1e-12)
    with pytest.raises(NotImplementedError, match="training=False"):
        second(ours, True)


def test_fit_takes_the_steps_that_keras_takes():
    losses = []
    for layer in pair():
        model = keras.Sequential([keras.Input((None, FEATURES)), layer, keras.layers.Lambda(lambda both: both[0])])
        model.compile("sgd", "mse")
        inputs, targets = (numbers(40, 6, width).astype("float32") for width in (FEATURES, UNITS))
        history = model.fit(inputs, targets, batch_size=20, epochs=2, shuffle=False, verbose=0)
        losses.append(history.history["loss"])
    np.testing.assert_allclose(*losses, rtol=1e-5)
