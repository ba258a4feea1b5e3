"""One pass over a split: the carried state gives what each whole piece gives; padding and lanes change nothing."""

import numpy as np
import pytest
import tensorflow as tf

from pianoroll_tf.config import DatasetConfig, LossConfig, ModelConfig
from pianoroll_tf.data.loading import join_pieces
from pianoroll_tf.data.pipeline import evaluation_dataset
from pianoroll_tf.data.roll import as_states, from_dense
from pianoroll_tf.modeling.evaluation import Evaluator, model_evaluator
from pianoroll_tf.modeling.heads import decision_targets
from pianoroll_tf.modeling.losses import posterior_logits
from pianoroll_tf.modeling.metrics import Statistics, batch_statistics, other_decisions
from pianoroll_tf.modeling.network import build_model, start_bias

STEPS = (1, 9, 30, 14, 23)
FOCAL = LossConfig(loss="focal", gamma=2.0, alpha=0.3)


@pytest.fixture(scope="module")
def pieces():
    rng = np.random.default_rng(0)
    return [as_states((rng.random((steps, 84)) < 0.05) * rng.integers(1, 3, (steps, 84))) for steps in STEPS]


@pytest.fixture(scope="module")
def corpus(pieces):
    sparse = [from_dense(piece) for piece in pieces]
    return join_pieces([roll.counts for roll in sparse], [roll.cells for roll in sparse])


@pytest.fixture(scope="module")
def model():
    return small_model(seed=1)


def small_model(seed, head="nade"):
    """A network of random weights, those of the head too."""
    config = ModelConfig(conv_filters=6, conv_kernel=3, gru_units=8, head=head, head_units=4)
    model = build_model(config, start_bias([0.05] * 84, articulation=True), seed=seed)
    rng = np.random.default_rng(seed)
    for weight in model.get_layer("head").weights:
        if weight.name in ("out", "triangle"):
            weight.assign(rng.normal(size=weight.shape) * 0.3)
    return model


def piece_by_piece(model, pieces, loss):
    """The sums from whole pieces, each from silence, without lanes, windows or state."""
    sums = Statistics()
    for piece in pieces:
        targets, ends = piece[None], np.eye(len(piece), dtype=np.float32)[None, -1]
        inputs = np.concatenate([np.zeros((1, 1, 84), np.uint8), targets[:, :-1]], axis=1)
        whole = {"inputs": inputs, "clock": np.zeros(inputs.shape[:2], np.int32), "targets": targets}
        logits = posterior_logits(loss, model(whole, training=False))
        mask = tf.ones(targets.shape[:2])
        sounds = (tf.cast(cells != 0, tf.float32) for cells in (inputs, targets))
        wanted = decision_targets(tf.constant(inputs), tf.constant(targets), ends, articulation=True)
        sums.add(batch_statistics(logits[..., :84], *sounds, mask) | other_decisions(logits, wanted, mask, 84))
    return sums


@pytest.mark.parametrize("loss", [LossConfig(loss="bce"), FOCAL], ids=["bce", "focal"])
@pytest.mark.parametrize(("window", "lanes"), [(8, 2), (30, 8), (1, 3)])
def test_windows_and_lanes_give_what_whole_pieces_give(model, pieces, corpus, loss, window, lanes):
    dataset = evaluation_dataset(corpus, DatasetConfig(window_steps=window, batch_size=lanes))
    results = model_evaluator(model, loss).statistics(dataset).results(0.05, 0.05)
    expected = piece_by_piece(model, pieces, loss).results(0.05, 0.05)
    for name in ("nll", "nll_strikes", "nll_ends"):
        assert results[name] == pytest.approx(expected[name], rel=1e-6)
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
    model = build_model(ModelConfig(conv_filters=4, gru_units=4, head="independent"), seed=2)
    evaluator = model_evaluator(model, LossConfig())
    dataset = evaluation_dataset(corpus, DatasetConfig(window_steps=8, batch_size=2))
    before = evaluator.statistics(dataset).results()["nll"]
    model.get_layer("head").bias.assign(np.full(169, -3.0, np.float32))
    traces = evaluator._step.experimental_get_tracing_count()
    after = evaluator.statistics(dataset).results()["nll"]
    assert evaluator._step.experimental_get_tracing_count() == traces == 1
    assert after < before / 2


def test_a_lane_is_reset_and_the_others_continue():
    # A predictor that counts the steps since its piece began; reset after two batches in lane 1 alone.
    def count(batch, state):
        (seen,) = state
        logits = tf.broadcast_to((seen + 1.0)[:, None, None], tf.shape(batch["inputs"]))
        return logits, (seen + 1.0,)

    roll = np.zeros((2, 1, 84), np.uint8)
    resets = np.array([[True, True], [False, False], [False, True]])
    same = {"inputs": tf.constant(roll), "targets": tf.constant(roll), "mask": tf.ones((2, 1))}
    dataset = [same | {"reset": tf.constant(reset)} for reset in resets]
    sums = Evaluator(count, lambda batch: (tf.zeros(batch),)).statistics(dataset)
    expected = 84 * np.logaddexp(0, [1, 1, 2, 2, 3, 1]).sum()
    assert sums.nll == pytest.approx(expected, rel=1e-6)
