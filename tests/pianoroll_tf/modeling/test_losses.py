"""The losses against hand-made numbers, and their posteriors against a search for the loss's optimum."""

import json
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from pianoroll_tf.choices import CHOICES
from pianoroll_tf.config import LossConfig
from pianoroll_tf.modeling import losses

GAMMAS = (0.0, 0.5, 1.0, 2.0, 5.0)
EXTREMES = np.array([0.0, 1e-6, 0.5, 8.0, 10.0, 16.7, 18.0, 40.0, 88.0, 100.0, 1e4], np.float32)
# Entry → settings, and the loss of one cell for (target, logit) = (1, 0), (0, 0), (1, log 3), (0, log 3).
# For log 3 the probability is 3/4: the focal loss with gamma 2 is (1/4)^2 log(4/3) and (3/4)^2 log 4.
GOLDEN = {
    "bce": ({}, [0.693147181, 0.693147181, 0.287682072, 1.386294361]),
    "weighted_bce": ({"positive_weight": 3.0}, [2.079441542, 0.693147181, 0.863046217, 1.386294361]),
    "focal": ({"gamma": 2.0, "alpha": 0.25}, [0.043321699, 0.129965096, 0.004495032, 0.584842934]),
}


def loss_and_gradient(loss, targets, logits):
    """Loss of each cell and its derivative, numpy."""
    logits = tf.constant(logits)
    with tf.GradientTape() as tape:
        tape.watch(logits)
        cells = loss(tf.constant(targets), logits)
    return cells.numpy(), tape.gradient(cells, logits).numpy()


def focal_oracle(targets, logits, gamma, alpha=None):
    """The formula of the paper in float64, from probabilities of the true and the other class."""
    signed = np.where(targets > 0.5, logits, -logits).astype(np.float64)
    true, other = np.exp(-np.logaddexp(0, -signed)), np.exp(-np.logaddexp(0, signed))
    weight = 1.0 if alpha is None else np.where(targets > 0.5, alpha, 1 - alpha)
    return weight * other**gamma * -np.log(true)


def test_every_entry_has_golden_row():
    assert GOLDEN.keys() == losses.LOSSES.keys() == CHOICES["loss"].keys()
    assert losses.POSTERIOR_LOGITS.keys() == {key for key, entry in CHOICES["loss"].items() if not entry.proper}


def test_an_entry_that_is_not_there_is_named():
    for use in (losses.make_loss, lambda config: losses.posterior_logits(config, 0.0)):
        with pytest.raises(ValueError, match=r"loss must be one of bce, weighted_bce, focal\. Received: loss='hinge'"):
            use(LossConfig(loss="hinge"))


@pytest.mark.parametrize("name", GOLDEN)
def test_golden(name):
    settings, expected = GOLDEN[name]
    loss = losses.make_loss(LossConfig(loss=name, **settings))
    targets = np.array([1, 0, 1, 0], np.float32).reshape(4, 1, 1)
    logits = np.array([0, 0, np.log(3), np.log(3)], np.float32).reshape(4, 1, 1)
    np.testing.assert_allclose(loss.call(targets, logits).numpy().ravel(), expected, rtol=1e-6)


@pytest.mark.parametrize("alpha", [None, 0.25])
@pytest.mark.parametrize("gamma", GAMMAS)
def test_focal_equals_the_formula(gamma, alpha):
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 5, 1000).astype(np.float32)
    targets = (rng.random(1000) < 0.5).astype(np.float32)
    cells = losses.focal(targets, logits, gamma, alpha).numpy()
    np.testing.assert_allclose(cells, focal_oracle(targets, logits, gamma, alpha), rtol=2e-5, atol=1e-37)


@pytest.mark.parametrize("gamma", GAMMAS)
@pytest.mark.parametrize("target", [0.0, 1.0])
def test_focal_is_finite_at_extremes(gamma, target):
    logits = np.concatenate([-EXTREMES[::-1], EXTREMES])
    targets = np.full_like(logits, target)
    cells, slopes = loss_and_gradient(lambda y, z: losses.focal(y, z, gamma), targets, logits)
    assert np.isfinite(cells).all()
    assert np.isfinite(slopes).all()
    assert (cells >= 0).all()
    assert ((slopes <= 0) if target else (slopes >= 0)).all()
    assert cells[0 if target else -1] == 1e4  # wholly wrong: -log p_t


