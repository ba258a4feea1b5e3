"""Distances between two sets of pieces: counted by hand, held against scipy, at their extremes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from scipy import stats

from tuner.study.measures import MUSIC
from tuner.study.music_distance import (
    FEATURES,
    Values,
    bandwidth,
    compare,
    cut,
    distribution,
    halves,
    join,
    overlap,
)


def values(*numbers):
    """A distribution of single numbers."""
    return Values(*(part.astype(float) for part in np.unique(numbers, return_counts=True)))


def piece(*notes, steps=16):
    """A roll of (start, end, pitch) notes."""
    roll = np.zeros((steps, 84), np.uint8)
    for start, end, pitch in notes:
        roll[start:end, pitch - 24] = 1
    return roll


ONE = piece((0, 4, 60), (2, 4, 64), (8, 9, 67), (8, 16, 72))

# Feature → its values in ONE, sorted, by hand.
GOLDEN = {
    "density": [(4 + 2 + 1 + 8) / (16 * 84)],
    "polyphony": [15 / 12],
    "pitch": [60] * 4 + [64] * 2 + [67] + [72] * 8,
    "pitch_class": [0] * 12 + [4] * 2 + [7],
    "note_length": [1, 2, 4, 8],
    "onset_interval": [2, 6],
    "scale_consistency": [1.0],
    "longest_note": [8],
    "empty_steps": [4 / 16],
}


@pytest.mark.parametrize("name", FEATURES)
def test_every_fact_by_hand(name):
    found = distribution(name, [ONE])
    assert np.repeat(found.values, found.weights.astype(int)).tolist() == pytest.approx(GOLDEN[name])


def test_a_distribution_counts_each_value():
    roll = np.zeros((4, 84), np.uint8)
    roll[:3, 0] = roll[0, 7] = roll[2, 9] = 1
    assert distribution("note_length", [roll]).weights.tolist() == [2.0, 1.0]  # two notes of 1 step, one of 3


def test_distance_and_bandwidth_by_hand():
    assert compare("pitch", values(0, 1), values(5))[1] == 4.5
    assert bandwidth(Values(np.array([-1.0, 1.0]), np.array([16.0, 16.0]))) == 0.5  # 32^(-1/5)


def test_the_table_names_every_fact():
    assert list(MUSIC) == list(FEATURES) == list(GOLDEN)


@pytest.mark.parametrize("name", FEATURES)
def test_the_same_music_is_not_apart(name):
    same = distribution(name, [ONE, piece((1, 3, 30), (4, 7, 90), (8, 9, 31))])
    area, distance = compare(name, same, same)
    assert area == pytest.approx(1, abs=1e-3)
    assert distance == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("name", FEATURES)
def test_silence_shares_nothing_but_is_no_error(name):
    area, distance = compare(name, distribution(name, [np.zeros((16, 84))]), distribution(name, [ONE, ONE]))
    assert 0 <= area < 0.5
    assert (distance is None) == (
        name in ("pitch", "pitch_class", "note_length", "onset_interval", "scale_consistency")
    )


def test_overlap_of_two_normal_bells():
    """Two normal distributions of unit width whose means are 2 apart overlap by 2 Phi(-1) = 0.3173."""
    grid = stats.norm.ppf((np.arange(4000) + 0.5) / 4000)
    area = overlap(values(*(grid + 2)), values(*grid))
    smoothed = np.hypot(1, bandwidth(values(*grid)))  # kernels make the bells a little wider
    assert area == pytest.approx(2 * stats.norm.cdf(-1 / smoothed), abs=2e-3)


@given(
    some.lists(some.integers(0, 50), min_size=2, max_size=30), some.lists(some.integers(0, 50), min_size=1, max_size=30)
)
@settings(max_examples=40, deadline=None)
def test_overlap_against_kernel_densities_of_scipy(reference, music):
    width = bandwidth(values(*reference))
    if width < 0.2:
        return
    points = np.linspace(-150, 200, 8001)
    densities = [
        np.mean(stats.norm.pdf(points[:, None], np.array(sample)[None], width), axis=1) for sample in (music, reference)
    ]
    oracle = np.trapezoid(np.minimum(*densities), points)
    assert overlap(values(*music), values(*reference)) == pytest.approx(oracle, abs=5e-3)


def test_a_set_whose_values_are_all_alike():
    assert overlap(values(3, 3, 3), values(3, 3)) == pytest.approx(1, abs=1e-3)
    assert overlap(values(3, 3, 3), values(7, 7)) == pytest.approx(0, abs=1e-3)


def test_lengths_are_compared_by_ratio():
    near, far = (overlap(values(*sample), values(1, 2, 4, 8), logarithmic=True) for sample in ([16], [64]))
    assert near > far
    assert compare("note_length", values(16), values(8, 8))[1] == 8  # the distance stays in steps


def test_pitch_classes_go_round():
    """From B to C is one semitone; from F sharp it is six, whichever way."""
    for pitch_class, distance in ((11, 1), (1, 1), (6, 6), (3, 3), (0, 0)):
        area, found = compare("pitch_class", values(pitch_class), values(0))
        assert (area, found) == (float(pitch_class == 0), distance)
    assert compare("pitch_class", values(0, 0, 4), values(0, 4, 4)) == (pytest.approx(2 / 3), pytest.approx(4 / 3))


@given(
    some.lists(some.integers(0, 11), min_size=1, max_size=12), some.lists(some.integers(0, 11), min_size=1, max_size=12)
)
@settings(max_examples=40, deadline=None)
def test_the_way_round_the_circle_is_never_longer(one, other):
    _, distance = compare("pitch_class", values(*one), values(*other))
    ways = [
        stats.wasserstein_distance([(x + turn) % 12 for x in one], [(x + turn) % 12 for x in other])
        for turn in range(12)
    ]
    assert distance <= min(ways) + 1e-9


def test_join_is_the_distribution_of_all():
    other = piece((0, 2, 60), (5, 6, 61))
    both = join([distribution("note_length", [ONE]), distribution("note_length", [other])])
    assert both.values.tolist() == [1, 2, 4, 8]
    assert both.weights.tolist() == [2, 2, 1, 1]


def test_halves_are_of_whole_pieces():
    groups = [values(1, 1, 1), values(5)]  # one piece each, so the halves are always these
    area, distance = halves("density", groups)
    assert distance == 4
    assert 0 <= area < 1
    assert halves("density", groups[:1]) == (0.0, None)
    assert halves("density", groups * 4) == halves("density", groups * 4)


@pytest.mark.parametrize(
    ("steps", "lengths"), [(0, []), (1, [1]), (7, [7]), (8, [8]), (11, [8]), (12, [8, 4]), (24, [8, 8, 8])]
)
def test_pieces_are_cut_in_parts(steps, lengths):
    assert [len(part) for part in cut(np.zeros((steps, 84)), 8)] == lengths


def test_parts_of_a_long_and_of_a_short_piece():
    assert [len(part) for part in cut(np.zeros((1300, 84)), 512)] == [512, 512, 276]
    assert len(cut(np.zeros((9, 84)), 512)) == 1
