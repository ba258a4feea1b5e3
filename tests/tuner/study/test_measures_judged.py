"""How a model copes with sparsity, counted by hand on a few steps."""

import math

import numpy as np
import pytest
import tensorflow as tf
from tiny_run import random_piece

from pianoroll_tf.config import LossConfig, RunConfig
from pianoroll_tf.data.loading import join_pieces
from pianoroll_tf.data.roll import as_states, from_dense
from tuner.study.measures_judged import MAX_NOTES, Sums, reliability, sparsity, sparsity_statistics, without_correction
from tuner.study.measures_music import first_pieces, music_measures, reference, rolls

SURE, UNSURE = 40.0, math.log(0.3 / 0.7)  # log-odds of 1 and of 0.3


@pytest.fixture
def sums():
    """Four steps of which the last is masked; a cell is called from 0.5 on.

    step 0: pitches 0 and 1 sound; 0 is called, 1 has 0.3   step 1: silence; pitch 83 has 0.3
    step 2: silence; pitch 0 is called                      step 3: all sound, nothing is called
    """
    logits, targets = np.full((1, 4, 84), -SURE, np.float32), np.zeros((1, 4, 84), np.float32)
    targets[0, 0, [0, 1]] = 1
    logits[0, 0, :2] = SURE, UNSURE
    logits[0, 1, 83] = UNSURE
    logits[0, 2, 0] = SURE
    targets[0, 3] = 1
    found = Sums()
    batch = sparsity_statistics(0.5)(*map(tf.constant, (logits, targets, targets, [[1.0, 1.0, 1.0, 0.0]])))
    found.add(batch)
    found.add(batch)
    return found


def test_sparsity_by_hand(sums):
    frequency = np.zeros(84)
    frequency[:3] = 0.1, 0.03, 0.001  # frequent, common; the others are rare
    measures, tables = sparsity(sums, frequency)
    assert measures == {
        "step_density_error": pytest.approx((0.7 + 0.3 + 1.0) / 3),  # 1.3 for 2 notes, 0.3 for none, 1 for none
        "silent_predicted": pytest.approx(1 / 3),
        "silent_ratio": pytest.approx(1 / 2),
        "recall_rare": None,  # none of them sounds
        "recall_uncommon": None,
        "recall_common": 0.0,
        "recall_frequent": 1.0,
    }
    assert tables["pitch"]["cells"] == [2, 2, *[0] * 82]
    assert tables["pitch"]["recall"] == [1.0, 0.0, *[None] * 82]
    assert tables["polyphony"]["notes"] == list(range(MAX_NOTES + 1))
    assert tables["polyphony"]["steps"] == [4, 0, 2, *[0] * (MAX_NOTES - 2)]
    assert tables["polyphony"]["predicted"][:3] == [pytest.approx(0.65), None, pytest.approx(1.3)]


@pytest.mark.parametrize(("threshold", "called"), [(0.0, 84), (0.3 - 1e-6, 1), (0.31, 0), (1.0, 0)])
def test_thresholds_at_their_ends(threshold, called):
    logits = np.full((1, 1, 84), -SURE, np.float32)
    logits[0, 0, 5] = UNSURE
    batch = sparsity_statistics(threshold)(
        *map(tf.constant, (logits, logits, np.ones((1, 1, 84), np.float32), [[1.0]]))
    )
    assert batch["hits"].numpy().sum() == called
    assert batch["silent_predicted"].numpy() == float(called == 0)


def test_many_notes_are_in_the_last_row():
    ones = np.ones((1, 1, 84), np.float32)
    batch = sparsity_statistics(0.5)(*map(tf.constant, (ones * SURE, ones, ones, [[1.0]])))
    assert batch["steps"].numpy().tolist() == [0] * MAX_NOTES + [1]
    assert batch["expected"].numpy()[-1] == 84


def test_an_empty_bin_of_the_reliability_is_none():
    class Curve:
        def reliability(self):
            return {"probability": np.array([0.1, np.nan]), "cells": np.array([3.0, 0.0])}

    assert reliability(Curve()) == {"probability": [0.1, None], "cells": [3.0, 0.0]}


def test_the_raw_ablation_takes_the_output_for_the_posterior():
    config = RunConfig(loss=LossConfig(loss="focal", gamma=1.0))
    assert without_correction(config).loss.loss == "bce"
    assert without_correction(config).model == config.model


def test_rolls_of_a_corpus_are_its_pieces():
    pieces = [random_piece(steps, seed=steps) for steps in (7, 1, 12)]
    sparse = [from_dense(piece) for piece in pieces]
    corpus = join_pieces([roll.counts for roll in sparse], [roll.cells for roll in sparse])
    for articulation in (False, True):
        for ours, theirs in zip(rolls(corpus, articulation), pieces, strict=True):
            np.testing.assert_array_equal(ours, as_states(theirs))
    again = from_dense(np.pad([[2], [2]], [[0, 0], [0, 83]]))  # struck twice
    corpus = join_pieces([again.counts], [again.cells])
    assert [rolls(corpus, articulation)[0][:, 0].tolist() for articulation in (True, False)] == [[2, 2], [2, 1]]


def test_the_first_pieces_of_a_corpus():
    pieces = [random_piece(steps, seed=steps) for steps in (7, 5, 12)]
    sparse = [from_dense(piece) for piece in pieces]
    corpus = join_pieces([roll.counts for roll in sparse], [roll.cells for roll in sparse])
    assert [len(rolls(first_pieces(corpus, steps))) for steps in (1, 11, 12, 23, 24, 99)] == [1, 1, 2, 2, 3, 3]
    np.testing.assert_array_equal(rolls(first_pieces(corpus, 12))[1], as_states(pieces[1]))


def test_the_test_music_against_itself():
    real = reference([random_piece(64, seed=seed) for seed in range(6)], 16)
    assert len(real.parts) == 24
    measures = music_measures(real.parts, real)
    assert measures["music_overlap"] == pytest.approx(1, abs=1e-3)
    assert measures["music_pitch_distance"] == 0
    assert all(0 < area < 1 for area, _ in real.ceiling.values() if area != pytest.approx(1))