@pytest.mark.parametrize("gamma", [0.5, 2.0])
def test_focal_gradient_equals_a_difference_quotient(gamma):
    logits = np.linspace(-12, 12, 49, dtype=np.float32)
    step = 1e-5
    for target in (0.0, 1.0):
        targets = np.full_like(logits, target)
        _, slopes = loss_and_gradient(lambda y, z: losses.focal(y, z, gamma), targets, logits)
        above, below = (focal_oracle(targets, logits.astype(np.float64) + h, gamma) for h in (step, -step))
        np.testing.assert_allclose(slopes, (above - below) / (2 * step), rtol=1e-4, atol=1e-9)


def test_gamma_zero_without_alpha_is_bce_bit_for_bit():
    logits = np.concatenate([-EXTREMES, EXTREMES, np.linspace(-9, 9, 101, dtype=np.float32)])
    for target in (0.0, 1.0):
        targets = np.full_like(logits, target)
        bce = loss_and_gradient(losses.binary_crossentropy, targets, logits)
        focal = loss_and_gradient(lambda y, z: losses.focal(y, z, 0.0), targets, logits)
        np.testing.assert_array_equal(bce, focal)


def test_a_step_is_the_sum_over_pitches_and_a_batch_the_mean_over_unmasked_steps():
    logits = np.zeros((2, 2, 84), np.float32)
    logits[1, 1] = 1e4  # padding: must not count
    targets, mask = np.zeros_like(logits), np.array([[1, 1], [1, 0]], np.float32)
    loss = losses.make_loss(LossConfig(loss="bce"))
    assert float(loss(targets, logits, sample_weight=mask / mask.mean())) == pytest.approx(84 * np.log(2))
    assert float(loss(targets[:1], logits[:1])) == pytest.approx(84 * np.log(2))
    assert float(loss(targets, logits, sample_weight=np.zeros_like(mask))) == 0.0


def test_the_mean_over_unequally_masked_halves_is_that_of_the_whole():
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(2, 4, 84)).astype(np.float32)
    targets = (rng.random(logits.shape) < 0.1).astype(np.float32)
    weights = np.array([[1, 1, 1, 1], [1, 0, 0, 0]], np.float32) / (5 / 8)
    loss = losses.make_loss(LossConfig(loss="bce"))
    halves = [float(loss(targets[i : i + 1], logits[i : i + 1], sample_weight=weights[i : i + 1])) for i in (0, 1)]
    assert np.mean(halves) == pytest.approx(float(loss(targets, logits, sample_weight=weights)), rel=1e-6)


def test_bfloat16_logits_are_judged_in_float32():
    logits = tf.constant([[[100.0, -100.0, 3.0]]], tf.bfloat16)
    targets = tf.constant([[[1.0, 0.0, 0.0]]])
    loss = losses.make_loss(LossConfig(loss="focal", gamma=0.5))
    value = loss(targets, logits, sample_weight=tf.ones((1, 1)))
    assert value.dtype == tf.float32
    expected = focal_oracle(np.array([1, 0, 0.0]), np.array([100, -100, 3.0]), 0.5).sum()
    assert float(value) == pytest.approx(expected, rel=1e-6)
    assert losses.posterior_logits(LossConfig(loss="focal"), logits).dtype == tf.float32


@pytest.mark.parametrize("name", losses.LOSSES)
def test_losses_are_serialisable(name):
    loss = losses.make_loss(LossConfig(loss=name, gamma=1.5, alpha=0.3))
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(loss))
    assert again.get_config() == loss.get_config()
    targets, logits = np.eye(4, dtype=np.float32)[None], np.full((1, 4, 4), 0.7, np.float32)
    assert float(again(targets, logits)) == float(loss(targets, logits))


def test_focal_equals_addons():
    rows = json.loads((Path(__file__).parent / "golden" / "addons.json").read_text())
    given, addons = ({k: np.array(v, np.float32) for k, v in rows[side].items()} for side in ("inputs", "addons"))
    for index, (gamma, alpha) in enumerate(given["focal_settings"]):
        for kind in ("random", "extreme"):
            loss = losses.make_loss(LossConfig(loss="focal", gamma=float(gamma), alpha=float(alpha)))
            cells, slopes = loss_and_gradient(loss.call, given[f"{kind}_targets"], given[f"{kind}_logits"])
            for ours, name in ((cells, "focal"), (slopes, "focal_gradient")):
                theirs = addons[f"{name}_{index}_{kind}"]  # NaN where Addons' own is
                good = np.isfinite(theirs)
                np.testing.assert_allclose(ours[good], theirs[good], rtol=1e-5, atol=1e-5)


