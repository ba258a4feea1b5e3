"""Friedman's test and its pairs, counted by hand."""

import math

import pytest
from scipy import stats

from tuner.study.rank_test import rank_test


def test_ranks_over_blocks_by_hand():
    """Mean ranks 1, 2 and 3 over four blocks: normal scores 1 / √(3 · 4 / 24) and twice that."""
    found = rank_test({"a": [1, 2, 3, 4], "b": [2, 3, 4, 5], "c": [3, 4, 5, 6]})
    assert found.ranks.mean == {"a": 1.0, "b": 2.0, "c": 3.0}
    assert found.ranks.p == pytest.approx(math.exp(-4))
    one, two = (2 * stats.norm.sf(gap / math.sqrt(0.5)) for gap in (1, 2))
    assert [(first, second, gap) for first, second, gap, *_ in found.pairs] == [
        ("a", "b", -1.0),
        ("a", "c", -2.0),
        ("b", "c", -1.0),
    ]
    assert [p for *_, p, _ in found.pairs] == pytest.approx([one, two, one])
    assert [p for *_, p in found.pairs] == pytest.approx([2 * one, 3 * two, 2 * one])


def test_blocks_without_values_are_left_out():
    assert rank_test({"a": [1.0, None], "b": [2.0, None], "c": [3.0, None]}).ranks.seeds == 1
    assert rank_test({"a": [None], "b": [None]}) is None
    assert rank_test({"a": [1.0]}) is None
    assert rank_test({"a": [1.0, 2.0], "b": [2.0, 3.0]}).pairs == []  # Friedman's test needs three
