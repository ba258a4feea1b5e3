"""Friedman's test and its pairs, counted by hand."""

import math

import pytest

from tuner.study.rank_test import rank_test


def test_ranks_over_blocks_by_hand():
    """Mean ranks 1, 2 and 3 over four blocks: of 6⁴ orders 6 are as extreme; four equal signs of 2⁴ have p = 1 / 8."""
    found = rank_test({"a": [1, 2, 3, 4], "b": [2, 3.1, 4.2, 5.3], "c": [3, 4.2, 5.4, 6.6]})
    assert found.ranks.mean == {"a": 1.0, "b": 2.0, "c": 3.0}
    assert found.ranks.p == pytest.approx(6 / 6**4, abs=0.002)
    assert [(first, second, gap) for first, second, gap, *_ in found.pairs] == [
        ("a", "b", -1.0),
        ("a", "c", -2.0),
        ("b", "c", -1.0),
    ]
    assert [p for *_, p, _ in found.pairs] == pytest.approx([1 / 8] * 3)
    assert [p for *_, p in found.pairs] == pytest.approx([3 / 8] * 3)


def test_many_blocks_have_the_chi_squared_distribution():
    rows = {name: [by + k * k for k in range(16)] for name, by in (("a", 0), ("b", 1), ("c", 2))}
    assert rank_test(rows).ranks.p == pytest.approx(math.exp(-16))


@pytest.mark.parametrize("lower", [True, False])
def test_missing_values_are_the_worst_of_a_pair(lower):
    """Differences -1, -2, -3 and one larger than all: against the others 4 of 10 ranks, else with them."""
    sign = 1 if lower else -1
    a, b = [0.0, 0.0, 0.0, None], [sign * 1.0, sign * 2.0, sign * 3.0, 0.0]
    [(*_, gap, p, _)] = rank_test({"a": a, "b": b}, lower).pairs
    assert (gap, p) == (-0.5, 0.875)  # 14 of 16 signs have a rank sum of at most 4 or at least 6
    [(*_, gap, p, _)] = rank_test({"a": [*a[:3], 0.0], "b": [*b[:3], None]}, lower).pairs
    assert (gap, p) == (-1.0, 0.125)


def test_blocks_without_values_are_left_out():
    assert rank_test({"a": [1.0, None], "b": [2.0, None], "c": [3.0, None]}).ranks.seeds == 1
    assert rank_test({"a": [None], "b": [None]}) is None
    assert rank_test({"a": [1.0]}) is None
    two = rank_test({"a": [1.0, 2.0], "b": [2.0, 3.5]})
    assert (two.ranks.p, two.pairs) == (None, [("a", "b", -1.0, 0.5, 0.5)])  # Friedman's test needs three
