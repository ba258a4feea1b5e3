"""Comparisons over corpora, counted by hand and against SciPy."""

import math

import numpy as np
import pytest
from scipy import stats

from tuner.study.across import (
    HOLDS,
    OPEN,
    REVERSED,
    across,
    compare_across,
    hierarchical_interval,
    relative,
    table_rows,
)
from tuner.study.settings import Combination

# Differences first minus second: -1, -2 and -3 on average, of three seeds each
LOWER = {
    "a": {"x": [1.0, 2.0, 3.0], "y": [1.9, 3.0, 4.1]},
    "b": {"x": [1.0, 2.0, 3.0], "y": [2.9, 4.0, 5.1]},
    "c": {"x": [1.0, 2.0, 3.0], "y": [3.9, 5.0, 6.1]},
}


def test_a_difference_that_holds_everywhere():
    [found] = compare_across(LOWER)
    assert [each.mean for each in found.corpora.values()] == pytest.approx([-1.0, -2.0, -3.0])
    assert found.mean == pytest.approx(-2.0)
    oracle = stats.ttest_1samp([-1.0, -2.0, -3.0], 0.0)  # n = 3 corpora, not 9 runs
    assert found.p == found.adjusted == pytest.approx(oracle.pvalue)
    assert (found.low, found.high) == pytest.approx(tuple(oracle.confidence_interval()))
    assert (found.sign, found.least) == (0.25, 0.25)
    assert found.holds_everywhere
    assert found.verdict == "holds everywhere"
    assert set(found.says.values()) == {HOLDS}


def test_a_difference_that_is_reversed_or_not_shown_somewhere():
    mixed = LOWER | {
        "d": {"x": [2.0, 3.0, 4.1], "y": [1.0, 2.1, 3.0]},
        "e": {"x": [1.0, 5.0, 1.0], "y": [2.0, 2.0, 2.0]},
    }
    [found] = compare_across(mixed)
    assert found.says == {"a": HOLDS, "b": HOLDS, "c": HOLDS, "d": REVERSED, "e": OPEN}
    assert found.verdict == "reversed in d; not shown in e"
    assert not found.holds_everywhere


def test_missing_values_and_corpora():
    values = {"a": {"x": [1.0, None, 3.1], "y": [2.0, 2.0, 4.0]}, "b": {"x": [None], "y": [1.0]}}
    [found] = compare_across(values)
    assert [(each.runs, each.missing) for each in found.corpora.values()] == [(2, 1), (0, 1)]
    assert (found.mean, found.low, found.p, found.bootstrap) == (pytest.approx(-0.95), None, 1.0, None)
    assert found.says == {"a": OPEN, "b": OPEN}
    assert compare_across({}) == []


def test_a_corpus_with_a_missing_pair_is_undecided():
    rows = {"x": [1.0, 2.0, 3.0, None], "y": [1.9, 3.0, 4.1, 5.0]}
    [found] = compare_across(LOWER | {"a": rows})
    assert found.corpora["a"].high < 0
    assert found.says == {"a": OPEN, "b": HOLDS, "c": HOLDS}


def test_differences_without_spread_are_undecided():
    """0.1 + 0.2 - 0.2 is not quite 0.1: equal up to rounding is equal."""
    [found] = compare_across({name: {"x": [1.1, 1.3, 1.7], "y": [1.0, 1.2, 1.6]} for name in ("a", "b")})
    assert (found.p, found.low, set(found.says.values())) == (1.0, None, {OPEN})


def test_pairs_are_averaged_over_what_both_have():
    """The second loss has Adam alone and is compared with BCE there; the zero bias is a combination of its own."""
    rows = {"bce-adam": [1.0, 2.0], "bce-sgd": [9.0, 9.0], "focal-adam": [4.0, 5.5], "bce-adam-zero-bias": [7.0, 7.0]}
    combinations = [Combination("bce", "adam"), Combination("bce", "sgd"), Combination("focal", "adam")]
    combinations.append(Combination("bce", "adam", change="zero-bias"))
    found = across({"a": rows, "b": rows}, combinations)
    assert [(each.first, each.second, each.mean) for each in found.losses] == [("bce", "focal", -3.25)]
    assert [each.mean for each in found.optimizers] == [-7.5]  # of BCE alone
    assert len(found.differences) == 6
    assert (found.model.left_out, found.model.runs) == ([("focal", "adam")], 8)  # BCE with two optimizers


def test_pairs_are_corrected_together():
    values = {corpus: rows | {"z": [0.0, 0.1, 0.2]} for corpus, rows in LOWER.items()}
    found = compare_across(values)
    assert [(each.first, each.second) for each in found] == [("x", "y"), ("x", "z"), ("y", "z")]
    assert min(each.adjusted for each in found) == pytest.approx(3 * min(each.p for each in found))


