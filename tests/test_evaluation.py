"""One pass over a split: the carried state gives what each whole piece gives; padding and lanes change nothing."""

import numpy as np
import pytest
import tensorflow as tf

from pianoroll_tf.config import DatasetConfig, LossConfig, ModelConfig
from pianoroll_tf.data.loading import join_pieces
from pianoroll_tf.data.pipeline import evaluation_dataset
from pianoroll_tf.data.roll import from_dense
from pianoroll_tf.modeling.evaluation import Evaluator, model_evaluator
from pianoroll_tf.modeling.losses import posterior_logits
from pianoroll_tf.modeling.metrics import Statistics, batch_statistics
from pianoroll_tf.modeling.network import build_model

STEPS = (1, 9, 30, 14, 23)
FOCAL = LossConfig(loss="focal", gamma=2.0, alpha=0.3)


@pytest.fixture(scope="module")
def pieces():
    rng = np.random.default_rng(0)
    return [(rng.random((steps, 84)) < 0.05).astype(np.uint8) for steps in STEPS]


@pytest.fixture(scope="module")
def corpus(pieces):
    sparse = [from_dense(piece) for piece in pieces]
    return join_pieces([roll.counts for roll in sparse], [roll.cells for roll in sparse])


@pytest.fixture(scope="module")
def model():
    return build_model(ModelConfig(conv_filters=6, conv_kernel=3, gru_units=8), prior=[0.05] * 84, seed=1)


def piece_by_piece(model, pieces, loss):
    """The sums from whole pieces, each from silence, without lanes, windows or state."""
    sums = Statistics()
    for piece in pieces:
        targets = piece[None].astype(np.float32)
        inputs = np.concatenate([np.zeros((1, 1, 84), np.float32), targets[:, :-1]], axis=1)
        logits = posterior_logits(loss, model(inputs, training=False))
        sums.add(batch_statistics(logits, tf.constant(inputs), tf.constant(targets), tf.ones(targets.shape[:2])))
    return sums


@pytest.mark.parametrize("loss", [LossConfig(loss="bce"), FOCAL], ids=["bce", "focal"])
@pytest.mark.parametrize(("window", "lanes"), [(8, 2), (30, 8), (1, 3)])
def test_windows_and_lanes_give_what_whole_pieces_give(model, pieces, corpus, loss, window, lanes):
    dataset = evaluation_dataset(corpus, DatasetConfig(window_steps=window, batch_size=lanes))
    results = model_evaluator(model, loss).statistics(dataset).results(0.05, 0.05)
    expected = piece_by_piece(model, pieces, loss).results(0.05, 0.05)
    assert results["nll"] == pytest.approx(expected["nll"], rel=1e-6)
    for name, value in expected.items():
        assert results[name] == pytest.approx(value, abs=2e-3), name


def test_every_step_counts_once(corpus, model):
    dataset = evaluation_dataset(corpus, DatasetConfig(window_steps=8, batch_size=2))
    sums = model_evaluator(model, FOCAL).statistics(dataset)
    assert sums.steps == sum(STEPS)
    assert sums.cells.sum() == sum(STEPS) * 84
    assert sums.cells[:, 1].sum() == len(corpus.cells)


def test_uncorrected_judges_the_network_s_own_output(corpus, model):
    dataset = evaluation_dataset(corpus, DatasetConfig(window_steps=8, batch_size=2))
    raw = model_evaluator(model, FOCAL, posterior=False).statistics(dataset).results()
    assert raw == model_evaluator(model, LossConfig(loss="bce")).statistics(dataset).results()
    assert raw["nll"] != model_evaluator(model, FOCAL).statistics(dataset).results()["nll"]


def test_new_weights_are_seen_without_a_new_trace(corpus):
    model = build_model(ModelConfig(conv_filters=4, gru_units=4), seed=2)
    evaluator = model_evaluator(model, LossConfig())
    dataset = evaluation_dataset(corpus, DatasetConfig(window_steps=8, batch_size=2))
    before = evaluator.statistics(dataset).results()["nll"]
    model.get_layer("logits").bias.assign(np.full(84, -3.0, np.float32))
    traces = evaluator._step.experimental_get_tracing_count()
    after = evaluator.statistics(dataset).results()["nll"]
    assert evaluator._step.experimental_get_tracing_count() == traces == 1
    assert after < before / 2


def test_a_lane_is_reset_and_the_others_go_on():
    # A predictor that counts the steps since its piece began; reset after two batches in lane 1 alone.
    def count(inputs, state):
        (seen,) = state
        logits = tf.broadcast_to((seen + 1.0)[:, None, None], tf.shape(inputs))
        return logits, (seen + 1.0,)

    roll = np.zeros((2, 1, 84), np.float32)
    resets = np.array([[True, True], [False, False], [False, True]])
    dataset = [(tf.constant(roll), tf.constant(roll), tf.ones((2, 1)), tf.constant(reset)) for reset in resets]
    sums = Evaluator(count, lambda batch: (tf.zeros(batch),)).statistics(dataset)
    expected = 84 * np.logaddexp(0, [1, 1, 2, 2, 3, 1]).sum()
    assert sums.nll == pytest.approx(expected, rel=1e-6)
