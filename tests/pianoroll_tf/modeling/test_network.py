"""Tests of pianoroll_tf.modeling.network: causality, the carried state, the output bias, dtypes."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from pianoroll_tf.config import ModelConfig
from pianoroll_tf.modeling.network import PRIOR_FLOOR, advance, build_model, head_of, initial_state, start_bias

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
    rng = np.random.default_rng(0)
    return ((rng.random((3, 20, 84)) < 0.1) * rng.integers(1, 3, (3, 20, 84))).astype(np.uint8)


@pytest.fixture
def clock():
    return np.random.default_rng(1).integers(0, 512, (3, 20)).astype(np.int32)


def model_of(config=None, **kwargs) -> keras.Model:
    """A small network on beats whose nade head has weights that lead from note to note."""
    config = config or small()
    made = build_model(config, start_bias([0.05] * 84, config.articulation), steps_per_beat=4, **kwargs)
    rng = np.random.default_rng(5)
    for weight in head_of(made).weights:
        if weight.name in ("out", "triangle"):
            weight.assign(rng.normal(size=weight.shape) * 0.3)
    return made


def batch(roll, clock) -> dict:
    """Inputs by name: each step's cells as targets, those of the previous step as inputs."""
    before = np.concatenate([np.zeros_like(roll[:, :1]), roll[:, :-1]], axis=1)
    return {"inputs": before, "clock": clock, "targets": roll}


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("cuts", [[20], [1] * 20, [7, 13], [1, 3, 16], [19, 1]])
def test_advance_gives_what_the_whole_model_gives(name, cuts, roll, clock):
    model, given = model_of(small(**SHAPES[name])), batch(roll, clock)
    state, hidden = initial_state(model, 3), []
    for part, codes in zip(
        *(np.split(given[key], np.cumsum(cuts)[:-1], axis=1) for key in ("inputs", "clock")), strict=True
    ):
        out, state = advance(model, part, codes, state)
        hidden.append(out)
    found = head_of(model)(tf.concat(hidden, axis=1), given["inputs"], roll)
    np.testing.assert_allclose(found, model(given), rtol=0, atol=5e-6)


def test_advance_runs_in_a_loop_of_a_graph(roll, clock):
    model, given = model_of(small(conv_layers=2)), batch(roll, clock)

    @tf.function
    def loop(inputs, clock):
        rows, steps = tf.shape(inputs)[0], tf.shape(inputs)[1]

        def body(step, state, hidden):
            out, state = advance(model, inputs[:, step : step + 1], clock[:, step : step + 1], state)
            return step + 1, state, hidden.write(step, out[:, 0])

        begin = (0, initial_state(model, rows), tf.TensorArray(tf.float32, steps))
        *_, hidden = tf.while_loop(lambda step, *_: step < steps, body, begin)
        return tf.transpose(hidden.stack(), [1, 0, 2])

    found = head_of(model)(loop(given["inputs"], clock), given["inputs"], roll)
    np.testing.assert_allclose(found, model(given), rtol=0, atol=5e-6)


@pytest.mark.parametrize("head", ["nade", "independent"])
def test_no_step_sees_the_future(head, roll, clock):
    model = model_of(small(conv_layers=2, gru_layers=2, head=head))
    other = roll.copy()
    other[:, 11:] = np.where(other[:, 11:] == 0, 2, 0)
    before, after = model(batch(roll, clock)).numpy(), model(batch(other, clock)).numpy()
    np.testing.assert_array_equal(before[:, :11], after[:, :11])
    assert (before[:, 12] != after[:, 12]).any()


def test_a_decision_sees_the_cells_below_it_and_no_others(roll, clock):
    model, given = model_of(), batch(roll, clock)
    other = roll.copy()
    other[:, :, 40:] = np.where(other[:, :, 40:] == 0, 2, 0)
    before, after = model(given).numpy(), model(given | {"targets": other}).numpy()
    np.testing.assert_allclose(before[..., :41], after[..., :41], rtol=0, atol=5e-6)
    assert (abs(before[..., 41:84] - after[..., 41:84]) > 1e-3).any()


