"""The baselines on a split that can be counted by hand."""

import shutil

import numpy as np
import pytest
import tensorflow as tf
from tiny_run import tiny_config, tiny_records

from pianoroll_tf.data.loading import join_pieces, load_corpus
from pianoroll_tf.data.pipeline import evaluation_dataset
from pianoroll_tf.data.roll import from_dense
from pianoroll_tf.data.stream import Stream
from pianoroll_tf.modeling import baselines


def corpus_of(*rolls):
    sparse = [from_dense(2 * roll) for roll in rolls]  # struck at every step
    return join_pieces([roll.counts for roll in sparse], [roll.cells for roll in sparse])


def pitch_zero(*steps):
    """A roll in which pitch 0 sounds as given, and pitch 83 always."""
    roll = np.zeros((len(steps), 84), np.uint8)
    roll[:, 0], roll[:, 83] = steps, 1
    return roll


@pytest.fixture
def corpus():
    return corpus_of(pitch_zero(1, 1, 0, 1), pitch_zero(1, 0))


def odds(sounding, silent):
    return np.log((sounding + 0.5) / (silent + 0.5))


def test_note_frequency(corpus):
    logits = baselines.note_frequency(corpus)
    assert logits.dtype == np.float32
    assert logits[0] == pytest.approx(odds(4, 2))
    assert logits[83] == pytest.approx(odds(6, 0))
    assert logits[1] == pytest.approx(odds(0, 6))


def test_copy_the_last_step(corpus):
    silent, sounding = baselines.copy_the_last_step(corpus)
    # Pitch 0, first piece: off→1, on→1, on→0, off→1; second: off→1, on→0.
    assert silent[0] == pytest.approx(odds(3, 0))
    assert sounding[0] == pytest.approx(odds(1, 2))
    # Pitch 83: each piece begins after silence, then it is held: on→on 3 + 1 times.
    assert silent[83] == pytest.approx(odds(2, 0))
    assert sounding[83] == pytest.approx(odds(4, 0))
    # A pitch that never sounds: off→off at every step, and no word on what follows it.
    assert silent[1] == pytest.approx(odds(0, 6))
    assert sounding[1] == 0


def test_copy_equals_counting_step_by_step():
    rng = np.random.default_rng(0)
    rolls = [(rng.random((steps, 84)) < 0.3).astype(np.uint8) for steps in (1, 7, 30, 2)]
    counts = np.zeros((2, 2, 84))  # [before, now, pitch]
    for roll in rolls:
        for before, now in zip(np.vstack([np.zeros((1, 84), int), roll]), roll, strict=False):
            counts[before, now, np.arange(84)] += 1
    expected = np.log((counts[:, 1] + 0.5) / (counts[:, 0] + 0.5))
    np.testing.assert_allclose(baselines.copy_the_last_step(corpus_of(*rolls)), expected, rtol=1e-6)


@pytest.mark.parametrize("name", baselines.BASELINES)
def test_a_baseline_is_judged_like_a_model(name, corpus):
    # What is judged is the split it was fitted on, so the mean NLL can be counted by hand.
    table = {"note_frequency": [(4, 2)], "copy_last_step": [(3, 0), (1, 2)]}[name]
    steady = {"note_frequency": [(6, 0)], "copy_last_step": [(2, 0), (4, 0)]}[name]
    never = [(0, 6)]

    def nll(counted):
        return sum(
            -(on * np.log((on + 0.5) / (on + off + 1)) + off * np.log((off + 0.5) / (on + off + 1)))
            for on, off in counted
        )

    targets = np.stack([pitch_zero(1, 1, 0, 1), np.vstack([pitch_zero(1, 0), np.zeros((2, 84))])]).astype(np.float32)
    inputs = np.concatenate([np.zeros((2, 1, 84), np.float32), targets[:, :-1]], axis=1)
    mask = np.array([[1, 1, 1, 1], [1, 1, 0, 0]], np.float32)
    ends = np.array([[0, 0, 0, 1], [0, 1, 0, 0]], np.float32)
    batch = {"inputs": inputs, "targets": 2 * targets, "ends": ends, "mask": mask, "reset": np.array([True, True])}
    dataset = tf.data.Dataset.from_tensors(batch)
    results = baselines.BASELINES[name](corpus).statistics(dataset).results()
    assert results["nll"] == pytest.approx((nll(table) + nll(steady) + 82 * nll(never)) / 6, rel=1e-5)
    assert results["density_true"] == pytest.approx(10 / (6 * 84))
    # Struck again: pitch 0 once, pitch 83 four times, each time that a pitch sounds on; two pieces end in six steps.
    assert results["nll_strikes"] == pytest.approx(5 * -np.log(5.5 / 6) / 6, rel=1e-5)
    assert results["nll_ends"] == pytest.approx(nll([(2, 4)]) / 6, rel=1e-5)


def test_what_a_run_must_beat_is_the_validation_nll_of_copying(tmp_path):
    records = tiny_records(tmp_path / "records")
    config = tiny_config(records)
    corpora = [load_corpus(records, split) for split in ("train", "val")]
    evaluator = baselines.BASELINES["copy_last_step"](corpora[0])
    expected = evaluator.statistics(evaluation_dataset(corpora[1], config.dataset)).results()["nll"]
    assert baselines.copying_nll(config) == expected
    shutil.rmtree(records)
    assert baselines.copying_nll(config) is None


def test_the_baselines_of_a_stream_are_those_of_memory(tmp_path):
    records = tiny_records(tmp_path / "records")
    corpus, stream = load_corpus(records, "train"), Stream(records, "train", buffer_steps=50)
    assert len(list(stream.parts())) > 3
    for measure in (baselines.note_frequency, baselines.copy_the_last_step, baselines.strikes_and_ends):
        np.testing.assert_array_equal(measure(stream), measure(corpus))
