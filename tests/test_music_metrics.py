"""Facts about rolls that are counted by hand."""

import numpy as np
import pytest

from pianoroll_tf.generation.music_metrics import MusicFacts, in_words, longest_run, measure


def test_counted_by_hand():
    roll = np.zeros((5, 84), np.uint8)
    roll[0:2, 0] = 1  # MIDI 24 for two steps
    roll[1:4, 83] = 255  # MIDI 107 for three
    assert measure(roll) == MusicFacts(
        density=5 / 420,
        polyphony=5 / 4,  # steps 0 to 3 sound
        empty_steps=pytest.approx(0.2),
        longest_note=3,
        lowest_pitch=24,
        highest_pitch=107,
    )


def test_silence():
    assert measure(np.zeros((3, 84))) == MusicFacts(0.0, 0.0, 1.0, 0, None, None)


def test_silence_in_words():
    assert in_words(np.zeros((3, 84)), 8) == "silent"


def test_endless_chord():
    assert measure(np.ones((7, 84))) == MusicFacts(1.0, 84.0, 0.0, 7, 24, 107)


def test_a_run_does_not_go_on_in_the_next_pitch():
    roll = np.zeros((4, 84), bool)
    roll[2:, 10] = roll[:2, 11] = True
    assert longest_run(roll) == 2


@pytest.mark.parametrize("shape", [(0, 84), (3, 83), (84,), (1, 3, 84)])
def test_other_shapes_are_refused(shape):
    with pytest.raises(ValueError, match=r"roll must be of shape \[steps >= 1, 84\]. Received: shape="):
        measure(np.zeros(shape))
