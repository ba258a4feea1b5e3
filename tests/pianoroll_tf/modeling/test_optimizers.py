"""The optimizers against numpy oracles over three steps, and the learning rate against numbers made by hand."""

import json
from pathlib import Path

import keras
import numpy as np
import pytest

from pianoroll_tf.choices import CHOICES
from pianoroll_tf.config import OptimizerConfig
from pianoroll_tf.modeling.optimizers import OPTIMIZERS, SCHEDULES, WarmupSchedule, make_optimizer

START = np.array([1.0, -2.0])
GRADIENTS = np.array([[0.5, -1.0], [0.25, 2.0], [-1.0, 0.0]])
PLAIN = {"clip_norm": 0.0, "schedule": "constant", "warmup_steps": 0, "learning_rate": 0.1}


def adam_oracle(decay):
    """Kingma, Ba 2015, algorithm 1; weights shrink first by rate times decay."""
    weights, first, second = START.copy(), np.zeros(2), np.zeros(2)
    for t, gradient in enumerate(GRADIENTS, start=1):
        weights -= 0.1 * decay * weights
        first, second = 0.9 * first + 0.1 * gradient, 0.999 * second + 0.001 * gradient**2
        weights -= 0.1 * np.sqrt(1 - 0.999**t) / (1 - 0.9**t) * first / (np.sqrt(second) + 1e-7)
    return weights


def rmsprop_oracle(decay):
    """Hinton's lecture 6e: divide by the root of a running mean of squares."""
    weights, second = START.copy(), np.zeros(2)
    for gradient in GRADIENTS:
        weights -= 0.1 * decay * weights
        second = 0.9 * second + 0.1 * gradient**2
        weights -= 0.1 * gradient / np.sqrt(second + 1e-7)
    return weights


# Entry → oracle, and the weights after the three steps without and with a weight decay of 0.5.
GOLDEN = {
    "adam": (adam_oracle, [0.827419, -1.964910], [0.699205, -1.687580]),
    "adamw": (adam_oracle, [0.827419, -1.964910], [0.699205, -1.687580]),
    "rmsprop": (rmsprop_oracle, [0.818189, -1.969487], [0.713768, -1.700783]),
}

# Schedule → learning rates of seven steps, of the peak, with a warm-up of two and an end after six.
LEARNING_RATES = {
    "constant": [0.5, 1, 1, 1, 1, 1, 1],
    "linear": [0.5, 1, 1, 0.75, 0.5, 0.25, 0],
    "cosine": [0.5, 1, 1, (1 + 0.5**0.5) / 2, 0.5, (1 - 0.5**0.5) / 2, 0],
}


def run(config, names=("kernel",), start=START, gradients=GRADIENTS):
    """The weights of each name after a step for each gradient; all get the same gradients."""
    optimizer = make_optimizer(config, total_steps=len(gradients))
    weights = [keras.Variable(start.astype(np.float32), name=name) for name in names]
    for gradient in gradients:
        optimizer.apply([np.float32(gradient)] * len(weights), weights)
    return [weight.numpy() for weight in weights]


def test_every_entry_has_golden_row():
    assert GOLDEN.keys() == OPTIMIZERS.keys() == CHOICES["optimizer"].keys()
    assert LEARNING_RATES.keys() == SCHEDULES.keys() == CHOICES["schedule"].keys()


def test_an_entry_that_is_not_there_is_named():
    with pytest.raises(ValueError, match=r"optimizer must be one of adam, adamw, rmsprop\. Received: optimizer='sgd'"):
        make_optimizer(OptimizerConfig(optimizer="sgd"), total_steps=1)


@pytest.mark.parametrize("name", GOLDEN)
def test_golden(name):
    oracle, plain, decayed = GOLDEN[name]
    for decay, expected in ((0.0, plain), (0.5, decayed)):
        (weights,) = run(OptimizerConfig(optimizer=name, weight_decay=decay, **PLAIN))
        np.testing.assert_allclose(weights, oracle(decay), rtol=1e-5)
        np.testing.assert_allclose(weights, expected, atol=5e-6)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_without_weight_decay_no_weight_is_touched_for_it(name):
    assert make_optimizer(OptimizerConfig(optimizer=name, weight_decay=0.0), total_steps=1).weight_decay is None
    assert make_optimizer(OptimizerConfig(optimizer=name, weight_decay=0.5), total_steps=1).weight_decay == 0.5


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_biases_are_not_decayed(name):
    config = OptimizerConfig(optimizer=name, weight_decay=0.5, **PLAIN)
    kernel, bias, recurrent = run(config, names=("kernel", "bias", "recurrent_kernel"))
    np.testing.assert_allclose(bias, GOLDEN[name][1], atol=5e-6)
    np.testing.assert_allclose(kernel, GOLDEN[name][2], atol=5e-6)
    np.testing.assert_array_equal(kernel, recurrent)


