"""The compass search of tuning: which settings come next, where it ends, which best values are at an edge."""

import math

import pytest

from tuner.study import tuning
from tuner.study.ladder import Ladder

RATE = Ladder(start=0.004)
DECAY = Ladder(start=0.01, ratio=4.0, least=1e-4, limit=0.0)


def search(ladders, nll, most=60):
    """All points that the search tries, and their results."""
    results = []
    while len(results) < most:
        tried = tuning.points(ladders, results)
        if len(tried) == len(results):
            break
        results.append(nll(tuning.values(ladders, tried[-1])))
    return tuning.points(ladders, results), results


@pytest.mark.parametrize("best", [3e-5, 0.002, 0.005, 0.3])
def test_the_range_widens_until_the_best_lies_inside(best):
    tried, results = search({"rate": RATE}, lambda chosen: abs(math.log(chosen["rate"] / best)))
    assert tuning.edges({"rate": RATE}, results) == []
    found = RATE.rung(tried[tuning.best(tried, results)][0])
    assert abs(math.log2(found / best)) <= 0.25  # half a rung around the best one that was tried
    assert len(set(tried)) == len(tried)


@pytest.mark.parametrize("first", [-5.0, 0.0, 7.0])
def test_the_search_starts_anywhere_and_may_do_without_halves(first):
    ladders = {"rate": Ladder(start=0.004, first=first, halves=False), "decay": DECAY}
    tried, results = search(
        ladders, lambda chosen: abs(math.log(chosen["rate"] / 0.004)) + abs(math.log((chosen["decay"] + 1e-6) / 0.01))
    )
    assert tried[0] == (first, 0.0)
    assert tuning.edges(ladders, results) == []
    assert tuning.values(ladders, tried[tuning.best(tried, results)]) == {"rate": 0.004, "decay": 0.01}
    assert all(point[0] == int(point[0]) for point in tried)
    assert len(tried) <= 5 + 3 * abs(first) + 2  # two halves of the decay


def test_settings_move_one_at_a_time():
    ladders = {"rate": RATE, "decay": DECAY}
    tried, results = search(
        ladders, lambda chosen: abs(math.log(chosen["rate"] / 0.001)) + abs(math.log((chosen["decay"] + 1e-6) / 0.04))
    )
    assert tuning.edges(ladders, results) == []
    assert tuning.values(ladders, tried[tuning.best(tried, results)]) == {"rate": 0.001, "decay": 0.04}
    for number, point in enumerate(tried[1:], 1):
        assert any(sum(a != b for a, b in zip(point, other, strict=True)) == 1 for other in tried[:number])


def test_a_best_value_at_a_natural_limit_is_not_at_an_edge():
    ladders = {"decay": DECAY}
    tried, results = search(ladders, lambda chosen: chosen["decay"])
    assert tuning.values(ladders, tried[tuning.best(tried, results)]) == {"decay": 0.0}
    assert tuning.edges(ladders, results) == []


def test_without_a_neighbour_the_best_is_at_an_edge():
    assert tuning.edges({"rate": RATE}, [5.0]) == [("rate", 1), ("rate", -1)]
    assert tuning.edges({"rate": RATE}, [5.0, 5.1]) == [("rate", -1)]
    assert tuning.edges({"rate": RATE}, [5.0, 5.1, 5.2]) == []
    # the neighbour of an earlier point does not count for one that differs in two settings
    ladders = {"rate": RATE, "decay": DECAY}
    assert tuning.points(ladders, [5.0, 4.0])[:2] == [(0.0, 0.0), (1.0, 0.0)]
    assert ("decay", 1) in tuning.edges(ladders, [5.0, 4.0])


def test_runs_that_diverge_are_worse_than_all_others():
    assert tuning.best([(0.0,), (1.0,), (-1.0,)], [None, 5.0, None]) == 1
    assert tuning.best([(0.0,), (1.0,), (-1.0,)], [None, None, None]) == 2
    tried, results = search({"rate": RATE}, lambda chosen: None if chosen["rate"] > 0.001 else chosen["rate"], most=8)
    # 0.004 and 0.008 diverged, so the search went down: one halving a run
    assert RATE.rung(tried[tuning.best(tried, results)][0]) == 6.25e-05


def test_the_next_point_follows_from_the_results_alone():
    ladders = {"rate": RATE, "decay": DECAY}
    results = [5.0, 4.8, 4.9, 4.7, 4.75, 4.9]
    whole = tuning.points(ladders, results)
    for count in range(len(results)):
        assert tuning.points(ladders, results[:count]) == whole[: count + 1]
