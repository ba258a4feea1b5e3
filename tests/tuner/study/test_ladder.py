"""The values that tuning may try: series, odds, limits, lists."""

import pytest

from tuner.study.ladder import Ladder


def rungs(ladder, *numbers):
    return [ladder.rung(number) for number in numbers]


def test_a_series_goes_on_in_both_directions():
    ladder = Ladder.of({"start": 0.004, "ratio": 2.0})
    assert rungs(ladder, -2, -1, -0.5, 0, 1) == [0.001, 0.002, 0.00283, 0.004, 0.008]
    assert not ladder.is_end(-40, -1)
    assert not ladder.is_end(0, 1)


def test_odds_stay_within_0_and_1():
    ladder = Ladder.of({"start": 0.5, "ratio": 3.0, "scale": "odds"})
    assert rungs(ladder, -2, -1, 0, 1, 2) == [0.1, 0.25, 0.5, 0.75, 0.9]
    assert rungs(ladder, -12, 12) == [1.88e-06, 1 - 1.88e-06]  # never 0 or 1


def test_a_natural_limit_is_the_last_rung():
    ladder = Ladder.of({"start": 2.0, "ratio": 2.0, "least": 0.25, "limit": 0.0}, most=10.0)
    assert rungs(ladder, -5, -4, -3, 2, 3, 4) == [None, 0.0, 0.25, 8.0, 10.0, None]
    assert ladder.rung(2.5) is None
    assert ladder.rung(-3.5) is None  # nothing lies between a quarter and the limit
    assert ladder.is_end(-4, -1)
    assert not ladder.is_end(-3, -1)
    assert not ladder.is_end(2, 1)
    assert ladder.is_end(3, 1)  # more than 10 is not allowed


@pytest.mark.parametrize(("default", "start"), [(0.5, 0.5), (None, 0.9)])
def test_a_list_starts_at_the_default_or_in_the_middle(default, start):
    ladder = Ladder.of((0.0, 0.5, 0.9, 0.95), default)
    assert ladder.rung(0) == start
    assert ladder.rung(0.5) is None
    lowest = -ladder.values.index(start)
    assert ladder.rung(lowest) == 0.0
    assert ladder.is_end(lowest, -1)
    assert not ladder.is_end(lowest, 1)
    assert ladder.rung(lowest - 1) is None


def test_false_and_true():
    ladder = Ladder.of((False, True), default=False)
    assert rungs(ladder, -1, 0, 1, 2) == [None, False, True, None]


def test_the_nearest_rung_of_a_value():
    rates = Ladder.of({"start": 0.004, "ratio": 2.0})
    assert [rates.nearest(value) for value in (0.004, 0.008, 0.00283, 0.0001)] == [0, 1, -0.5, -5.5]
    decay = Ladder.of({"start": 0.01, "ratio": 4.0, "least": 1e-4, "limit": 0.0})
    assert decay.rung(decay.nearest(0.0)) == 0.0
    listed = Ladder.of((False, True), False)
    assert [listed.nearest(value) for value in (False, True, "yes")] == [0, 1, None]
    assert rates.nearest("fast") is None


def test_halves_can_be_left_out():
    ladder = Ladder(start=0.004, halves=False)
    assert rungs(ladder, 0, 0.5, 1) == [0.004, None, 0.008]
    between = Ladder(start=0.01, ratio=4.0, least=1e-3, limit=0.0, first=0.5, halves=False)
    assert rungs(between, 1.5, 1, 0.5, -0.5, -1.5, -2.5) == [0.08, None, 0.02, 0.005, 0.00125, 0.0]
    assert between.is_end(-2.5, -1)