def best_output(probability, gamma, alpha):
    """The logit with the least expected focal loss for a note of this probability, by a search in float64."""
    low, high = -60.0, 60.0
    for _ in range(12):
        grid = np.linspace(low, high, 201)
        risk = probability * focal_oracle(np.ones(201), grid, gamma, alpha)
        risk += (1 - probability) * focal_oracle(np.zeros(201), grid, gamma, alpha)
        best = int(np.argmin(risk))
        low, high = grid[max(best - 1, 0)], grid[min(best + 1, 200)]
    return (low + high) / 2


@pytest.mark.parametrize("alpha", [None, 0.25, 0.9])
@pytest.mark.parametrize("gamma", GAMMAS)
def test_posterior_of_the_best_output_is_the_true_probability(gamma, alpha):
    true = np.array([1e-4, 1e-3, 0.02, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99, 0.999])
    best = np.array([best_output(probability, gamma, alpha) for probability in true], np.float32)
    config = LossConfig(loss="focal", gamma=gamma, alpha=alpha)
    posterior = losses.posterior_logits(config, best).numpy().astype(np.float64)
    np.testing.assert_allclose(1 / (1 + np.exp(-posterior)), true, rtol=2e-3, atol=2e-5)


def test_the_focal_optimum_of_a_rare_note_is_far_from_its_probability():
    optimum = 1 / (1 + np.exp(-best_output(0.02, gamma=2.0, alpha=None)))
    assert optimum == pytest.approx(0.190, abs=5e-4)


@pytest.mark.parametrize("gamma", (*GAMMAS, 10.0))
def test_posterior_is_finite_increasing_and_symmetric_up_to_the_extremes(gamma):
    logits = np.concatenate([np.linspace(-120, 120, 4801), [1e4]]).astype(np.float32)
    config = LossConfig(loss="focal", gamma=gamma)
    posterior, slopes = loss_and_gradient(lambda _, z: losses.posterior_logits(config, z), logits, logits)
    assert np.isfinite(posterior).all()
    assert np.isfinite(slopes).all()
    assert (np.diff(posterior) > 0).all()
    mirrored = losses.posterior_logits(config, -logits).numpy()
    np.testing.assert_allclose(posterior, -mirrored, rtol=1e-6)
    expected = (1 + gamma) * 100 - np.log1p(gamma)  # the asymptote
    assert losses.posterior_logits(config, np.float32(100)).numpy() == pytest.approx(expected, rel=1e-6)


def test_posterior_equals_the_closed_form_in_probabilities():
    gamma, alpha = 2.0, 0.25
    q = np.linspace(0.01, 0.99, 99)

    def h(v):
        return v / ((1 - v) ** gamma - gamma * (1 - v) ** (gamma - 1) * v * np.log(v))

    odds = (1 - alpha) / alpha * h(q) / h(1 - q)
    config = LossConfig(loss="focal", gamma=gamma, alpha=alpha)
    posterior = losses.posterior_logits(config, np.log(q / (1 - q)).astype(np.float32))
    np.testing.assert_allclose(posterior.numpy(), np.log(odds), rtol=1e-5, atol=2e-6)


def test_posterior_of_bce_is_the_output_itself():
    np.testing.assert_array_equal(losses.posterior_logits(LossConfig(loss="bce"), EXTREMES), EXTREMES)
    assert LossConfig(loss="bce").proper
    assert not LossConfig(loss="focal").proper


@pytest.mark.parametrize("alpha", [None, 0.25])
@pytest.mark.parametrize("gamma", GAMMAS)
def test_raw_logits_invert_the_posterior(gamma, alpha):
    config = LossConfig(loss="focal", gamma=gamma, alpha=alpha)
    posterior = np.log(np.array([1e-4, 0.02, 0.5, 0.9999]) / (1 - np.array([1e-4, 0.02, 0.5, 0.9999])))
    raw = losses.raw_logits(config, posterior)
    back = losses.posterior_logits(config, raw.astype(np.float32)).numpy()
    np.testing.assert_allclose(back, posterior, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("share", [0.01, 0.2, 0.7])
def test_the_posterior_of_the_weighted_bce_is_the_share_of_positives(share):
    """The output with the least expected loss, found on a grid, gives the log-odds of the share."""
    config = LossConfig(loss="weighted_bce", positive_weight=5.0)
    logits = np.linspace(-8, 8, 16_001).astype(np.float32)
    ones, zeros = (
        losses.LOSSES["weighted_bce"](np.full_like(logits, target), logits, **config.arguments).numpy()
        for target in (1.0, 0.0)
    )
    best = logits[np.argmin(share * ones + (1 - share) * zeros)]
    assert float(losses.posterior_logits(config, best)) == pytest.approx(np.log(share / (1 - share)), abs=0.01)