def test_the_clock_is_read_where_it_is_wanted(roll, clock):
    other = (clock + 1) % 512
    distinguished = [
        (build(batch(roll, clock)).numpy() != build(batch(roll, other)).numpy()).any()
        for build in (model_of(), model_of(small(clock=False)), build_model(small()))
    ]
    assert distinguished == [True, False, False]


def test_strikes_are_read_only_with_articulation(roll, clock):
    merged = (roll != 0).astype(np.uint8)
    for articulation in (True, False):
        config = small(articulation=articulation, head="independent")
        model = model_of(config)
        same = model(batch(roll, clock)).numpy() == model(batch(merged, clock)).numpy()
        assert same.all() != articulation
        assert model.output_shape[-1] == (169 if articulation else 85)


def test_the_first_decisions_are_the_prior(roll, clock):
    prior = np.linspace(0, 0.3, 84)
    model = build_model(small(), bias=start_bias(prior, articulation=True))
    head = head_of(model)
    head.kernel.assign(np.zeros(head.kernel.shape))
    found = 1 / (1 + np.exp(-model(batch(roll, clock)).numpy()[..., :84]))
    np.testing.assert_allclose(found, np.broadcast_to(np.maximum(prior, PRIOR_FLOOR), (3, 20, 84)), rtol=1e-5)


@pytest.mark.parametrize(("config", "bias"), [(small(), None), (small(prior_bias=False), np.ones(169, np.float32))])
def test_without_a_prior_the_bias_is_zero(config, bias):
    assert not head_of(build_model(config, bias=bias)).bias.numpy().any()


@pytest.mark.parametrize("prior", [[0.1] * 83 + [1.5], [-0.1] * 84, [float("nan")] * 84, 0.5])
def test_a_wrong_prior_is_refused(prior):
    with pytest.raises(ValueError, match=r"prior must be shares within 0\.\.1"):
        start_bias(prior, articulation=True)


def test_dropout_follows_the_seed_and_only_in_training(roll, clock):
    def outputs(seed, training):
        made = build_model(small(dropout=0.5, input_noise=0.1, input_dropout=0.1), seed=seed)
        return made(batch(roll, clock), training=training).numpy()

    np.testing.assert_array_equal(outputs(1, True), outputs(1, True))
    assert (outputs(1, True) != outputs(1, False)).any()
    assert (outputs(1, False) != outputs(2, False)).any()


def test_building_leaves_global_state_alone():
    keras.utils.set_random_seed(7)
    expected = np.random.random(), keras.mixed_precision.dtype_policy().name
    keras.utils.set_random_seed(7)
    build_model(small(), precision="bfloat16")
    assert (np.random.random(), keras.mixed_precision.dtype_policy().name) == expected


def test_bfloat16_keeps_weights_and_logits_float32(roll, clock):
    model, given = model_of(small(conv_layers=1, gru_layers=2), precision="bfloat16"), batch(roll, clock)
    assert {weight.dtype for weight in model.weights} <= {"float32", "uint32"}
    hidden, state = advance(model, given["inputs"], clock, initial_state(model, 3))
    assert hidden.dtype == model(given).dtype == tf.float32
    assert {part.dtype for part in state} == {tf.bfloat16}
    exact = model_of(small(conv_layers=1, gru_layers=2))
    np.testing.assert_allclose(model(given), exact(given), atol=0.1)


def test_a_network_of_other_pitches():
    made = build_model(small(), start_bias([0.1] * 88, articulation=True, pitches=88), pitches=88)
    assert made.output_shape == (None, None, 177)


def test_layers_are_named():
    names = [layer.name for layer in build_model(small(conv_layers=2)).layers]
    assert set(names) == {
        *("inputs", "clock", "targets", "reading", "head"),
        *("conv_1", "conv_1_dropout", "conv_2", "conv_2_dropout", "gru_1", "gru_1_dropout"),
    }
