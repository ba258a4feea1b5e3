"""The trend of an advantage with density, against every arrangement counted one by one."""

import itertools

import pytest
from scipy import stats

from tuner.report.paper.rarity import trend

DENSITIES = [0.01, 0.02, 0.04]


def test_the_p_value_is_the_share_of_arrangements_within_seeds_with_so_low_a_correlation():
    advantages = [[3.0, 2.5], [2.0, 2.6], [1.0, 1.5]]  # [condition][seed]
    found = trend(DENSITIES, advantages)
    columns = list(zip(*advantages, strict=True))  # [seed][condition]
    density = DENSITIES * 2
    correlations = [
        stats.spearmanr(density, [*first, *second]).statistic
        for first, second in itertools.product(*(itertools.permutations(column) for column in columns))
    ]
    observed = stats.spearmanr(density, [*columns[0], *columns[1]]).statistic
    assert found.rho == pytest.approx(observed)
    assert found.p == pytest.approx(sum(rho <= observed + 1e-12 for rho in correlations) / 36, abs=0.01)
    assert (found.values, found.conditions, found.can_show) == (6, 3, True)


def test_the_test_is_one_sided_and_leaves_out_missing_values():
    found = trend(DENSITIES, [[1.0, 1.1, 0.9], [2.0, 2.1, None], [3.0, 3.1, 2.9]])
    assert found.rho > 0.9 and found.p > 0.95 and not found.is_shown
    assert found.values == 8


def test_too_few_conditions_or_seeds_show_nothing():
    assert trend([0.01], [[1.0, 2.0]]) is None
    assert trend(DENSITIES, [[None], [None], [1.0]]) is None
    one_seed = trend(DENSITIES, [[3.0], [2.0], [1.0]])  # one of 6 arrangements
    assert one_seed.rho == pytest.approx(-1) and not one_seed.can_show and not one_seed.is_shown
    two_conditions = trend(DENSITIES[:2], [[3.0] * 6, [1.0] * 6])
    assert not two_conditions.can_show
    equal = trend(DENSITIES, [[1.0, 1.0]] * 3)
    assert (equal.p, equal.can_show) == (1.0, False)
