"""Rolls as lists of pitches."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pianoroll_tf.serving.refusals import InvalidRequestError
from pianoroll_tf.serving.roll_json import from_pitches, to_pitches

ROLLS = st.lists(st.lists(st.integers(24, 107), unique=True).map(sorted), max_size=20)


@settings(max_examples=30)
@given(ROLLS)
def test_there_and_back(roll):
    assert to_pitches(from_pitches("primer", roll, max_steps=20)) == roll


def test_by_hand():
    roll = np.zeros((3, 84), np.uint8)
    roll[0, [0, 83]] = 1
    roll[2, 36] = 1
    assert to_pitches(roll) == [[24, 107], [], [60]]


def test_a_part_knows_what_it_continues():
    roll = np.zeros((4, 84), np.uint8)
    roll[:, 36] = [2, 1, 2, 1]
    assert to_pitches(roll) == [[60], [60], [-60], [60]]
    assert to_pitches(roll[2:], roll[:2]) == [[-60], [60]]
    assert to_pitches(roll[2:], roll[:0]) == to_pitches(roll[2:]) == [[60], [60]]


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("x", "primer must be a list of at most 2 steps, each a list of MIDI pitches. Received: a string"),
        ([[], [], []], "Received: 3 steps"),
        ([60], r"primer[0] must be a list of MIDI pitches. Received: a number"),
        ([[], [23]], "pitches in primer[1] must be a whole number >= 24 and <= 107, or its negative. Received: 23"),
        ([[108]], "Received: 108"),
        ([[True]], "Received: true"),
        ([[60.0]], "Received: 60.0"),
        ([[float("nan")]], "Received: nan"),
        ([[None]], "Received: null"),
        ([[], [60] * 85], "primer[1] must have at most 84 pitches. Received: 85 pitches"),
    ],
)
def test_what_is_refused(value, words):
    with pytest.raises(InvalidRequestError) as caught:
        from_pitches("primer", value, max_steps=2)
    assert words in str(caught.value)