def test_relative_values_do_not_depend_on_the_baseline_in_their_differences():
    one, other = ({"a": 8.0}, {"a": 2.0})
    values = {"a": {"x": [4.0, 4.0], "y": [5.0, 5.0]}}
    [found], [again] = (compare_across(relative(values, baseline)) for baseline in (one, other))
    assert found.mean == pytest.approx(again.mean) == pytest.approx(math.log(0.8))
    assert relative({"a": {"x": [None, 4.0]}}, one)["a"]["x"] == [None, math.log(0.5)]
    with pytest.raises(ValueError, match=r"values and baselines must be > 0 for their ratio. Received: 0.0"):
        relative({"a": {"x": [0.0]}}, one)


def test_the_hierarchical_interval_draws_corpora_then_seeds():
    """Two corpora whose seeds do not differ: the mean is that of either, or of both, with 1/4, 1/4 and 1/2."""
    assert hierarchical_interval([[1.0, 1.0], [3.0]]) == (1.0, 3.0)
    assert hierarchical_interval([[1.0, 2.0], []]) is None
    groups = [np.random.default_rng(k).normal(k, 1.0, 20) for k in range(12)]
    between = [float(np.mean(group)) for group in groups]
    low, high = hierarchical_interval(groups)
    oracle = stats.bootstrap((between,), np.mean, method="percentile", rng=1).confidence_interval
    assert low < oracle.low + 0.1  # wider than that of the corpora's means, by the seeds
    assert (low, high) == pytest.approx((oracle.low, oracle.high), abs=0.2)


def made_up(reverse):
    """Four corpora with three losses × two optimizers and five seeds; the last corpus prefers another loss."""
    rng = np.random.default_rng(1)
    combinations = [Combination(loss, optimizer) for loss in ("bce", "focal", "dice") for optimizer in ("adam", "sgd")]
    effects = {"bce": 0.0, "focal": 0.2, "dice": 0.4}
    values = {}
    for number, corpus in enumerate(("jsb", "nottingham", "pop909", "classical")):
        sign = -1 if reverse and corpus == "classical" else 1
        values[corpus] = {
            each.name: list(5 + number + sign * effects[each.loss] + 0.01 * rng.normal(size=5)) for each in combinations
        }
    return values, combinations


def test_all_tests_together():
    found = across(*made_up(reverse=False))
    assert len(found.differences) == 15
    assert [(each.first, each.second) for each in found.losses] == [
        ("bce", "focal"),
        ("bce", "dice"),
        ("focal", "dice"),
    ]
    assert [each.mean for each in found.losses] == pytest.approx([-0.2, -0.4, -0.2], abs=0.01)
    assert [each.verdict for each in found.losses] == ["holds everywhere"] * 3
    [optimizers] = found.optimizers
    assert optimizers.mean == pytest.approx(0, abs=0.01)
    assert not optimizers.holds_everywhere
    losses = {(each.first, each.second): each for each in found.model.contrasts if each.effect == "loss"}
    assert losses["bce", "focal"].mean == pytest.approx(-0.2, abs=0.01)
    assert losses["bce", "focal"].adjusted < 0.001
    assert (found.blocks.ranks.seeds, found.corpora.ranks.seeds) == (20, 4)
    assert found.blocks.ranks.p < found.corpora.ranks.p < 0.05  # four corpora show less than twenty blocks
    pair = next(each for each in found.differences if (each.first, each.second) == ("bce-adam", "focal-adam"))
    assert pair.holds_everywhere
    assert (pair.sign, pair.least) == (0.125, 0.125)


def test_one_corpus_that_disagrees_is_named_and_takes_the_certainty_away():
    found = across(*made_up(reverse=True))
    pair = next(each for each in found.differences if (each.first, each.second) == ("bce-adam", "focal-adam"))
    assert pair.verdict == "reversed in classical"
    assert pair.p > 0.1
    contrast = next(each for each in found.model.contrasts if (each.first, each.second) == ("bce", "focal"))
    assert contrast.low < 0 < contrast.high
    assert found.model.deviations["corpus:loss"] > 10 * found.model.deviations["rest"]


def test_losses_are_averaged_over_the_optimizers_within_a_seed():
    combinations = [Combination(loss, optimizer) for loss in ("bce", "focal") for optimizer in ("adam", "sgd")]
    rows = {"bce-adam": [1.0, 2.0], "bce-sgd": [3.0, None], "focal-adam": [4.0, 5.0], "focal-sgd": [6.0, 9.0]}
    [found] = across({"a": rows}, combinations).losses
    assert (found.corpora["a"].runs, found.mean) == (1, -3.0)  # (1 + 3) / 2 - (4 + 6) / 2; the second seed has a gap


def test_the_table_has_a_row_per_corpus_and_the_verdict():
    found = table_rows(across(LOWER, [Combination("x", "")][:0]))
    assert found == []
    values, combinations = made_up(reverse=True)
    rows = table_rows(across(values, combinations))
    assert len(rows) == (3 + 1 + 15) * 5
    assert [row["corpus"] for row in rows[:5]] == ["jsb", "nottingham", "pop909", "classical", "all"]
    assert rows[0].keys() == {"first", "second", "corpus", "n", "mean", "low", "high", "says"}
    assert [row["n"] for row in rows[:5]] == [5, 5, 5, 5, 4]
    between = next(row for row in rows if row["corpus"] == "all" and row["second"] == "focal-adam")
    assert between["says"] == "reversed in classical"