def test_clip_norm_is_over_all_weights_together():
    config = OptimizerConfig(optimizer="adam", **PLAIN | {"clip_norm": 1.0})
    optimizer = make_optimizer(config, total_steps=1)
    assert optimizer.global_clipnorm == 1.0
    weights = [keras.Variable(np.zeros(1, np.float32), name=name) for name in ("one", "two")]
    optimizer.apply([np.float32([3.0]), np.float32([4.0])], weights)  # norm 5: clipped to 0.6 and 0.8
    moments = [float(optimizer._momentums[i].numpy()[0]) for i in range(2)]
    assert moments == pytest.approx([0.06, 0.08], rel=1e-5)
    assert make_optimizer(OptimizerConfig(clip_norm=0.0), total_steps=1).global_clipnorm is None


@pytest.mark.parametrize("schedule", LEARNING_RATES)
def test_learning_rate(schedule):
    expected = LEARNING_RATES[schedule]
    rate = WarmupSchedule(peak=0.01, schedule=schedule, warmup_steps=2, total_steps=6)
    values = [float(rate(step)) for step in range(7)]
    np.testing.assert_allclose(values, 0.01 * np.array(expected), atol=1e-9)
    assert float(rate(10**6)) == values[-1]


def test_a_warm_up_longer_than_half_the_run_is_cut():
    rate = WarmupSchedule(peak=1.0, schedule="linear", warmup_steps=100, total_steps=4)
    np.testing.assert_allclose([float(rate(step)) for step in range(4)], [0.5, 1.0, 1.0, 0.5])
    assert float(WarmupSchedule(peak=1.0, schedule="cosine", warmup_steps=100, total_steps=1)(0)) == 1.0


def test_schedule_is_serialisable():
    rate = WarmupSchedule(peak=0.5, schedule="cosine", warmup_steps=3, total_steps=20)
    again = keras.optimizers.schedules.deserialize(keras.optimizers.schedules.serialize(rate))
    assert again.get_config() == rate.get_config()
    assert float(again(7)) == float(rate(7))


def test_what_a_schedule_refuses():
    with pytest.raises(ValueError, match=r"total_steps must be >= 1. Received: total_steps=0"):
        make_optimizer(OptimizerConfig(), total_steps=0)
    with pytest.raises(ValueError, match=r"schedule must be one of constant, cosine, linear. Received"):
        WarmupSchedule(peak=1.0, schedule="step", warmup_steps=0, total_steps=1)


def test_adamw_equals_addons():
    rows = json.loads((Path(__file__).parent / "golden" / "addons.json").read_text())
    given, addons = ({k: np.array(v, np.float32) for k, v in rows[side].items()} for side in ("inputs", "addons"))
    for index, (rate, decay) in enumerate(given["adamw_settings"].tolist()):
        config = OptimizerConfig(optimizer="adamw", **PLAIN | {"learning_rate": rate, "weight_decay": decay})
        (weights,) = run(config, start=given["weights"], gradients=given["gradients"])
        np.testing.assert_allclose(weights, addons[f"adamw_{index}"][-1], rtol=5e-6, atol=5e-6)


def test_rmsprop_gets_its_own_settings():
    options = {"rms_momentum": 0.9, "rms_centered": True, "rms_epsilon": 1e-5}
    made = make_optimizer(OptimizerConfig(optimizer="rmsprop", options=options), 10).get_config()
    assert (made["momentum"], made["centered"], made["epsilon"]) == (0.9, True, 1e-5)
    plain = make_optimizer(OptimizerConfig(optimizer="rmsprop"), 10).get_config()
    assert (plain["momentum"], plain["centered"], plain["epsilon"]) == (0.0, False, 1e-7)
