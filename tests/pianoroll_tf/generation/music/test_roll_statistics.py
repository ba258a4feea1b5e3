"""Facts about rolls that are counted by hand."""

import numpy as np
import pytest

from pianoroll_tf.generation.music.roll_statistics import (
    RollStatistics,
    in_words,
    note_lengths,
    onset_intervals,
    pitch_classes,
    roll_statistics,
    scale_consistency,
)


def test_counted_by_hand():
    roll = np.zeros((5, 84), np.uint8)
    roll[0:2, 0] = 1  # MIDI 24 for two steps
    roll[1:4, 83] = 255  # MIDI 107 for three
    assert roll_statistics(roll) == RollStatistics(
        density=5 / 420,
        polyphony=5 / 4,  # steps 0 to 3 sound
        empty_steps=pytest.approx(0.2),
        longest_note=3,
        lowest_pitch=24,
        highest_pitch=107,
    )


def test_silence():
    assert roll_statistics(np.zeros((3, 84))) == RollStatistics(0.0, 0.0, 1.0, 0, None, None)


def test_silence_in_words():
    assert in_words(np.zeros((3, 84)), 8) == "silent"


def test_endless_chord():
    assert roll_statistics(np.ones((7, 84))) == RollStatistics(1.0, 84.0, 0.0, 7, 24, 107)


def test_a_run_does_not_go_on_in_the_next_pitch():
    roll = np.zeros((4, 84), bool)
    roll[2:, 10] = roll[:2, 11] = True
    assert roll_statistics(roll).longest_note == 2


@pytest.mark.parametrize("shape", [(0, 84), (3, 83), (84,), (1, 3, 84)])
def test_other_shapes_are_refused(shape):
    with pytest.raises(ValueError, match=r"roll must be of shape \[steps >= 1, 84\]. Received: shape="):
        roll_statistics(np.zeros(shape))


def test_lengths_and_intervals_by_hand():
    roll = np.zeros((8, 84), np.uint8)
    roll[0:3, 0] = 1  # 3 steps, from 0
    roll[2:3, 5] = 9  # 1 step, from 2
    roll[4:8, 5] = 1  # 4 steps, from 4
    roll[4:6, 83] = 1  # 2 steps, from 4
    assert note_lengths(roll).tolist() == [3, 1, 4, 2]
    assert onset_intervals(roll).tolist() == [2, 2]


def test_nothing_sounds():
    silence = np.zeros((5, 84))
    assert note_lengths(silence).tolist() == onset_intervals(silence).tolist() == []
    assert scale_consistency(silence) is None


def test_scale_consistency_by_hand():
    roll = np.zeros((1, 84), bool)
    roll[0, [2, 14, 26]] = True  # D in three octaves
    assert scale_consistency(roll) == 1.0
    roll[0, :12] = True  # and all twelve: 7 of them in a scale with D, and 2 more D
    assert scale_consistency(roll) == 9 / 14


@pytest.mark.parametrize("tonic", range(12))
def test_every_major_scale_is_known(tonic):
    roll = np.zeros((1, 84), bool)
    roll[0, [tonic + 24 + step for step in (0, 2, 4, 5, 7, 9, 11)]] = True
    assert scale_consistency(roll) == 1.0
    roll[0, tonic + 25] = True
    assert scale_consistency(roll) == 7 / 8


def test_pitch_class_of_the_lowest_pitch_is_c():
    counts = np.zeros(84, int)
    counts[[0, 12, 83]] = 1, 2, 4  # C, C, B
    assert pitch_classes(counts).tolist() == [3, *[0] * 10, 4]
