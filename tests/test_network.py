"""Tests of pianoroll_tf.modeling.network: causality, the carried state, the output bias, dtypes."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from pianoroll_tf.config import ModelConfig
from pianoroll_tf.modeling.network import PRIOR_FLOOR, advance, build_model, initial_state, prior_log_odds

SHAPES = {
    "default": {},
    "deep": {"conv_layers": 2, "gru_layers": 2},
    "no convolution": {"conv_layers": 0},
    "kernel of one": {"conv_kernel": 1},
    "kernel longer than a call": {"conv_kernel": 9},
}


def small(**changes) -> ModelConfig:
    return ModelConfig(**({"conv_filters": 5, "conv_kernel": 3, "gru_units": 7} | changes))


@pytest.fixture
def roll():
    return (np.random.default_rng(0).random((3, 20, 84)) < 0.1).astype(np.uint8)


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("cuts", [[20], [1] * 20, [7, 13], [1, 3, 16], [19, 1]])
def test_advance_gives_what_the_whole_model_gives(name, cuts, roll):
    model = build_model(small(**SHAPES[name]), prior=[0.05] * 84)
    state, logits = initial_state(model, 3), []
    for part in np.split(roll, np.cumsum(cuts)[:-1], axis=1):
        out, state = advance(model, part, state)
        logits.append(out)
    np.testing.assert_allclose(np.concatenate(logits, axis=1), model(roll), rtol=0, atol=2e-6)


def test_advance_runs_in_a_loop_of_a_graph(roll):
    model = build_model(small(conv_layers=2), prior=[0.05] * 84)

    @tf.function
    def loop(roll):
        rows, steps = tf.shape(roll)[0], tf.shape(roll)[1]

        def body(step, state, logits):
            out, state = advance(model, roll[:, step : step + 1], state)
            return step + 1, state, logits.write(step, out[:, 0])

        begin = (0, initial_state(model, rows), tf.TensorArray(tf.float32, steps))
        *_, logits = tf.while_loop(lambda step, *_: step < steps, body, begin)
        return tf.transpose(logits.stack(), [1, 0, 2])

    np.testing.assert_allclose(loop(roll), model(roll), rtol=0, atol=2e-6)


def test_advance_can_be_exported(tmp_path, roll):
    model = build_model(small())
    archive = keras.export.ExportArchive()
    archive.track(model)

    def predict(roll):
        return advance(model, roll, initial_state(model, tf.shape(roll)[0]))[0]

    archive.add_endpoint("predict", predict, [tf.TensorSpec([None, None, 84], tf.uint8)])
    archive.write_out(tmp_path / "model", verbose=False)
    loaded = tf.saved_model.load(tmp_path / "model")
    np.testing.assert_allclose(loaded.predict(roll), model(roll), rtol=0, atol=2e-6)


def test_no_step_sees_the_future(roll):
    model = build_model(small(conv_layers=2, gru_layers=2))
    other = roll.copy()
    other[:, 11:] = 1 - other[:, 11:]
    before, after = model(roll).numpy(), model(other).numpy()
    np.testing.assert_array_equal(before[:, :11], after[:, :11])
    assert (before[:, 11] != after[:, 11]).any()


def test_the_first_logits_are_the_prior(roll):
    prior = np.linspace(0, 0.3, 84)
    model = build_model(small(), prior=prior)
    kernel, bias = model.get_layer("logits").get_weights()
    np.testing.assert_allclose(1 / (1 + np.exp(-bias)), np.maximum(prior, PRIOR_FLOOR), rtol=1e-5)
    model.get_layer("logits").set_weights([np.zeros_like(kernel), bias])
    np.testing.assert_allclose(model(roll), np.broadcast_to(bias, (3, 20, 84)), rtol=1e-6)


@pytest.mark.parametrize(("config", "prior"), [(small(), None), (small(prior_bias=False), [0.1] * 84)])
def test_without_a_prior_the_bias_is_zero(config, prior):
    assert not build_model(config, prior=prior).get_layer("logits").get_weights()[1].any()


@pytest.mark.parametrize("prior", [[0.1] * 83, [0.1] * 83 + [1.5], [-0.1] * 84, [float("nan")] * 84])
def test_a_wrong_prior_is_refused(prior):
    with pytest.raises(ValueError, match=r"prior must be 84 shares within 0\.\.1"):
        prior_log_odds(prior)


def test_uint8_and_float_inputs_give_the_same(roll):
    model = build_model(small())
    np.testing.assert_array_equal(model(roll), model(roll.astype(np.float32)))


def test_dropout_follows_the_seed_and_only_in_training(roll):
    def outputs(seed, training):
        return build_model(small(dropout=0.5), seed=seed)(roll, training=training).numpy()

    np.testing.assert_array_equal(outputs(1, True), outputs(1, True))
    assert (outputs(1, True) != outputs(1, False)).any()
    assert (outputs(1, False) != outputs(2, False)).any()


def test_building_leaves_global_state_alone():
    keras.utils.set_random_seed(7)
    expected = np.random.random(), keras.mixed_precision.dtype_policy().name
    keras.utils.set_random_seed(7)
    build_model(small(), precision="bfloat16")
    assert (np.random.random(), keras.mixed_precision.dtype_policy().name) == expected


def test_bfloat16_keeps_weights_and_logits_float32(roll):
    model = build_model(small(conv_layers=1, gru_layers=2), prior=[0.05] * 84, precision="bfloat16")
    assert {weight.dtype for weight in model.weights} == {"float32"}
    logits, state = advance(model, roll, initial_state(model, 3))
    assert logits.dtype == model(roll).dtype == tf.float32
    assert {part.dtype for part in state} == {tf.bfloat16}
    np.testing.assert_allclose(logits, model(roll), atol=0.02)
    exact = build_model(small(conv_layers=1, gru_layers=2), prior=[0.05] * 84)
    np.testing.assert_allclose(model(roll), exact(roll), atol=0.05)


def test_layers_are_named():
    names = [layer.name for layer in build_model(small(conv_layers=2)).layers]
    assert names == ["roll", "conv_1", "conv_1_dropout", "conv_2", "conv_2_dropout", "gru_1", "gru_1_dropout", "logits"]
