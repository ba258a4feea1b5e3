"""Tests of pianoroll_tf.modeling.gru: each entry of the table against the GRU's equations in numpy."""

import numpy as np
import pytest

from pianoroll_tf.config import ModelConfig
from pianoroll_tf.modeling.gru import RECURRENT_LAYERS, advance_recurrent, make_recurrent, portable_kernels
from pianoroll_tf.modeling.network import build_model

BATCH, STEPS, FEATURES, UNITS = 2, 7, 3, 5


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def gru_oracle(inputs, state, kernel, recurrent_kernel, bias):
    """Cho et al. 2014 with the reset gate after the product; gates in the order update, reset, candidate."""
    outputs = []
    for frame in inputs.transpose(1, 0, 2):
        update, reset, candidate = np.split(frame @ kernel + bias[0], 3, axis=1)
        held_update, held_reset, held_candidate = np.split(state @ recurrent_kernel + bias[1], 3, axis=1)
        update, reset = sigmoid(update + held_update), sigmoid(reset + held_reset)
        state = update * state + (1 - update) * np.tanh(candidate + reset * held_candidate)
        outputs.append(state)
    return np.stack(outputs, axis=1), state


@pytest.fixture(params=sorted(RECURRENT_LAYERS))
def layer(request):
    layer = make_recurrent(request.param, UNITS, "gru_1", seed=3, dtype="float32")
    layer.build((None, None, FEATURES))
    rng = np.random.default_rng(0)
    layer.set_weights([rng.normal(size=weight.shape) for weight in layer.get_weights()])
    return layer


@pytest.fixture
def inputs():
    return np.random.default_rng(1).normal(size=(BATCH, STEPS, FEATURES)).astype(np.float32)


def test_a_layer_follows_the_equations(layer, inputs):
    outputs, state = layer(inputs)
    expected, last = gru_oracle(inputs, np.zeros((BATCH, UNITS)), *layer.get_weights())
    np.testing.assert_allclose(outputs, expected, atol=1e-6)
    np.testing.assert_allclose(state, last, atol=1e-6)


@pytest.mark.parametrize("steps", [1, STEPS])
def test_advance_begins_from_the_given_state(layer, inputs, steps):
    begin = np.random.default_rng(2).normal(size=(BATCH, UNITS)).astype(np.float32)
    outputs, state = advance_recurrent(layer, inputs[:, :steps], begin)
    expected, last = gru_oracle(inputs[:, :steps], begin, *layer.get_weights())
    np.testing.assert_allclose(outputs, expected, atol=1e-6)
    np.testing.assert_allclose(state, last, atol=1e-6)


@pytest.mark.parametrize("kind", sorted(RECURRENT_LAYERS))
def test_weights_follow_the_seed(kind):
    def weights(seed):
        layer = make_recurrent(kind, UNITS, "gru_1", seed, "float32")
        layer.build((None, None, FEATURES))
        return layer.get_weights()

    for one, again in zip(weights(1), weights(1), strict=True):
        np.testing.assert_array_equal(one, again)
    assert (weights(1)[0] != weights(2)[0]).any()


def test_an_unknown_entry_is_refused():
    with pytest.raises(ValueError, match=r"recurrent must be one of gru.*Received: recurrent='lstm'"):
        make_recurrent("lstm", 4, "gru_1", 0, "float32")


def test_portable_kernels_are_a_choice_for_a_while():
    model = build_model(ModelConfig(conv_filters=2, gru_units=4, gru_layers=2, head="nade"))
    layers = [model.get_layer("gru_1"), model.get_layer("gru_2")]
    layers[1].use_cudnn = True
    with pytest.raises(RuntimeError, match="within"), portable_kernels(model):
        assert [layer.use_cudnn for layer in layers] == [False, False]
        assert model.get_layer("head").use_dense is False
        raise RuntimeError("within")
    assert [layer.use_cudnn for layer in layers] == ["auto", True]
    assert model.get_layer("head").use_dense == "auto"
