"""Key signatures of scales, and what has no clear one."""

import numpy as np
import pytest

from pianoroll_tf.generation.key import Key, estimate_key


@pytest.mark.parametrize(
    ("pitches", "sharps"),
    [((0, 2, 4, 5, 7, 9, 11), 0), ((2, 4, 6, 7, 9, 11, 1), 2), ((10, 0, 2, 3, 5, 7, 9), -2), ((), 0)],
)
def test_the_key_signature_is_that_of_the_scale(pitches, sharps):
    roll = np.zeros((28, 84), np.uint8)
    for step, pitch in enumerate(pitches):
        roll[4 * step : 4 * step + (8 if not step else 2), 36 + pitch] = 1
    found = estimate_key(roll)
    assert found.sharps == sharps
    assert found.is_clear == bool(pitches)


def test_a_minor_key_has_the_signature_of_its_relative_major():
    roll = np.zeros((40, 84), np.uint8)
    for step, pitch in enumerate((0, 2, 3, 5, 7, 8, 11, 12, 7, 0)):  # C minor, with its leading note
        roll[4 * step : 4 * step + 4, 36 + pitch] = 1
    assert estimate_key(roll) == Key(sharps=-3, is_minor=True, is_clear=True)


def test_silence_and_a_chromatic_scale_have_no_clear_key():
    assert not estimate_key(np.zeros((4, 84), np.uint8)).is_clear
    assert not estimate_key(np.eye(12, 84, 36, np.uint8)).is_clear
    whole_tones = np.eye(12, 84, 36, np.uint8)[::2]
    assert not estimate_key(whole_tones).is_clear
