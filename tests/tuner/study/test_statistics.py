"""Statistics over seeds against cases counted by hand and against all resamples and all signs."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from scipy import stats

from tuner.study.statistics import (
    NOT_SHOWN,
    SHOWN,
    TOO_FEW_SEEDS,
    Summary,
    compare,
    holm,
    interval,
    least_p,
    rank,
    sign_p,
    summarise,
    wilcoxon_p,
)


@pytest.mark.parametrize("values", [[1.0, 2.0, 4.0, 8.0, 16.0], [5.1, 5.2, 5.15, 5.4], [3.0, 5.0]])
def test_the_interval_is_that_of_the_one_sample_t_test(values):
    oracle = stats.ttest_1samp(values, 0.0).confidence_interval(0.95)
    assert interval(values) == pytest.approx((oracle.low, oracle.high))


def test_the_interval_of_two_by_hand():
    """The mean 4, its standard error 1, and 12.706, the 97.5th percentile of one degree of freedom."""
    assert interval([3.0, 5.0]) == pytest.approx((4 - 12.7062, 4 + 12.7062), abs=1e-4)


def test_the_interval_holds_the_mean_of_five_as_often_as_it_says():
    samples = np.random.default_rng(0).normal(size=(4000, 5))
    assert np.mean([low <= 0 <= high for low, high in map(interval, samples)]) == pytest.approx(0.95, abs=0.01)


def test_the_interval_of_equal_values_and_none_for_one_value():
    assert interval([2.0, 2.0, 2.0]) == (2.0, 2.0)
    assert interval([1.0]) is None
    assert interval([]) is None


def test_summary_by_hand():
    found = summarise([2.0, None, 4.0, 6.0])
    assert (found.runs, found.missing, found.mean, found.sd) == (3, 1, 4.0, 2.0)
    assert found.low < 4 < found.high
    found = summarise([1.0, None, 3.0])
    assert (found.runs, found.missing, found.mean, round(found.sd, 3)) == (2, 1, 2.0, 1.414)
    assert summarise([3.0]) == Summary(runs=1, missing=0, mean=3.0, low=None, high=None, sd=None)
    assert summarise([None]) == Summary(runs=0, missing=1, mean=None, low=None, high=None, sd=None)


def all_signs(differences):
    """Two-sided p-value of the signed-rank test: of all 2^n ways to sign the ranks."""
    ranks = stats.rankdata(np.abs(differences))
    ours = abs(np.sum(ranks * np.sign(differences)))
    sums = [abs(np.dot(ranks, signs)) for signs in itertools.product([-1, 1], repeat=len(ranks))]
    return np.mean(np.array(sums) >= ours - 1e-9)


@settings(max_examples=30, deadline=None)
@given(some.lists(some.integers(-6, 6).filter(bool), min_size=2, max_size=8))
def test_wilcoxon_against_all_signs(differences):
    assert wilcoxon_p(differences) == pytest.approx(all_signs(differences))


def test_wilcoxon_with_many_is_that_of_scipy():
    differences = np.arange(1.0, 21.0) * np.where(np.arange(20) % 4, 1, -1)
    assert wilcoxon_p(differences) == stats.wilcoxon(differences).pvalue


def test_the_least_p_value_of_five():
    assert wilcoxon_p([1.0, 2.0, 3.0, 4.0, 5.0]) == least_p(5)


def test_no_difference_has_a_p_value_of_one():
    assert wilcoxon_p([0.0, 0.0, 0.0]) == sign_p([0.0]) == sign_p([]) == wilcoxon_p([1.0]) == 1.0


def test_sign_test_by_hand():
    assert sign_p([1, 2, 3, 4, 5, 6]) == 2 / 64
    assert sign_p([1, 2, 3, 4, 5, -6]) == pytest.approx(2 * 7 / 64)  # none or one of six, on either side
    assert sign_p([1, -1, 0]) == 1.0
    assert sign_p([1.0, 1.0, 1.0, -1.0]) == 0.625  # (1 + 4) * 2 / 16


def test_five_seeds_cannot_show_anything_and_six_can_show_one_pair():
    assert [least_p(n) for n in (0, 1, 2, 5, 6)] == [1.0, 1.0, 0.5, 0.0625, 0.03125]
    five = {"a": [1.0, 2.0, 3.0, 4.0, 5.0], "b": [2.0, 3.1, 4.2, 5.3, 6.4]}
    assert compare(five)[0].verdict == TOO_FEW_SEEDS
    six = {name: [*row, 9.0 + len(row) * (name == "b")] for name, row in five.items()}
    pair = compare(six)[0]
    assert (pair.wilcoxon, pair.sign, pair.verdict) == (0.03125, 0.03125, SHOWN)
    three = compare(six | {"c": [0.0] * 6})  # Holm's correction for three pairs: 0.09375
    assert [pair.verdict for pair in three] == [TOO_FEW_SEEDS] * 3


def test_seeds_that_disagree_show_no_difference():
    [pair] = compare({"a": [1.0, 2.0, 3.0, 4.0], "b": [2.0, 1.0, 4.0, 3.0]})
    assert (pair.mean, pair.effect, pair.verdict) == (0.0, 0.0, NOT_SHOWN)
    assert pair.low < 0 < pair.high
    [pair] = compare({"a": [1.0, 2.0], "b": [1.0, 2.0]})
    assert (pair.mean, pair.effect, pair.wilcoxon, pair.verdict) == (0.0, None, 1.0, NOT_SHOWN)


def test_pairs_are_of_seeds_that_both_have():
    [pair] = compare({"a": [1.0, None, 3.0, 5.0], "b": [0.0, 1.0, None, 2.0]})
    assert (pair.seeds, pair.mean) == (2, 2.0)  # 1 and 3
    assert pair.effect == pytest.approx(2 / math.sqrt(2))
    [pair] = compare({"a": [1.0, 2.0, 3.0], "b": [2.0, 4.0, 6.0]})
    assert (pair.mean, pair.effect, pair.wilcoxon, pair.verdict) == (-2.0, -2.0, 0.25, TOO_FEW_SEEDS)
    [pair] = compare({"a": [None], "b": [1.0]})
    assert (pair.seeds, pair.mean, pair.low, pair.effect, pair.verdict) == (0, None, None, None, NOT_SHOWN)


def test_only_the_pairs_that_were_asked_for():
    values = {"a": [1.0, 2.0], "b": [2.0, 3.0], "c": [0.0, 0.0]}
    assert [(pair.first, pair.second) for pair in compare(values, [("c", "a")])] == [("c", "a")]
    assert len(compare(values)) == 3


def test_holm_by_hand():
    assert holm([0.01, 0.02, 0.03]) == [0.03, 0.04, 0.04]
    assert holm([0.01, 0.04, 0.03]) == [0.03, 0.06, 0.06]
    assert holm([0.6, 0.7]) == [1.0, 1.0]
    assert holm([]) == []


def test_ranks_and_friedman_by_hand():
    """Mean ranks 3, 2 and 1 over four seeds: chi-square 12 * 4 / (3 * 4) * (9 + 4 + 1 - 3 * 4^2 / 4) = 8."""
    found = rank({"a": [1, 2, 3, 4], "b": [2, 3, 4, 5], "c": [3, 4, 5, 6]}, lower_is_better=False)
    assert found.mean == {"a": 3.0, "b": 2.0, "c": 1.0}
    assert found.p == pytest.approx(math.exp(-8 / 2))  # of two degrees of freedom


def test_the_critical_difference_of_the_paper():
    """Demšar 2006, section 3.2.2: four classifiers on 14 data sets have q 2.569 and a critical difference of 1.25."""
    rows = np.random.default_rng(0).random((4, 14))
    found = rank({str(name): list(row) for name, row in enumerate(rows)})
    assert found.critical_difference == pytest.approx(2.569 * math.sqrt(4 * 5 / (6 * 14)), rel=1e-3)
    assert found.critical_difference == pytest.approx(1.25, abs=0.005)


def test_a_run_without_a_value_is_the_worst():
    found = rank({"a": [3.0, None], "b": [2.0, 5.0], "c": [1.0, 4.0]})
    assert found.mean == {"a": 3.0, "b": 2.0, "c": 1.0}
    assert found.seeds == 2
    found = rank({"a": [1.0, 1.0], "b": [2.0, None], "c": [3.0, 2.0]})
    assert found.mean == {"a": 1.0, "b": 2.5, "c": 2.5}


def test_ranks_without_a_test():
    assert rank({"a": [1.0, 2.0], "b": [2.0, 1.0]}).p is None  # two combinations: Friedman's test needs three
    assert rank({"a": [1.0], "b": [2.0], "c": [3.0]}).critical_difference is None
    assert rank({"a": [1.0, 1.0], "b": [1.0, 1.0], "c": [1.0, 1.0]}).p is None
