"""Facts about a window, counted by hand."""

import numpy as np
import pytest

from pianoroll_tf.generation.music.window_features import WINDOW_STEPS, window_features, windows


def bar() -> np.ndarray:
    """Sixteen steps: a chord of C and E for four, C again for two and D for two, a rest, then G for four."""
    roll = np.zeros((16, 84), np.uint8)
    roll[0:4, [36, 40]] = 1
    roll[4:6, 36], roll[6:8, 38] = [2, 1], 1
    roll[12:16, 43] = 1
    return roll


def test_facts_by_hand():
    facts = window_features(np.concatenate([bar()] * 4))
    assert facts["onsets per step"] == pytest.approx(5 / 16)
    assert facts["chords of 1 onsets"] == 0.75
    assert facts["chords of 2 onsets"] == 0.25
    assert facts["notes of 4 steps"] == pytest.approx(3 / 5)
    assert facts["notes of 2 steps"] == pytest.approx(2 / 5)
    assert facts["onsets on place 1 of 4"] == pytest.approx(4 / 5)
    assert facts["onsets on place 3 of 4"] == pytest.approx(1 / 5)
    assert facts["re-struck"] == pytest.approx(1 / 5)
    assert facts["silent steps"] == 0.25
    assert facts["steps with interval 4"] == 0.25
    assert facts["rhythm after 16 steps"] == pytest.approx(1.0)
    assert facts["range"] == 7
    assert facts["pitch classes"] == 4


def test_the_names_are_those_of_every_window():
    silent, random = np.zeros((64, 84), np.uint8), (np.random.default_rng(0).random((64, 84)) < 0.05).astype(np.uint8)
    names = [list(window_features(window)) for window in (silent, random, np.concatenate([bar()] * 4))]
    assert names[0] == names[1] == names[2]
    assert len(names[0]) > 60
    assert all(np.isfinite(value) for value in window_features(silent).values())


def test_a_piece_is_cut_into_whole_windows_and_a_short_one_padded():
    assert [len(windows(np.zeros((steps, 84)))) for steps in (1, 64, 127, 128)] == [1, 1, 1, 2]
    [window] = windows(bar())
    assert window.shape == (WINDOW_STEPS, 84)
    assert not window[16:].any()
