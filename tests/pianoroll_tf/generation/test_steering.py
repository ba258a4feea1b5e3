"""What generated music keeps to: which pitches may sound at which step, and what is refused."""

import numpy as np
import pytest

from pianoroll_tf.generation.steering import NO_STEERING, Chord, PitchRange, Steering


def pitches(steering, first=0, steps=1):
    """The MIDI pitches that may sound at each step."""
    return [(np.flatnonzero(step) + 24).tolist() for step in steering.allowed(first, steps)]


def test_without_limits_everything_may_sound():
    assert NO_STEERING.allowed(5, 2).all()
    assert NO_STEERING.allowed(5, 2).shape == (2, 84)
    assert NO_STEERING.is_free
    assert Steering(scale=tuple(range(11, -1, -1))).is_free
    assert not Steering(polyphony=83).is_free
    assert not Steering(highest=106).is_free
    assert not Steering(chords=(Chord(9, (0,)),)).is_free


def test_range_scale_and_silent_voices_are_combined():
    steering = Steering(lowest=58, highest=74, scale=(0, 2, 4), silent=(PitchRange(60, 61), PitchRange(74, 107)))
    assert pitches(steering) == [[62, 64, 72]]


def test_a_chord_lasts_until_the_next_and_keeps_to_the_scale():
    steering = Steering(lowest=60, highest=71, scale=(0, 4, 7, 9), chords=(Chord(2, (0, 4)), Chord(4, (4, 5, 9))))
    free, c, f = [60, 64, 67, 69], [60, 64], [64, 69]
    assert pitches(steering, steps=6) == [free, free, c, c, f, f]
    assert pitches(steering, first=3, steps=2) == [c, f]
    assert pitches(steering, first=1000) == [f]


def test_values_as_in_json_and_as_flags():
    chords = [{"step": 0, "pitch_classes": [0, 4, 7]}, {"step": 16, "pitch_classes": [5, 9, 0]}]
    steering = Steering.of(chords=chords, silent=[[24, 59]], scale=[0, 4, 5, 7, 9])
    flags = (Chord.from_text("0:0,4,7"), Chord.from_text("16:5,9,0"))
    assert steering == Steering(chords=flags, silent=(PitchRange.from_text("24-59"),), scale=(0, 4, 5, 7, 9))


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({"lowest": 23}, "lowest must be a whole number >= 24 and <= 107. Received: lowest=23"),
        ({"lowest": 61, "highest": 60}, "lowest must be at most highest. Received: lowest=61, highest=60"),
        ({"scale": []}, "scale must be distinct pitch classes 0..11, at least one. Received: scale=none"),
        ({"scale": [0, 0]}, "Received: scale=0, 0"),
        ({"scale": [12]}, "scale must be distinct"),
        ({"scale": [True]}, "Received: scale=True"),
        ({"scale": "C"}, "scale must be a list of pitch classes 0..11. Received: scale='C'"),
        ({"scale": 3}, "Received: scale=3"),
        ({"scale": "C" * 10**6}, "Received: scale='CCCC"),
        ({"scale": ["C" * 10**6] * 12}, "Received: scale='CCCC"),
        ({"chords": [["C"] * 10**5]}, "Received: ['C', 'C'"),
        ({"silent": [["C"] * 10**5]}, "Received: ['C', 'C'"),
        ({"chords": [{"step": 0}]}, "chords must be a list of at most 4096 chords"),
        ({"chords": [[0, [0]]]}, "chords must be"),
        ({"chords": [(-1, [0])]}, "Received: step=-1"),
        ({"chords": [(4, [0]), (4, [2])]}, "Received: step 4 after 4"),
        (
            {"chords": [(0, [0]), (8, [1, 3])], "scale": [0, 2]},
            "a pitch class of the scale. Received: 1,3 at step 8, scale=0,2",
        ),
        ({"chords": [(0, [])]}, "pitch_classes of chords must be distinct"),
        ({"chords": [(0, [[]])]}, "pitch_classes of chords must be distinct"),
        ({"chords": [(0, [0])] * 4097}, "Received: 4097 of them"),
        ({"silent": [[60, 59]]}, "silent must be ranges [lowest, highest] of MIDI pitches 24 to 107"),
        ({"silent": [[23, 30]]}, "Received: silent=[23, 30]"),
        ({"silent": [60]}, "silent must be a list of ranges [lowest, highest]. Received: 60"),
        ({"polyphony": 0}, "polyphony must be a whole number >= 1 and <= 84. Received: polyphony=0"),
    ],
)
def test_what_is_refused(values, text):
    with pytest.raises(ValueError, match="Received") as caught:
        Steering.of(**values)
    assert text in str(caught.value)
    assert len(str(caught.value)) < 1300


@pytest.mark.parametrize("text", ["", "0", "x:0", "0:x", "-1:0", "1.5:0", "0:1,,2"])
def test_a_chord_that_is_no_chord(text):
    with pytest.raises(ValueError, match="Received"):
        Steering(chords=(Chord.from_text(text),))


@pytest.mark.parametrize("text", ["", "60", "60-", "C4-C5", "-60"])
def test_a_range_that_is_no_range(text):
    with pytest.raises(ValueError, match="silent must be ranges"):
        Steering(silent=(PitchRange.from_text(text),))
