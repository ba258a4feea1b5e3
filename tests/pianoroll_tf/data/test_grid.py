"""Tests of pianoroll_tf.data.grid: beats where they carry a metre, seconds where they do not."""

import numpy as np
import pytest

from pianoroll_tf.data.clock import Meter
from pianoroll_tf.data.grid import decide, evidence
from pianoroll_tf.data.roll import steps_to_roll


def piece(starts) -> object:
    starts = np.sort(np.asarray(starts))
    return steps_to_roll(starts, starts + 1, np.full(len(starts), 60))


def waltz(bars: int) -> np.ndarray:
    """An onset on each beat of 3/4, and one on the second half of the first."""
    return (np.arange(bars)[:, None] * 12 + [0, 2, 4, 8]).ravel()


def test_the_evidence_of_a_waltz_by_hand():
    covariance, variance, *places = evidence(piece(waltz(20)), ((0, Meter(3, 4)),), 4)
    assert places == [60, 0, 20, 0]
    assert covariance / variance > 0.95  # but for the ends, each bar is the one before


def test_metric_music_gets_beats():
    grid, reason = decide([evidence(piece(waltz(20)), ((0, Meter(3, 4)),), 4)] * 3)
    assert grid == "beats"
    assert "carry a metre: 75% of the onsets" in reason


@pytest.mark.parametrize("seed", range(5))
def test_free_rhythm_gets_seconds(seed):
    rng = np.random.default_rng(seed)
    pieces = [evidence(piece(rng.choice(2000, 600, replace=False)), (), 4) for _ in range(5)]
    grid, reason = decide(pieces)
    assert grid == "seconds"
    assert "carry no metre" in reason


def test_density_that_comes_and_goes_is_no_metre():
    rng = np.random.default_rng(0)
    chance = 0.2 + 0.18 * np.sin(np.arange(4000) / 60)
    assert decide([evidence(piece(np.flatnonzero(rng.random(4000) < chance)), (), 4)])[0] == "seconds"


def test_onsets_on_the_beat_that_never_recur_get_seconds():
    rng = np.random.default_rng(0)
    starts = np.flatnonzero(rng.random(1000) < 0.5) * 4
    starts = starts + np.arange(len(starts)) // 7 * 5  # the beat moves on every seven onsets
    assert decide([evidence(piece(starts), (), 4)])[0] == "seconds"


def test_the_order_of_pieces_does_not_matter_and_silence_counts_nothing():
    pieces = [(5.0, 10.0, 30, 1, 9, 0), (0.0, 4.0, 3, 1, 2, 2), (0.0, 0.0, 0, 0, 0, 0)]
    assert decide(pieces) == decide(pieces[::-1])
    assert decide([])[0] == "seconds"
